//! Exposure, in small inventories.

use super::*;
use crate::{config::InstanceTag, inventory::Instance, sample};

/// What becomes of `eni-1`, in an inventory that was changed.
#[track_caller]
fn check(change: impl FnOnce(&mut Inventory, &mut Config), expected: &str) {
    let (mut inventory, mut config) = (sample::inventory("i-1 10.0.1.10 sg-web"), sample::config());
    change(&mut inventory, &mut config);
    let mut exposures = Exposures::of(&inventory, &config);
    let id = "eni-1".parse().unwrap();
    let said = match exposures.exposure(&id, &inventory.interfaces[&id], Family::Ipv4) {
        Exposure::Yes(via) => format!("by {}", via.gateway),
        Exposure::No(why) => format!("no: {why}"),
        Exposure::Unknown(doubt) => format!("unknown: {doubt}"),
    };
    assert_eq!(said, expected);
}

/// The same with other routes: `0.0.0.0/0 i-fw`, `pl-1 vpce-1`, `0.0.0.0/1 blackhole`.
#[track_caller]
fn check_routes(routes: &[&str], expected: &str) {
    let parsed = routes.iter().map(|text| {
        let (destination, target) = text.split_once(' ').unwrap();
        let mut route = sample::default_route("0.0.0.0/0", "i-fw");
        route.destination = match destination.parse() {
            Ok(list) => Destination::PrefixList(list),
            Err(_) => Destination::Addresses(destination.parse().unwrap()),
        };
        let interface = |id| Target::Interface { interface: Some(id), instance: None };
        match (target, target.parse(), target.parse()) {
            ("blackhole", ..) => route.state = RouteState::Blackhole,
            (_, Ok(id), _) => route.target = Target::Interface { interface: None, instance: Some(id) },
            (_, _, Ok(id)) => route.target = interface(id),
            (other, ..) => {
                route.target = other.parse().map_or_else(|_| Target::Other(other.into()), Target::Endpoint);
            }
        }
        route
    });
    let parsed = parsed.collect();
    check(
        |inventory, config| {
            inventory.route_tables.insert("rtb-1".parse().unwrap(), sample::main_table(parsed));
            inventory.prefix_lists.insert("pl-1".parse().unwrap(), sample::ranges("0.0.0.0/0"));
            inventory.prefix_lists.insert("pl-2".parse().unwrap(), sample::ranges("0.0.0.0/0"));
            let mut loose = sample::interface("i-1", "10.0.1.99", "sg-web");
            loose.instance = None;
            inventory.interfaces.insert("eni-loose".parse().unwrap(), loose);
            config.gateways.insert(Gateway::Endpoint("vpce-1".parse().unwrap()));
        },
        expected,
    );
}

#[test]
fn the_longest_prefix_takes_internet_bound_traffic() {
    check_routes(&["0.0.0.0/0 i-fw"], "by i-fw");
    check_routes(&["0.0.0.0/0 igw-1"], "no: rtb-1 sends internet-bound traffic to igw-1");
    check_routes(&["10.0.0.0/8 i-fw"], "no: rtb-1 has no route to the internet");
    check_routes(&["0.0.0.0/0 igw-1", "0.0.0.0/1 i-fw", "128.0.0.0/1 vpce-1"], "by vpce-1");
    check_routes(&["0.0.0.0/1 i-fw"], "no: rtb-1 has no route to the internet");
    check_routes(&["0.0.0.0/0 i-fw", "128.0.0.0/1 igw-1"], "no: rtb-1 sends internet-bound traffic to igw-1");
    check_routes(&["::/0 i-fw"], "no: rtb-1 has no route to the internet");
    check_routes(&["pl-1 vpce-1"], "by vpce-1");
    check_routes(&["pl-1 vpce-2", "0.0.0.0/0 i-fw"], "by i-fw");
    check_routes(&["0.0.0.0/0 vpce-2"], "no: rtb-1 sends internet-bound traffic to vpce-2");
}

#[test]
fn what_nobody_can_tell_is_neither_yes_nor_no() {
    check_routes(&["0.0.0.0/0 blackhole"], "unknown: the default route of rtb-1 is a blackhole");
    check_routes(
        &["0.0.0.0/0 eni-loose"],
        "unknown: the default route of rtb-1 leads to eni-loose, which is attached to nothing",
    );
    check_routes(&["0.0.0.0/0 eni-gone"], "unknown: the default route of rtb-1 leads to eni-gone, which is not listed");
    check_routes(&["pl-9 igw-1", "0.0.0.0/0 i-fw"], "unknown: pl-9 in rtb-1 cannot be read");
    check_routes(&["pl-1 i-fw", "pl-2 vpce-1"], "unknown: rtb-1 has several default routes that differ");
    check_routes(&["pl-1 i-fw", "pl-2 i-fw"], "by i-fw");
    check(|inventory, _| inventory.route_tables.clear(), "unknown: no route table can be seen for subnet-pub");
    check(|inventory, _| inventory.instances.clear(), "unknown: i-1 is not listed");
}

#[test]
fn an_explicit_table_comes_before_the_main_one() {
    check(
        |inventory, _| {
            let mut table = sample::main_table(Vec::new());
            table.role = TableRole::Plain;
            table.subnets.insert("subnet-pub".parse().unwrap());
            inventory.route_tables.insert("rtb-2".parse().unwrap(), table);
        },
        "no: rtb-2 has no route to the internet",
    );
}

#[test]
fn instances_are_on_from_the_moment_they_start() {
    use InstanceState::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};
    let in_state = |state, expected| {
        let set = |inventory: &mut Inventory, _: &mut Config| {
            inventory.instances.insert("i-1".parse().unwrap(), Instance { state, ..sample::on() });
        };
        check(set, expected);
    };
    for state in [Pending, Running] {
        in_state(state, "by i-fw");
    }
    for state in [ShuttingDown, Stopped, Stopping, Terminated] {
        in_state(state, "no: i-1 is not on");
    }
}

#[test]
fn interfaces_without_an_instance_count_when_all_do() {
    let detach = |inventory: &mut Inventory| {
        inventory.interfaces.values_mut().for_each(|interface| interface.instance = None);
    };
    check(|inventory, _| detach(inventory), "no: it is attached to no instance");
    check(
        |inventory, config| {
            detach(inventory);
            config.interfaces = InterfaceScope::All;
        },
        "by i-fw",
    );
}

#[test]
fn a_scope_limits_by_vpc_subnet_and_tag() {
    let out = "no: it is outside of `scope`";
    check(|_, config| config.scope.vpcs = ["vpc-1".parse().unwrap()].into(), "by i-fw");
    check(|_, config| config.scope.vpcs = ["vpc-2".parse().unwrap()].into(), out);
    check(|_, config| config.scope.subnets = ["subnet-pub".parse().unwrap()].into(), "by i-fw");
    check(|_, config| config.scope.subnets = ["subnet-other".parse().unwrap()].into(), out);
    let by_tag = |value: Option<&str>, expected| {
        let tag = InstanceTag { key: "firewall".to_owned(), value: value.map(str::to_owned) };
        check(
            |inventory, config| {
                let instance = inventory.instances.get_mut(&"i-1".parse().unwrap()).unwrap();
                instance.tags.insert("firewall".to_owned(), "yes".to_owned());
                config.scope.instance_tags = [tag].into();
            },
            expected,
        );
    };
    by_tag(None, "by i-fw");
    by_tag(Some("yes"), "by i-fw");
    by_tag(Some("no"), out);
    let any = InstanceTag { key: "firewall".to_owned(), value: None };
    check(|_, config| config.scope.instance_tags = [any.clone()].into(), out);
    check(
        |inventory, config| {
            inventory.instances.clear();
            config.scope.instance_tags = [any.clone()].into();
        },
        "unknown: i-1 is not listed",
    );
    check(
        |inventory, config| {
            inventory.interfaces.values_mut().for_each(|interface| interface.instance = None);
            (config.interfaces, config.scope.instance_tags) = (InterfaceScope::All, [any.clone()].into());
        },
        out,
    );
}

#[test]
fn the_firewall_does_not_stand_before_itself() {
    let own = "no: it is the firewall's own";
    check(|_, config| config.gateways = [Gateway::Instance("i-1".parse().unwrap())].into(), own);
    check(|_, config| config.gateways = [Gateway::Interface("eni-1".parse().unwrap())].into(), own);
    check(|_, config| config.firewall_instances = ["i-1".parse().unwrap()].into(), own);
}
