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
    rulebase::{OPEN_PORT, exported},
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

impl Site {
    /// So many exposed instances, twice as many rules of administrators, and none of ours yet.
    pub fn new(instances: usize) -> Self {
        let mut config = settings("i-0f", "key").config;
        let unlimited = Limit { number: usize::MAX, percent: None };
        (config.limits.additions, config.limits.removals) = (unlimited, unlimited);
        let configuration = read::exported(&exported(instances * 2), &Vsys::default());
        let configuration = configuration.expect("what is written here can be read");
        Self { inventory: inventory(instances), firewall: quiet(configuration), config }
    }

    /// The same when a plan has been carried out.
    #[must_use]
    pub fn after(&self, plan: &Plan) -> Self {
        let configuration = self.firewall.candidate.apply(&plan.changes);
        Self { firewall: quiet(configuration), ..self.clone() }
    }

    /// The same when one permission of so many groups has moved to another port.
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
