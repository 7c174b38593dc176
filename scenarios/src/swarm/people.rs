//! What administrators do, at any moment.

use drawbridge_simulator::world::{Tree, World};

use super::{
    dice::Dice,
    networks,
    setup::{self, Size},
    translations,
};

/// Who they are.
pub(super) const ADMINS: [&str; 2] = ["alice", "bob"];

/// One thing that one of them does.
pub(super) fn deed(dice: &mut Dice, size: Size, world: &World) -> String {
    let rules: Vec<_> = world.rules(Tree::Candidate).iter().map(|rule| world.names().shorten(&rule.name)).collect();
    let who = *dice.one(&ADMINS);
    let act = if size.nat && dice.one_in(4) { translations::act(dice, size, world) } else { act(dice, size, &rules) };
    format!("admin {who} {act}")
}

fn act(dice: &mut Dice, size: Size, rules: &[String]) -> String {
    match dice.below(24) {
        0..=2 => {
            let name = format!("n-{}", dice.below(1000));
            format!("rule {name} {} {}", setup::rule(dice, size), place(dice, size, rules))
        }
        3..=8 => format!("edit {} {}", some(dice, size, rules), edit(dice, size)),
        9 | 10 => format!("delete {}", some(dice, size, rules)),
        11..=13 => format!("move {} {}", some(dice, size, rules), place(dice, size, rules)),
        14 => {
            let new = if dice.one_in(2) { setup::own_name(dice, size) } else { format!("n-{}", dice.below(1000)) };
            format!("rename {} {new}", some(dice, size, rules))
        }
        15 => "xml \"tag/entry[@name='drawbridge']\" \"<color>color1</color>\"".to_owned(),
        16 => "revert".to_owned(),
        17 => format!("lock {}", dice.pick(&["config", "commit"])),
        18 => format!("unlock {}", dice.pick(&["config", "commit"])),
        19 => "commit all".to_owned(),
        _ => "commit".to_owned(),
    }
}

/// A rule: one that is there, or one that may be there by then.
fn some(dice: &mut Dice, size: Size, rules: &[String]) -> String {
    // Somebody may have deleted the last one.
    if dice.one_in(4) || rules.is_empty() {
        return setup::own_name(dice, size);
    }
    let ours: Vec<_> = rules.iter().filter(|rule| rule.starts_with("i-") || rule.starts_with("sg-")).collect();
    if !ours.is_empty() && dice.one_in(2) {
        return (*dice.one(&ours)).clone();
    }
    match dice.one(rules) {
        bottom if bottom == "clean-up" && !dice.one_in(4) => rules[0].clone(),
        rule => rule.clone(),
    }
}

fn place(dice: &mut Dice, size: Size, rules: &[String]) -> String {
    match dice.below(6) {
        0 => "top".to_owned(),
        1 => "bottom".to_owned(),
        2 => "before clean-up".to_owned(),
        3 => "after clean-up".to_owned(),
        4 => format!("before {}", some(dice, size, rules)),
        _ => format!("after {}", some(dice, size, rules)),
    }
}

fn edit(dice: &mut Dice, size: Size) -> String {
    match dice.below(10) {
        0 | 1 => "disabled yes".to_owned(),
        2 => "disabled no".to_owned(),
        3 => {
            let instance = dice.between(1, size.instances);
            let is_ipv6 = size.ipv6 && dice.one_in(2);
            format!("destination {}", if is_ipv6 { networks::ipv6(instance) } else { setup::address(instance) })
        }
        4 => format!("source {}", dice.pick(&["any", "198.51.100.0/24"])),
        5 => format!("tag {}", dice.pick(&["theirs", "drawbridge", "theirs,drawbridge"])),
        6 => format!("action {}", dice.pick(&["allow", "deny"])),
        7 => "log-setting fwd".to_owned(),
        8 => "description changed".to_owned(),
        _ => format!("application {}", dice.pick(&["any", "ssl", "ssh,ssl"])),
    }
}
