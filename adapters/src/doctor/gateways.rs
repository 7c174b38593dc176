//! Whether the gateways exist, and whether anything is sent to them.

use drawbridge_core::{
    config::{Config, Gateway},
    inventory::{Destination, Inventory, Route, RouteState, Target},
};

use super::Report;

pub(super) const GATEWAY: &str = "gateway";

/// Each gateway by itself. One that nobody knows is a warning beside others that are there.
pub(super) fn check(config: &Config, inventory: &Inventory, report: &mut Report) {
    let known = config.gateways.iter().filter(|gateway| inventory.knows(gateway)).count();
    for gateway in &config.gateways {
        let (tables, blackholes) = tables(inventory, gateway);
        match (inventory.knows(gateway), tables.as_slice()) {
            (false, _) => {
                let says = format!("{gateway} does not exist in {}: check `gateways`, `aws.region` and the credentials", inventory.region);
                if known == 0 { report.fail(GATEWAY, says) } else { report.warn(GATEWAY, says) }
            }
            (true, []) => report.warn(
                GATEWAY,
                format!("no default route leads to {gateway}, so that nothing is exposed through it: route 0.0.0.0/0 of the instances' subnets to it"),
            ),
            (true, tables) => {
                report.ok(GATEWAY, format!("{gateway}, to which {} leads", tables.join(", ")));
                for table in blackholes {
                    report.warn(GATEWAY, format!("the default route of {table} to {gateway} is a blackhole: start or attach the firewall"));
                }
            }
        }
    }
}

/// The route tables with a route for the internet to this gateway, and those of them whose route leads nowhere now.
fn tables(inventory: &Inventory, gateway: &Gateway) -> (Vec<String>, Vec<String>) {
    let (mut all, mut blackholes) = (Vec::new(), Vec::new());
    for (id, table) in &inventory.route_tables {
        let mut routes = table.routes.iter().filter(|route| is_wide(route) && leads_to(inventory, route, gateway));
        let Some(first) = routes.next() else { continue };
        all.push(id.to_string());
        if first.state == RouteState::Blackhole {
            blackholes.push(id.to_string());
        }
    }
    (all, blackholes)
}

/// Whether a route takes the whole internet, or one half of it.
fn is_wide(route: &Route) -> bool {
    match &route.destination {
        Destination::Addresses(range) => {
            let halves: [&str; 4] = ["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"];
            *range == range.family().whole() || halves.iter().any(|half| half.parse() == Ok(*range))
        }
        Destination::PrefixList(_) => false,
    }
}

fn leads_to(inventory: &Inventory, route: &Route, gateway: &Gateway) -> bool {
    match (&route.target, gateway) {
        (Target::Interface { interface, .. }, Gateway::Interface(id)) => interface.as_ref() == Some(id),
        (Target::Interface { interface, instance }, Gateway::Instance(id)) => {
            let attached = || inventory.interfaces.get(interface.as_ref()?)?.instance.as_ref();
            instance.as_ref() == Some(id) || attached() == Some(id)
        }
        (Target::Endpoint(named), Gateway::Endpoint(id)) => named == id,
        (Target::TransitGateway(named), Gateway::TransitGateway(id)) => named == id,
        _ => false,
    }
}
