//! What the firewall has: two configurations, and what is going on in it. Built by the adapter, objects resolved.

mod commits;
mod uncommitted;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use crate::{
    address::{Address, AddressRange},
    id::{AdminName, AppName, JobId, ProfileName, RuleName, ServiceName, TagName, ZoneName},
    range::Set,
    service::L4,
};

pub use self::{
    commits::{CommitNote, Digest, FailedCommit, Naming, Since},
    uncommitted::{Effect, Node, Pending},
};

/// One look at the firewall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firewall {
    /// What administrators and we are working on.
    pub candidate: Arc<Configuration>,
    /// What decides traffic now; the same `Arc` when nothing is pending.
    pub running: Arc<Configuration>,
    /// The account whose API key we use, if the firewall or the settings could tell.
    pub admin: Option<AdminName>,
    /// Which unit of a pair this is, as the settings name it; nothing if the firewall stands alone.
    pub unit: Option<String>,
    /// Uncommitted changes, by whoever made them.
    pub pending: Vec<Pending>,
    /// A commit of ours that has not ended yet.
    pub unfinished_commit: Option<JobId>,
    /// Commits of ours that failed, with the device's own age of them.
    pub failed_commits: Vec<FailedCommit>,
}

impl Firewall {
    /// What we have not committed and another administrator works on as well, and who that is. PAN-OS commits and reverts by
    /// node: whichever administrator's commit covers it, covers the work of both.
    pub fn entangled(&self, us: &AdminName) -> Option<(&Node, &AdminName)> {
        let ours: BTreeSet<_> =
            self.pending.iter().filter(|pending| pending.admin == *us).map(|pending| &pending.node).collect();
        // What was added and deleted again comes to nothing, whoever did either.
        let is_there = |node: &Node| match node {
            Node::Rule(name) => {
                let mut configurations = [&self.candidate, &self.running].into_iter();
                configurations.any(|held| held.rules.iter().any(|rule| rule.name == *name))
            }
            Node::Service(_) | Node::Tag(_) | Node::Other(_) => true,
        };
        let theirs = self.pending.iter().filter(|pending| pending.admin != *us);
        let both = theirs.map(|pending| (&pending.node, &pending.admin)).filter(|(node, _)| ours.contains(node));
        // Whoever works by the parent's path is noted there, and the mark alone tells on what.
        let marked = ours.iter().filter_map(|node| Some((*node, self.marks(node)?.iter().find(|by| *by != us)?)));
        both.chain(marked).find(|(node, _)| is_there(node))
    }

    /// Whose marks of uncommitted work a node of the candidate bears.
    fn marks(&self, node: &Node) -> Option<&TouchedBy> {
        match node {
            Node::Rule(name) => {
                let local = |rule: &&RuleFacts| rule.place == Place::Local && rule.name == *name;
                self.candidate.rules.iter().find(local).map(|rule| &rule.touched_by)
            }
            Node::Service(name) => self.candidate.services.get(name).map(|service| &service.touched_by),
            Node::Tag(name) => self.candidate.tags.get(name),
            Node::Other(_) => None,
        }
    }
}

/// One of the two configurations, with its own objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Rules in the order of evaluation: pushed before ours, local, pushed after.
    pub rules: Vec<RuleFacts>,
    /// The default rules at the very end (`intrazone-default`, `interzone-default`), as administrators have left them.
    pub default_rules: Vec<RuleFacts>,
    /// Rules of the NAT rulebase that can bear on IPv4 traffic from the internet, in the order of evaluation.
    pub nat: Vec<NatRule>,
    /// Zones of the virtual system.
    pub zones: BTreeSet<ZoneName>,
    /// Tags that can be used there.
    pub tags: BTreeMap<TagName, TouchedBy>,
    /// Service objects that can be used there (virtual system and shared).
    pub services: BTreeMap<ServiceName, ServiceFacts>,
    /// Names of address objects, groups and lists that read like addresses.
    pub address_names: BTreeSet<String>,
    /// Names of application groups and filters: in a rule they do not mean the application of that name.
    pub application_sets: BTreeSet<AppName>,
    /// Security profile groups that can be used there.
    pub profile_groups: BTreeSet<ProfileName>,
    /// Log forwarding profiles that can be used there.
    pub log_settings: BTreeSet<ProfileName>,
    /// Standard ports of the applications that rules name, as far as the device tells them.
    pub standard_ports: BTreeMap<AppName, Vec<L4>>,
}

/// Administrators who have uncommitted work on a node.
pub type TouchedBy = BTreeSet<AdminName>;

/// A security rule as the firewall has it. Nothing here is guessed: what configuration alone cannot resolve narrows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFacts {
    /// Its name.
    pub name: RuleName,
    /// In which rulebase it stands.
    pub place: Place,
    /// Which pairs of zones it speaks of.
    pub rule_type: RuleType,
    /// Source zones.
    pub from: Zones,
    /// Destination zones.
    pub to: Zones,
    /// Source addresses before NAT.
    pub source: Addresses,
    /// Destination addresses before NAT.
    pub destination: Addresses,
    /// Applications, groups resolved.
    pub applications: Applications,
    /// The service column.
    pub service: Services,
    /// What it does.
    pub action: Action,
    /// Whether it is evaluated at all.
    pub status: Status,
    /// Everything that lets fewer packets match than the columns above say.
    pub narrowed_by: Vec<Narrowing>,
    /// Its tags.
    pub tags: BTreeSet<TagName>,
    /// Security profiles.
    pub profiles: Profiles,
    /// The description.
    pub description: String,
    /// Administrators with uncommitted work on it.
    pub touched_by: TouchedBy,
    /// Elements that decide nothing (log settings, QoS marking, options ...), verbatim: administrators may set them on rules
    /// of ours, and they are written back as they were.
    pub carried: Carried,
}

/// XML that the core never reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried(pub String);

/// In which rulebase a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Pushed by Panorama, above the local ones.
    Pre,
    /// The firewall's own rulebase.
    Local,
    /// Pushed by Panorama, below the local ones.
    Post,
}

/// Which pairs of zones a rule speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleType {
    /// Every pair of its source and destination zones.
    Universal,
    /// Traffic within each source zone.
    Intrazone,
    /// Traffic between different ones of its zones.
    Interzone,
}

/// Zones, as a rule lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Zones {
    /// Every zone.
    Any,
    /// These.
    Named(BTreeSet<ZoneName>),
}

impl Zones {
    /// Whether traffic of this zone matches.
    pub fn include(&self, zone: &ZoneName) -> bool {
        match self {
            Self::Any => true,
            Self::Named(names) => names.contains(zone),
        }
    }
}

/// The addresses of one side of a rule, negation applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// Exactly these.
    Known {
        /// All of them together.
        set: Set<Address>,
        /// One by one, as the rule lists them: `10.0.0.4` and `10.0.0.5` are one range of the set, and two here.
        listed: BTreeSet<AddressRange>,
    },
    /// Configuration alone cannot tell; a [`Narrowing`] says why.
    Unknown,
}

impl Addresses {
    /// Every address: what `any` means in a rule.
    pub fn any() -> Self {
        Self::from_iter(Set::everything().ranges_by_family())
    }

    /// Every address but these.
    #[must_use]
    pub fn negated(&self) -> Self {
        match self {
            Self::Known { set, .. } => Self::from_iter(Set::everything().minus(set).ranges_by_family()),
            Self::Unknown => Self::Unknown,
        }
    }

    /// Whether this is what `any` means.
    pub fn is_any(&self) -> bool {
        matches!(self, Self::Known { set, .. } if *set == Set::everything())
    }
}

/// The addresses that a rule lists.
impl FromIterator<AddressRange> for Addresses {
    fn from_iter<I: IntoIterator<Item = AddressRange>>(ranges: I) -> Self {
        let listed: BTreeSet<_> = ranges.into_iter().collect();
        Self::Known { set: listed.iter().copied().collect(), listed }
    }
}

/// The application column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applications {
    /// `any`.
    Any,
    /// These and no others.
    Named(BTreeSet<AppName>),
    /// Named ones beside some that cannot be resolved (filters); a [`Narrowing`] says which.
    Unknown,
}

/// The service column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Services {
    /// `any`.
    Any,
    /// `application-default`.
    ApplicationDefault,
    /// These ports; `objects` are the names in the column.
    Ports {
        /// What the named objects hold together.
        l4: Vec<L4>,
        /// Their names.
        objects: BTreeSet<ServiceName>,
    },
    /// Configuration alone cannot tell; a [`Narrowing`] says why.
    Unknown,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Lets the packet through.
    Allow,
    /// Does not: deny, drop or one of the resets.
    Deny,
}

/// Whether a rule is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Yes.
    Enabled,
    /// An administrator has switched it off.
    Disabled,
}

/// Something that lets fewer packets match than a rule's columns say, or that configuration alone cannot resolve.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Narrowing {
    /// Only some users.
    User,
    /// Only some URL categories.
    Category,
    /// Only hosts with a HIP profile.
    Hip,
    /// Only at some times.
    Schedule(String),
    /// Only from some source ports.
    SourcePort,
    /// An address that is not in the configuration: FQDN, external list, region, dynamic group, wildcard, or unknown.
    Address(String),
    /// An application that is no plain application or group: a filter, or unknown.
    Application(String),
    /// A service that cannot be resolved.
    Service(String),
    /// An element that we do not know and that may decide.
    Element(String),
}

impl fmt::Display for Narrowing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User => f.write_str("users"),
            Self::Category => f.write_str("URL categories"),
            Self::Hip => f.write_str("HIP profiles"),
            Self::Schedule(name) => write!(f, "schedule `{name}`"),
            Self::SourcePort => f.write_str("source ports"),
            Self::Address(name) => write!(f, "address `{name}`"),
            Self::Application(name) => write!(f, "application `{name}`"),
            Self::Service(name) => write!(f, "service `{name}`"),
            Self::Element(name) => write!(f, "element `{name}`"),
        }
    }
}

/// An enabled NAT rule, as far as it bears on where packets of IPv4 go. The first rule that matches a packet decides, also
/// when it leaves the destination as it is. A static source translation that is bidirectional is listed twice: as it stands,
/// and turned round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatRule {
    /// Its name.
    pub name: RuleName,
    /// Source zones.
    pub from: Zones,
    /// Source addresses before translation.
    pub source: Addresses,
    /// Destination addresses before translation.
    pub destination: Addresses,
    /// The service before translation.
    pub service: Services,
    /// Which of the packets that its columns stand for it matches.
    pub matches: Matches,
    /// What it does to the destination.
    pub translation: DestinationTranslation,
}

/// Which of the packets that the columns of a NAT rule stand for it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matches {
    /// All of them.
    All,
    /// Nobody can tell which: source ports, or an element that we do not know, decide as well. It matches no others.
    Some,
}

/// What a NAT rule does to the destination of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DestinationTranslation {
    /// It stays as it is.
    None,
    /// It becomes one of these: the only one, or the one at the same place of as many original addresses.
    Static {
        /// The addresses after translation.
        to: AddressRange,
        /// The port after translation, if that changes.
        port: Option<u16>,
    },
    /// It becomes what configuration alone cannot tell: an FQDN, one of several servers, or an address that is not known.
    Unknown,
}

/// The security profiles of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profiles {
    /// None.
    None,
    /// A group.
    Group(ProfileName),
    /// Single profiles.
    Single,
}

/// A service object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceFacts {
    /// What it holds; empty if that cannot be resolved (source ports).
    pub l4: Vec<L4>,
    /// Its tags.
    pub tags: BTreeSet<TagName>,
    /// Administrators with uncommitted work on it.
    pub touched_by: TouchedBy,
}
