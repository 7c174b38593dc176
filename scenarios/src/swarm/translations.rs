//! NAT rules: what is there when a story begins, and what administrators make of it.

use drawbridge_simulator::world::World;

use super::{
    dice::Dice,
    setup::{self, Size},
};

/// NAT rules that lead to instances, take packets from others, or do nothing to where packets go.
pub(super) fn rules(dice: &mut Dice, size: Size) -> Vec<String> {
    if !size.nat {
        return Vec::new();
    }
    (1..=dice.between(1, 8)).map(|n| format!("nat dnat-{n} {}", rule(dice, size, n))).collect()
}

fn rule(dice: &mut Dice, size: Size, n: usize) -> String {
    let public = format!("203.0.113.{}", if dice.one_in(4) { 1 } else { n });
    let address = setup::address(dice.between(1, size.instances));
    let service =
        dice.pick(&["", "", " service tcp/8443", " service tcp/80,443", " service udp/53", " service tcp/22"]);
    let disabled = if dice.one_in(8) { " disabled" } else { "" };
    match dice.below(10) {
        0 => format!("trust:{address} -> untrust:any static {public} bidirectional{disabled}"),
        1 => format!("untrust:any -> untrust:203.0.113.40-203.0.113.45 to 10.0.1.11-10.0.1.16{disabled}"),
        2 => format!("untrust:198.51.100.0/24 -> untrust:{public}{service}{disabled}"),
        3 => format!("trust:10.0.0.0/16 -> untrust:any{service}{disabled}"),
        4 => format!("untrust:198.51.100.0/24 -> untrust:{public}{service} to {address}{disabled}"),
        5..=7 => format!("untrust:any -> untrust:{public}{service} to {address}{disabled}"),
        _ => {
            let port = dice.pick(&["443", "22", "8443", "53"]);
            let service = dice.pick(&["tcp/8443", "tcp/443", "udp/53", "tcp/8000"]);
            format!("untrust:any -> untrust:{public} service {service} to {address}:{port}{disabled}")
        }
    }
}

/// What an administrator does to a NAT rule, or with a new one.
pub(super) fn act(dice: &mut Dice, size: Size, world: &World) -> String {
    let names = names(world);
    let address = setup::address(dice.between(1, size.instances));
    let public = format!("203.0.113.{}", dice.between(1, 9));
    let leads = format!(
        "<destination-translation><translated-address>{address}</translated-address></destination-translation>"
    );
    if names.is_empty() || dice.one_in(4) {
        let any = "<member>any</member>";
        let columns = format!(
            "<from><member>untrust</member></from><to><member>untrust</member></to><source>{any}</source>\
             <destination><member>{public}</member></destination><service>any</service><nat-type>ipv4</nat-type>"
        );
        let name = format!("dnat-{}", dice.between(10, 14));
        return format!("xml \"rulebase/nat/rules\" \"<entry name='{name}'>{columns}{leads}</entry>\"");
    }
    let change = match dice.below(5) {
        0 | 1 => "<disabled>yes</disabled>".to_owned(),
        2 => "<disabled>no</disabled>".to_owned(),
        3 => leads,
        _ => format!("<destination><member>{public}</member></destination>"),
    };
    format!("xml \"rulebase/nat/rules/entry[@name='{}']\" \"{change}\"", dice.one(&names))
}

/// The NAT rules that are there.
fn names(world: &World) -> Vec<String> {
    let vsys = world.firewall().candidate().at(&["devices", "entry", "vsys", "entry"]);
    let rules = vsys.and_then(|vsys| vsys.at(&["rulebase", "nat", "rules"]));
    let entries = rules.into_iter().flat_map(|rules| &rules.children);
    entries.filter_map(|rule| rule.attribute("name")).map(str::to_owned).collect()
}
