//! Security groups.
//!
//! A group is a list of rules with one source each. DescribeSecurityGroups shows them folded into permissions.

use std::{collections::BTreeSet, fmt, str::FromStr};

use ipnet::IpNet;

use super::{
    Tags,
    ids::{GroupId, PrefixListId, RuleId, VpcId},
    network::tags,
    shape::{Record, Shape},
};

/// A security group.
#[derive(Clone, Debug)]
pub struct SecurityGroup {
    /// Its id.
    pub id: GroupId,
    /// Its name, unique in its VPC.
    pub name: String,
    /// What somebody wrote about it.
    pub description: String,
    /// Its VPC.
    pub vpc: VpcId,
    /// Other VPCs in which it can be used.
    pub shared_with: BTreeSet<VpcId>,
    /// Its rules of both directions, in the order in which they came.
    pub rules: Vec<GroupRule>,
    /// Its tags.
    pub tags: Tags,
}

/// One rule of a group: one source or destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRule {
    /// An id that survives changes of the rule.
    pub id: RuleId,
    /// Which way.
    pub direction: Direction,
    /// What is allowed.
    pub traffic: Traffic,
    /// From or to whom.
    pub peer: Peer,
    /// What somebody wrote about it.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// Which way a rule allows traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the interface.
    Ingress,
    /// Out of the interface.
    Egress,
}

/// What a rule allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// The protocol.
    pub protocol: Protocol,
    /// First and last port, or ICMP type and code, for protocols that have them; -1 is any.
    pub ports: Option<(i32, i32)>,
}

/// An IP protocol as EC2 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `-1`
    All,
    /// `tcp`
    Tcp,
    /// `udp`
    Udp,
    /// `icmp`
    Icmp,
    /// `icmpv6`
    Icmpv6,
    /// Any other number.
    Number(u8),
}

/// The other side of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A network of either family, in canonical form.
    Cidr(IpNet),
    /// All networks of a prefix list.
    PrefixList(PrefixListId),
    /// All interfaces with that group.
    Group(GroupId),
}

/// Traffic with several peers at once: the form in which callers ask and DescribeSecurityGroups answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// What is allowed.
    pub traffic: Traffic,
    /// From or to whom, each with its description.
    pub peers: Vec<(Peer, Option<String>)>,
}

impl Traffic {
    /// Traffic of any protocol.
    pub const ALL: Self = Self { protocol: Protocol::All, ports: None };

    /// Brings what callers may write into the form that EC2 keeps.
    pub fn new(protocol: Protocol, ports: Option<(i32, i32)>) -> Self {
        let ports = match protocol {
            Protocol::All | Protocol::Number(_) => None,
            Protocol::Tcp | Protocol::Udp => ports.filter(|ports| *ports != (-1, -1)).or(Some((0, 65_535))),
            Protocol::Icmp | Protocol::Icmpv6 => ports.or(Some((-1, -1))),
        };
        Self { protocol, ports }
    }

    /// For DescribeSecurityGroups: no ports where there are none.
    fn folded(self) -> Record {
        let record = Record::new().with("ipProtocol", self.protocol.name());
        record.maybe("fromPort", self.ports.map(|(from, _)| from)).maybe("toPort", self.ports.map(|(_, to)| to))
    }

    /// For a single rule: -1 where there are no ports.
    fn single(self) -> Record {
        let (from, to) = self.ports.unwrap_or((-1, -1));
        Record::new().with("ipProtocol", self.protocol.name()).with("fromPort", from).with("toPort", to)
    }
}

impl Protocol {
    fn name(self) -> String {
        match self {
            Self::All => "-1".into(),
            Self::Tcp => "tcp".into(),
            Self::Udp => "udp".into(),
            Self::Icmp => "icmp".into(),
            Self::Icmpv6 => "icmpv6".into(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// A text that names no IP protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a protocol: write `tcp`, `udp`, `icmp`, `icmpv6`, `-1` or a number up to 255")]
pub struct UnknownProtocol(String);

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(text: &str) -> Result<Self, UnknownProtocol> {
        Ok(match text {
            "-1" | "all" => Self::All,
            "tcp" | "6" => Self::Tcp,
            "udp" | "17" => Self::Udp,
            "icmp" | "1" => Self::Icmp,
            "icmpv6" | "58" => Self::Icmpv6,
            number => Self::Number(number.parse().map_err(|_| UnknownProtocol(text.to_owned()))?),
        })
    }
}

impl SecurityGroup {
    /// The rule that allows the same.
    pub(super) fn rule_like(&self, other: &GroupRule) -> Option<&GroupRule> {
        let same = |rule: &&GroupRule| (rule.direction, rule.traffic) == (other.direction, other.traffic);
        self.rules.iter().filter(same).find(|rule| rule.peer == other.peer)
    }

    /// Whether interfaces in that VPC can have it.
    pub(super) fn is_usable_in(&self, vpc: &VpcId) -> bool {
        self.vpc == *vpc || self.shared_with.contains(vpc)
    }

    pub(super) fn shape(&self, owner: &str, region: &str) -> Record {
        Record::new()
            .with("groupId", &self.id)
            .with("groupName", &self.name)
            .renamed("groupDescription", "Description", &self.description)
            .with("vpcId", &self.vpc)
            .with("ownerId", owner)
            .with("securityGroupArn", format!("arn:aws:ec2:{region}:{owner}:security-group/{}", self.id))
            .with("ipPermissions", self.folded(Direction::Ingress, owner))
            .with("ipPermissionsEgress", self.folded(Direction::Egress, owner))
            .renamed("tagSet", "Tags", tags(&self.tags))
    }

    /// Rules with the same traffic make one permission.
    fn folded(&self, direction: Direction, owner: &str) -> Shape {
        let mut permissions: Vec<(Traffic, Vec<&GroupRule>)> = vec![];
        for rule in self.rules.iter().filter(|rule| rule.direction == direction) {
            match permissions.iter_mut().find(|(traffic, _)| *traffic == rule.traffic) {
                Some((_, rules)) => rules.push(rule),
                None => permissions.push((rule.traffic, vec![rule])),
            }
        }
        permissions.iter().map(|(traffic, rules)| permission(*traffic, rules, owner)).collect()
    }
}

fn permission(traffic: Traffic, rules: &[&GroupRule], owner: &str) -> Record {
    let described = |record: Record, rule: &GroupRule| record.maybe("description", rule.description.as_ref());
    let mut sources = [vec![], vec![], vec![], vec![]];
    for rule in rules {
        let (kind, record) = match &rule.peer {
            Peer::Group(id) => (0, Record::new().with("userId", owner).with("groupId", id)),
            Peer::Cidr(IpNet::V4(cidr)) => (1, Record::new().with("cidrIp", *cidr)),
            Peer::Cidr(IpNet::V6(cidr)) => (2, Record::new().with("cidrIpv6", *cidr)),
            Peer::PrefixList(id) => (3, Record::new().with("prefixListId", id)),
        };
        sources[kind].push(described(record, rule));
    }
    let [groups, v4, v6, lists] = sources.map(Shape::from_iter);
    traffic
        .folded()
        .renamed("groups", "UserIdGroupPairs", groups)
        .with("ipRanges", v4)
        .with("ipv6Ranges", v6)
        .with("prefixListIds", lists)
}

impl GroupRule {
    /// This rule alone as DescribeSecurityGroups would show it.
    pub(super) fn permission(&self, owner: &str) -> Record {
        permission(self.traffic, &[self], owner)
    }

    /// What DescribeSecurityGroupRules says of it.
    pub(super) fn shape(&self, group: &GroupId, owner: &str, region: &str) -> Record {
        self.identified(group, owner, region).renamed("tagSet", "Tags", tags(&self.tags))
    }

    /// What Authorize says of it.
    pub(super) fn authorized(&self, group: &GroupId, owner: &str, region: &str) -> Record {
        let record = self.identified(group, owner, region);
        if self.tags.is_empty() { record } else { record.renamed("tagSet", "Tags", tags(&self.tags)) }
    }

    fn identified(&self, group: &GroupId, owner: &str, region: &str) -> Record {
        let record = self.common(group).with("groupOwnerId", owner);
        let record = match &self.peer {
            Peer::Group(id) => {
                record.with("referencedGroupInfo", Record::new().with("groupId", id).with("userId", owner))
            }
            Peer::Cidr(_) | Peer::PrefixList(_) => record,
        };
        let arn = format!("arn:aws:ec2:{region}:{owner}:security-group-rule/{}", self.id);
        record.with("securityGroupRuleArn", arn)
    }

    /// What Revoke says of it.
    pub(super) fn revoked(&self, group: &GroupId) -> Record {
        let record = self.common(group);
        match &self.peer {
            Peer::Group(id) => record.with("referencedGroupId", id),
            Peer::Cidr(_) | Peer::PrefixList(_) => record,
        }
    }

    fn common(&self, group: &GroupId) -> Record {
        let record = Record::new()
            .with("securityGroupRuleId", &self.id)
            .with("groupId", group)
            .with("isEgress", self.direction == Direction::Egress)
            .and(self.traffic.single())
            .maybe("description", self.description.as_ref());
        match &self.peer {
            Peer::Cidr(IpNet::V4(cidr)) => record.with("cidrIpv4", *cidr),
            Peer::Cidr(IpNet::V6(cidr)) => record.with("cidrIpv6", *cidr),
            Peer::PrefixList(id) => record.with("prefixListId", id),
            Peer::Group(_) => record,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cidr(cidr) => cidr.fmt(f),
            Self::PrefixList(id) => id.fmt(f),
            Self::Group(id) => id.fmt(f),
        }
    }
}
