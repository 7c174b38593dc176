//! An account and its firewall, as the core sees them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use drawbridge::panos::{read, xpath::Vsys};
use drawbridge_core::{
    config::{Config, Limit},
    firewall::{Configuration, Firewall},
    id::GroupId,
    inventory::{
        Destination, Group, Instance, InstanceState, Interface, Inventory, Peer, Permission, Route, RouteState,
        RouteTable, Subnet, TableRole, Target, Traffic, Vpc,
    },
    plan::{Plan, plan},
    range::Range,
    rulebase::Rulebase,
};

use crate::{
    INSTANCES_OF_A_GROUP, address, made,
    rulebase::{BOTTOM_RULE, Kind, OPEN_PORT, exported},
    settings,
};

/// What the core is given when it looks. Every instance is exposed; its group permits six things, of which an
/// administrator's rule allows one already.
#[derive(Clone, Debug)]
pub struct Site {
    /// The account.
    pub inventory: Inventory,
    /// Its firewall.
    pub firewall: Firewall,
    /// The settings. Nothing is withheld: what is measured is the whole decision.
    pub config: Config,
}

/// Rules of administrators, read from what a firewall exports.
pub fn foreign(rules: usize, kind: Kind) -> Configuration {
    read::exported(&exported(rules, kind), &Vsys::default()).expect("what is written here can be read")
}

impl Site {
    /// So many exposed instances, the clean-up rule and one that opens a port, and none of ours yet.
    pub fn new(instances: usize) -> Self {
        let mut config = settings("i-0f", "key").config;
        let unlimited = Limit { number: usize::MAX, percent: None };
        (config.limits.additions, config.limits.removals) = (unlimited, unlimited);
        Self { inventory: inventory(instances), firewall: quiet(foreign(2, Kind::Mixed)), config }
    }

    /// The same when everything that was to do has been done.
    #[must_use]
    pub fn settled(&self) -> Self {
        let configuration = self.firewall.candidate.apply(&self.plan().changes);
        Self { firewall: quiet(configuration), ..self.clone() }
    }

    /// The same with these rules of administrators instead of those two. They must allow what those allow, and nothing else
    /// that is wanted.
    #[must_use]
    pub fn among(&self, foreign: &Configuration) -> Self {
        let ours = &self.firewall.candidate;
        let mut all = foreign.clone();
        let bottom = all.rules.iter().position(|rule| rule.name.as_str() == BOTTOM_RULE);
        let bottom = bottom.expect("there is a bottom rule");
        let owned = ours.rules.iter().filter(|rule| rule.tags.contains(&self.config.owner)).cloned();
        all.rules.splice(bottom..bottom, owned);
        all.services.extend(ours.services.clone());
        Self { firewall: quiet(all), ..self.clone() }
    }

    /// The same with a running configuration of its own, as while something is uncommitted: everything is proved twice.
    #[must_use]
    pub fn uncommitted(&self) -> Self {
        let running = Arc::new((*self.firewall.candidate).clone());
        Self { firewall: Firewall { running, ..self.firewall.clone() }, ..self.clone() }
    }

    /// The same when one permission of so many groups has moved to another port: so many rules of ours differ.
    #[must_use]
    pub fn with_groups_changed(&self, number: usize) -> Self {
        let mut changed = self.clone();
        for group in changed.inventory.groups.values_mut().take(number) {
            for permission in &mut group.ingress {
                if permission.traffic == Traffic::Tcp(Range::single(MOVING_PORT)) {
                    permission.traffic = Traffic::Tcp(Range::single(MOVING_PORT + 1));
                }
            }
        }
        changed
    }

    /// Our rules told apart from the others.
    pub fn rulebase(&self) -> Rulebase<'_> {
        Rulebase::read(&self.firewall, &self.config).expect("nothing is amiss at this firewall")
    }

    /// The decision, from what was read to the plan.
    pub fn plan(&self) -> Plan {
        plan(&self.inventory, &self.rulebase(), &self.config, &[])
    }
}

const MOVING_PORT: u16 = 8443;

/// A firewall without uncommitted work.
fn quiet(configuration: Configuration) -> Firewall {
    let running = Arc::new(configuration);
    Firewall {
        candidate: running.clone(),
        running,
        admin: None,
        pending: Vec::new(),
        unit: None,
        unfinished_commit: None,
        failed_commits: Vec::new(),
    }
}

fn inventory(instances: usize) -> Inventory {
    let mut made = Inventory {
        account: Some(made("111122223333")),
        region: made("eu-west-1"),
        vpcs: BTreeMap::from([(
            made("vpc-0a"),
            Vpc { cidrs: BTreeSet::from([made("10.64.0.0/16")]).into_iter().collect() },
        )]),
        subnets: BTreeMap::from([(made("subnet-0a"), Subnet { vpc: made("vpc-0a") })]),
        route_tables: BTreeMap::from([(made("rtb-0a"), route_table())]),
        interfaces: BTreeMap::new(),
        instances: BTreeMap::new(),
        groups: BTreeMap::new(),
        prefix_lists: BTreeMap::new(),
        endpoints: BTreeSet::new(),
    };
    for number in 0..instances {
        let group: GroupId = self::made(&format!("sg-0{:016x}", number / INSTANCES_OF_A_GROUP));
        let instance = format!("i-0{number:016x}");
        let interface = Interface {
            subnet: self::made("subnet-0a"),
            vpc: self::made("vpc-0a"),
            groups: BTreeSet::from([group.clone()]),
            addresses: vec![self::made(&address(number))],
            instance: Some(self::made(&instance)),
        };
        made.interfaces.insert(self::made(&format!("eni-0{number:016x}")), interface);
        let running = Instance { state: InstanceState::Running, tags: BTreeMap::new() };
        made.instances.insert(self::made(&instance), running);
        made.groups.entry(group).or_insert_with(|| self::group(number / INSTANCES_OF_A_GROUP));
    }
    made
}

/// Everything that leaves goes through the firewall.
fn route_table() -> RouteTable {
    let route = Route {
        destination: Destination::Addresses(made("0.0.0.0/0")),
        target: Target::Interface { interface: None, instance: Some(made("i-0f")) },
        state: RouteState::Active,
    };
    RouteTable { vpc: made("vpc-0a"), role: TableRole::Main, subnets: BTreeSet::new(), routes: vec![route] }
}

fn group(number: usize) -> Group {
    let permission = |traffic, peer: &str| Permission { traffic, peer: Peer::Addresses(made(peer)) };
    let tcp = |port| Traffic::Tcp(Range::single(port));
    let five_ports = Range::new(5000, 5004).expect("the first port comes before the last");
    let partner = format!("203.0.{}.0/24", number % 250);
    Group {
        name: format!("tier-{number}"),
        ingress: vec![
            permission(tcp(OPEN_PORT), "0.0.0.0/0"),
            permission(tcp(443), "0.0.0.0/0"),
            permission(tcp(22), "198.51.100.0/24"),
            permission(tcp(MOVING_PORT), "0.0.0.0/0"),
            permission(Traffic::Udp(five_ports), "198.51.100.0/24"),
            permission(tcp(5432), &partner),
        ],
        egress: Vec::new(),
    }
}
