//! The `cloud` section: what exists in AWS when the story begins.

use std::{fmt, net::IpAddr, time::Duration};

use ipnet::IpNet;

use super::{
    names::{Id, Kind},
    permissions::Permissions,
    words::{Commas, Parsed, Span, Words},
};

/// One line of a `cloud` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloudLine {
    /// `account 111122223333`
    Account(String),
    /// `region eu-west-1`
    Region(String),
    /// `vpc vpc-main 10.0.0.0/16, 10.1.0.0/16`
    Vpc {
        /// Its id.
        id: Id,
        /// Its address blocks, the primary one first.
        cidrs: Vec<IpNet>,
    },
    /// `subnet subnet-web 10.0.1.0/24 in vpc-main`
    Subnet {
        /// Its id.
        id: Id,
        /// Its address blocks.
        cidrs: Vec<IpNet>,
        /// Its VPC; the first one of the story when absent.
        vpc: Option<Id>,
    },
    /// `route-table rtb-web in vpc-main main for subnet-a, subnet-b`
    RouteTable {
        /// Its id.
        id: Id,
        /// Its VPC; the first one of the story when absent.
        vpc: Option<Id>,
        /// Whether it is the VPC's main table.
        role: TableRole,
        /// The subnets that are explicitly associated with it.
        subnets: Vec<Id>,
    },
    /// `route rtb-web 0.0.0.0/0 -> eni-fw`
    Route {
        /// The table that holds it.
        table: Id,
        /// Where the packets want to go.
        destination: IpNet,
        /// Where the packets are sent.
        target: Id,
    },
    /// `sg sg-web in vpc-main`
    Group {
        /// Its id.
        id: Id,
        /// Its VPC; the first one of the story when absent.
        vpc: Option<Id>,
    },
    /// `sg sg-web allow tcp/443 from 0.0.0.0/0; tcp/80 from sg-lb`
    Permissions {
        /// The group, which need not have a line of its own.
        group: Id,
        /// What it permits.
        permissions: Permissions,
    },
    /// `instance i-web 10.0.1.10 sg-web in subnet-web running`
    Instance(Instance),
    /// `interface eni-2 10.0.2.10 sg-a of i-web in subnet-b`
    Interface {
        /// Its id.
        id: Id,
        /// Its private addresses, the primary one first.
        addresses: Vec<IpAddr>,
        /// The groups that apply to it.
        groups: Vec<Id>,
        /// The instance that it is attached to.
        instance: Option<Id>,
        /// Its subnet; the one that holds its address when absent.
        subnet: Option<Id>,
    },
    /// `prefix-list pl-office 203.0.113.0/24, 198.51.100.0/24`
    PrefixList {
        /// Its id.
        id: Id,
        /// Its entries.
        entries: Vec<IpNet>,
    },
    /// `states take 30s`: how long an instance is `pending` or `stopping`.
    StatesTake(Duration),
    /// `page-size 5`: the most items that one page of a describe call holds.
    PageSize(usize),
}

/// Whether a route table serves the subnets that name none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableRole {
    /// The main table of its VPC.
    Main,
    /// Any other table.
    Ordinary,
}

/// An instance with its first interface, whose id is the instance's with another prefix: `eni-web` for `i-web`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its id.
    pub id: Id,
    /// The private addresses of its first interface, the primary one first.
    pub addresses: Vec<IpAddr>,
    /// The groups of its first interface.
    pub groups: Vec<Id>,
    /// Its subnet; the one that holds its address when absent.
    pub subnet: Option<Id>,
    /// Its state.
    pub state: InstanceState,
}

/// The life of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "EC2's own words")]
pub enum InstanceState {
    Pending,
    Running,
    ShuttingDown,
    Terminated,
    Stopping,
    Stopped,
}

impl InstanceState {
    const ALL: [Self; 6] =
        [Self::Pending, Self::Running, Self::ShuttingDown, Self::Terminated, Self::Stopping, Self::Stopped];

    /// EC2's name of the state.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let name = words.word("an instance state")?;
        Self::named(&name).ok_or_else(|| format!("`{name}` is not an instance state such as `running`"))
    }
}

impl CloudLine {
    /// Reads one line.
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let first = words.word("a word such as `instance`")?;
        match first.as_str() {
            "account" => Ok(Self::Account(words.word("an account number")?)),
            "region" => Ok(Self::Region(words.word("a region")?)),
            "vpc" => Ok(Self::Vpc { id: id(words, Kind::Vpc)?, cidrs: cidrs(words)? }),
            "subnet" => Ok(Self::Subnet {
                id: id(words, Kind::Subnet)?,
                cidrs: cidrs(words)?,
                vpc: optional(words, "in", Kind::Vpc)?,
            }),
            "route-table" => Self::route_table(words),
            "route" => Self::route(words),
            "sg" => Self::group(words),
            "instance" => Ok(Self::Instance(Instance::take(words, InstanceState::Stopped)?)),
            "interface" => Ok(Self::Interface {
                id: id(words, Kind::Interface)?,
                addresses: addresses(words)?,
                groups: ids(words, Kind::Group)?,
                instance: optional(words, "of", Kind::Instance)?,
                subnet: optional(words, "in", Kind::Subnet)?,
            }),
            "prefix-list" => Ok(Self::PrefixList { id: id(words, Kind::PrefixList)?, entries: cidrs(words)? }),
            "states" => words.expect("take").and_then(|()| Ok(Self::StatesTake(words.span()?))),
            "page-size" => Ok(Self::PageSize(words.value("a number")?)),
            other => Err(format!(
                "`{other}` is nothing a cloud has; known are account, region, vpc, subnet, route-table, route, sg, instance, \
                 interface, prefix-list, states and page-size"
            )),
        }
    }

    /// The ids that the line names.
    pub(super) fn ids(&self) -> Vec<&Id> {
        match self {
            Self::Account(_) | Self::Region(_) | Self::StatesTake(_) | Self::PageSize(_) => Vec::new(),
            Self::Vpc { id, .. } | Self::PrefixList { id, .. } => vec![id],
            Self::Subnet { id, vpc, .. } | Self::Group { id, vpc } => vpc.iter().chain([id]).collect(),
            Self::RouteTable { id, vpc, subnets, .. } => subnets.iter().chain(vpc).chain([id]).collect(),
            Self::Route { table, target, .. } => vec![table, target],
            Self::Permissions { group, permissions } => permissions.ids().chain([group]).collect(),
            Self::Instance(instance) => instance.ids().collect(),
            Self::Interface { id, groups, instance, subnet, .. } => {
                groups.iter().chain(instance).chain(subnet).chain([id]).collect()
            }
        }
    }

    fn route_table(words: &mut Words) -> Parsed<Self> {
        let id = id(words, Kind::RouteTable)?;
        let vpc = optional(words, "in", Kind::Vpc)?;
        let role = if words.keyword("main") { TableRole::Main } else { TableRole::Ordinary };
        let subnets = if words.keyword("for") { ids(words, Kind::Subnet)? } else { Vec::new() };
        Ok(Self::RouteTable { id, vpc, role, subnets })
    }

    fn route(words: &mut Words) -> Parsed<Self> {
        let table = id(words, Kind::RouteTable)?;
        let destination = words.value("a CIDR such as `0.0.0.0/0`")?;
        words.expect("->")?;
        let target = words.word("a target such as `eni-fw` or `igw-1`")?;
        let target = Id::parse(&target).ok_or_else(|| {
            format!("`{target}` is no target of a route: give the id of a gateway, interface, instance or endpoint")
        })?;
        Ok(Self::Route { table, destination, target })
    }

    fn group(words: &mut Words) -> Parsed<Self> {
        let id = id(words, Kind::Group)?;
        if words.keyword("allow") {
            return Ok(Self::Permissions { group: id, permissions: Permissions::take(words)? });
        }
        Ok(Self::Group { id, vpc: optional(words, "in", Kind::Vpc)? })
    }
}

impl Instance {
    /// Its first interface.
    pub fn interface(&self) -> Id {
        self.id.sibling(Kind::Interface)
    }

    /// The ids that it names.
    pub(super) fn ids(&self) -> impl Iterator<Item = &Id> {
        self.groups.iter().chain(&self.subnet).chain([&self.id])
    }

    /// Reads what follows `instance`, or the call that launches one.
    pub(super) fn take(words: &mut Words, default: InstanceState) -> Parsed<Self> {
        let id = id(words, Kind::Instance)?;
        let (addresses, groups) = (addresses(words)?, ids(words, Kind::Group)?);
        let subnet = optional(words, "in", Kind::Subnet)?;
        let state = words.peek().and_then(InstanceState::named);
        if let Some(state) = state {
            words.expect(state.name())?;
        }
        Ok(Self { id, addresses, groups, subnet, state: state.unwrap_or(default) })
    }
}

pub(super) fn id(words: &mut Words, kind: Kind) -> Parsed<Id> {
    Id::of(kind, &words.word(&format!("an id such as `{}1`", kind.prefix()))?)
}

pub(super) fn ids(words: &mut Words, kind: Kind) -> Parsed<Vec<Id>> {
    let texts = words.list(&format!("an id such as `{}1`", kind.prefix()))?;
    texts.iter().map(|text| Id::of(kind, text)).collect()
}

fn optional(words: &mut Words, keyword: &str, kind: Kind) -> Parsed<Option<Id>> {
    if words.keyword(keyword) { id(words, kind).map(Some) } else { Ok(None) }
}

fn cidrs(words: &mut Words) -> Parsed<Vec<IpNet>> {
    words.values("a CIDR such as `10.0.0.0/16`")
}

fn addresses(words: &mut Words) -> Parsed<Vec<IpAddr>> {
    words.values("an address such as `10.0.1.10`")
}

impl fmt::Display for CloudLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => write!(f, "account {account}"),
            Self::Region(region) => write!(f, "region {region}"),
            Self::Vpc { id, cidrs } => write!(f, "vpc {id} {}", Commas(cidrs)),
            Self::Subnet { id, cidrs, vpc } => {
                write!(f, "subnet {id} {}{}", Commas(cidrs), Suffix("in", vpc.as_ref()))
            }
            Self::RouteTable { id, vpc, role, subnets } => {
                let main = if *role == TableRole::Main { " main" } else { "" };
                write!(f, "route-table {id}{}{main}", Suffix("in", vpc.as_ref()))?;
                if subnets.is_empty() { Ok(()) } else { write!(f, " for {}", Commas(subnets)) }
            }
            Self::Route { table, destination, target } => write!(f, "route {table} {destination} -> {target}"),
            Self::Group { id, vpc } => write!(f, "sg {id}{}", Suffix("in", vpc.as_ref())),
            Self::Permissions { group, permissions } => write!(f, "sg {group} allow {permissions}"),
            Self::Instance(instance) => write!(f, "instance {instance}"),
            Self::Interface { id, addresses, groups, instance, subnet } => {
                write!(f, "interface {id} {} {}", Commas(addresses), Commas(groups))?;
                write!(f, "{}{}", Suffix("of", instance.as_ref()), Suffix("in", subnet.as_ref()))
            }
            Self::PrefixList { id, entries } => write!(f, "prefix-list {id} {}", Commas(entries)),
            Self::StatesTake(span) => write!(f, "states take {}", Span(*span)),
            Self::PageSize(size) => write!(f, "page-size {size}"),
        }
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, addresses, groups, subnet, state } = self;
        write!(f, "{id} {} {}{}", Commas(addresses), Commas(groups), Suffix("in", subnet.as_ref()))?;
        write!(f, " {}", state.name())
    }
}

/// Prints a keyword and an id, if there is one.
struct Suffix<'a>(&'static str, Option<&'a Id>);

impl fmt::Display for Suffix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.map_or(Ok(()), |id| write!(f, " {} {id}", self.0))
    }
}
