//! What the owner of a deployment has decided. Parsed and validated once, by the adapter.

use std::{collections::BTreeSet, fmt, time::Duration};

use crate::{
    address::Address,
    change::Direction,
    id::{
        AdminName, EndpointId, InstanceId, InterfaceId, OwnedName, ProfileName, RuleName, SubnetId, TagName,
        TransitGatewayId, VpcId, ZoneName,
    },
    inventory::Instance,
    never::NeverOpen,
    range::Set,
    translate::Translation,
};

/// Everything that decides, apart from the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The tag that marks what is ours. Unique per deployment and firewall.
    pub owner: TagName,
    /// The account of the API key; when absent the firewall is asked.
    pub admin: Option<AdminName>,
    /// How far we may go.
    pub mode: Mode,
    /// The administrator's rule above which ours stand.
    pub bottom_rule: RuleName,
    /// Where the internet is.
    pub untrust: ZoneName,
    /// Where the instances are.
    pub trust: ZoneName,
    /// The security profile group that our rules carry.
    pub profile_group: Option<ProfileName>,
    /// The log forwarding profile that new rules of ours carry; afterwards it is the administrator's.
    pub log_setting: Option<ProfileName>,
    /// What stands for this firewall in route tables.
    pub gateways: BTreeSet<Gateway>,
    /// The firewall's own instances, where gateways do not name them.
    pub firewall_instances: BTreeSet<InstanceId>,
    /// Networks that count as inside besides the VPC's own.
    pub internal: Set<Address>,
    /// Which interfaces count.
    pub interfaces: InterfaceScope,
    /// Where interfaces have to be to count.
    pub scope: Scope,
    /// Which permissions become rules.
    pub directions: BTreeSet<Direction>,
    /// What becomes of a permission that lets everything out.
    pub allow_all_egress: AllowAllEgress,
    /// Which address a rule names for an instance that the internet reaches.
    pub destination: RuleDestination,
    /// What is never opened, whatever a group says.
    pub never_open: NeverOpen,
    /// How permissions become applications and services.
    pub translation: Translation,
    /// How much may change at once.
    pub limits: Limits,
    /// How long to wait for what.
    pub timing: Timing,
}

impl Config {
    /// Whether zones do not tell which way a rule goes: one zone is both sides, and what goes out becomes rules as well. Then a
    /// rule lets through the same packets whichever way it is read.
    pub fn goes_either_way(&self) -> bool {
        self.untrust == self.trust && self.directions.contains(&Direction::Egress)
    }
}

/// How far a run may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Looks and reports; neither writes nor commits.
    Observe,
    /// Adds rules and leaves every rule of ours as it stands.
    AddOnly,
    /// Adds, shrinks and removes.
    Sync,
}

/// What stands for the firewall in a route table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gateway {
    /// The firewall's instance.
    Instance(InstanceId),
    /// A network interface of the firewall.
    Interface(InterfaceId),
    /// A Gateway Load Balancer endpoint before it.
    Endpoint(EndpointId),
    /// A transit gateway before it.
    TransitGateway(TransitGatewayId),
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(id) => id.fmt(f),
            Self::Interface(id) => id.fmt(f),
            Self::Endpoint(id) => id.fmt(f),
            Self::TransitGateway(id) => id.fmt(f),
        }
    }
}

/// Which network interfaces can be exposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterfaceScope {
    /// Those attached to an instance that is on.
    Instances,
    /// Those without an instance as well: load balancers, databases, endpoints.
    All,
}

/// Where interfaces have to be to count. An empty list does not limit; each list that is given does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// In one of these VPCs.
    pub vpcs: BTreeSet<VpcId>,
    /// In one of these subnets.
    pub subnets: BTreeSet<SubnetId>,
    /// Attached to an instance with one of these tags.
    pub instance_tags: BTreeSet<InstanceTag>,
}

/// A tag of an instance, as a scope names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstanceTag {
    /// Its key.
    pub key: String,
    /// Its value; any, if there is none.
    pub value: Option<String>,
}

/// As settings have it: `key=value`, or `key`.
impl fmt::Display for InstanceTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.key),
            None => f.write_str(&self.key),
        }
    }
}

impl InstanceTag {
    /// Whether the instance has it.
    pub fn is_on(&self, instance: &Instance) -> bool {
        instance.tags.get(&self.key).is_some_and(|held| self.value.as_ref().is_none_or(|value| value == held))
    }
}

/// What becomes of a permission that lets every protocol out to a whole family of addresses, as AWS gives it to each new
/// security group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowAllEgress {
    /// It is left out: nobody has decided it.
    LeftOut,
    /// It becomes a rule like any other.
    Written,
}

/// Which address a rule names for an instance that the internet reaches. PAN-OS matches addresses as they were before NAT
/// (vendor documentation, NAT policy).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleDestination {
    /// The instance's own: nothing before the firewall or in it translates it (ingress routing, Gateway Load Balancer).
    Instance,
    /// The original one of each destination NAT rule of the firewall that leads to the instance. IPv6 keeps its own.
    Nat,
}

/// How much may change at once. Additions and removals are judged apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Limits of additions; replacements count as such.
    pub additions: Limit,
    /// Limits of removals; shrinking counts as such.
    pub removals: Limit,
}

/// The limit of one half of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many rules at most.
    pub number: usize,
    /// How many per cent of our rules at most; counts only above [`Limit::FLOOR`] changes. Without it, only the number counts.
    pub percent: Option<usize>,
}

impl Limit {
    /// Up to this many changes a share means nothing.
    pub const FLOOR: usize = 10;

    const NONE: Self = Self { number: usize::MAX, percent: None };
}

/// How long to wait for what. All of it is virtual to the core, which never waits itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// After an event, before the first look, so that a burst is one look.
    pub settle: Duration,
    /// Before the second look, when suddenly nothing is exposed any more.
    pub confirm_empty: Duration,
    /// Between two questions about a job. PAN-OS commits slow down when asked more often than every 2 s.
    pub poll: Duration,
    /// No write and no commit is begun with less time left than this.
    pub reserve: Duration,
    /// One read may take this long.
    pub read: Duration,
    /// One write may take this long.
    pub write: Duration,
    /// How long a candidate whose commit failed is not tried again.
    pub failed_commit: Duration,
}

impl Limits {
    /// Nothing is too much: somebody has looked at the plan and accepts it.
    pub const ACCEPTED: Self = Self { additions: Limit::NONE, removals: Limit::NONE };
}

impl Default for Limits {
    fn default() -> Self {
        Self { additions: Limit { number: 1000, percent: None }, removals: Limit { number: 1000, percent: Some(50) } }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(5),
            confirm_empty: Duration::from_secs(30),
            poll: Duration::from_secs(3),
            reserve: Duration::from_secs(20),
            read: Duration::from_secs(60),
            write: Duration::from_secs(120),
            failed_commit: Duration::from_secs(30 * 60),
        }
    }
}

/// A setting that is of the right form and cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// Without a gateway nothing could ever be exposed, and everything of ours would be removed.
    #[error(
        "`gateways` is empty: name the instances, interfaces, endpoints or transit gateways that stand for the firewall"
    )]
    NoGateway,
    /// A rule that looks like ours cannot be the administrator's.
    #[error(
        "`policy.bottom_rule` is `{0}`, a name of the form that drawbridge gives its own rules: name the administrator's clean-up rule"
    )]
    BottomRuleNamedLikeOurs(RuleName),
}

impl Contradiction {
    /// What cannot be meant by these gateways.
    pub fn of_gateways(gateways: &BTreeSet<Gateway>) -> Option<Self> {
        gateways.is_empty().then_some(Self::NoGateway)
    }

    /// What cannot be meant by this bottom rule.
    pub fn of_bottom_rule(name: &RuleName) -> Option<Self> {
        OwnedName::parse(name.as_str()).map(|_| Self::BottomRuleNamedLikeOurs(name.clone()))
    }
}
