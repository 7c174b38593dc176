//! What people should know about a plan beside its changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    address::Family,
    change::{Direction, OwnObject},
    config::{Config, RuleDestination},
    exposure::Doubt,
    id::{AdminName, FormerName, GroupId, OwnedName, RuleName},
    inventory::Inventory,
    nat::Nat,
    never::Never,
    report::counted,
    rulebase::Rulebase,
    wanted::{LeftOut, Wanted, WhyNot},
};

/// Something that is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// A rule of ours is switched off.
    Disabled(OwnedName),
    /// Another administrator has uncommitted work on a rule of ours.
    Held(OwnedName, AdminName),
    /// Another administrator has deleted a rule of ours, uncommitted.
    DeletedBy(OwnedName, AdminName),
    /// A NAT rule of the firewall leads to exposed instances, of which the settings know nothing.
    NatUnheeded(RuleName, usize),
    /// The settings speak of NAT, and no NAT rule of the firewall leads to any exposed instance.
    NatMissing,
    /// Nobody can tell whether so many interfaces are exposed.
    Doubtful(Doubt, usize),
    /// An entry of `never_open` keeps closed what these groups call for.
    NeverOpen(Never, BTreeSet<GroupId>),
    /// An object of ours that the firewall did not let go.
    StillThere(OwnObject),
    /// A rule of the function of 2016 that another administrator works on.
    NotAdopted(FormerName, AdminName),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled(name) => write!(f, "{name} is disabled by an administrator: left so"),
            Self::Held(name, admin) => write!(f, "{name} has uncommitted work of `{admin}`: left alone"),
            Self::DeletedBy(name, admin) => write!(f, "`{admin}` has deleted {name}, uncommitted: left alone"),
            Self::NatUnheeded(rule, number) => write!(
                f,
                "NAT rule `{rule}` leads to {} whose own addresses our rules name: traffic that it translates never matches them; set `destination = \"nat\"` if the internet comes that way",
                counted(*number, "exposed interface")
            ),
            Self::NatMissing => f.write_str(
                "`destination` is \"nat\", and no NAT rule of the firewall leads to an exposed instance: nothing by IPv4 can be opened; add NAT rules, or set `destination = \"instance\"`",
            ),
            Self::NeverOpen(entry, groups) => {
                write!(f, "{entry} stays closed (`never_open`), asked for by {}", listed(groups))
            }
            Self::NotAdopted(name, admin) => {
                write!(f, "{name} has uncommitted work of `{admin}`: adopt it when that is committed or reverted")
            }
            Self::StillThere(object) => {
                write!(f, "{object} stays: something else refers to it, somebody works on it, or it is shared; look at its references")
            }
            Self::Doubtful(doubt, number) => {
                write!(f, "{doubt}: what we own for {} stays, nothing is added", counted(*number, "interface"))
            }
        }
    }
}

/// Doubts about exposure, and how many interfaces each is about.
pub(super) fn doubts(wanted: &Wanted) -> Vec<Note> {
    let mut interfaces: BTreeMap<&Doubt, BTreeSet<_>> = BTreeMap::new();
    for left_out in &wanted.left_out {
        if let LeftOut::Doubtful(interface, doubt) = left_out {
            interfaces.entry(doubt).or_default().insert(interface);
        }
    }
    interfaces.into_iter().map(|(doubt, which)| Note::Doubtful(doubt.clone(), which.len())).collect()
}

/// Entries of `never_open` that some group goes against.
pub(super) fn kept_closed(wanted: &Wanted) -> Vec<Note> {
    let mut groups: BTreeMap<Never, BTreeSet<GroupId>> = BTreeMap::new();
    for left_out in &wanted.left_out {
        if let LeftOut::Permission(group, _, _, WhyNot::NeverOpen(entries) | WhyNot::PartlyNeverOpen(entries)) =
            left_out
        {
            for entry in entries {
                groups.entry(*entry).or_default().insert(group.clone());
            }
        }
    }
    groups.into_iter().map(|(entry, groups)| Note::NeverOpen(entry, groups)).collect()
}

/// One group, or how many.
fn listed(groups: &BTreeSet<GroupId>) -> String {
    match groups.first() {
        Some(group) if groups.len() == 1 => group.to_string(),
        Some(group) => format!("{group} and {} more", groups.len() - 1),
        None => String::new(),
    }
}

/// Where settings and NAT rulebase disagree. Without IPv4 on exposed interfaces there is nothing to disagree about.
pub(super) fn nat_notes(wanted: &Wanted, inventory: &Inventory, rulebase: &Rulebase<'_>, config: &Config) -> Vec<Note> {
    let rules = &rulebase.running.configuration.nat;
    if rules.is_empty() && config.destination == RuleDestination::Instance {
        return Vec::new();
    }
    let mut nat = Nat::of(rules, inventory, config);
    let exposed = wanted.via.keys().filter_map(|id| inventory.interfaces.get(id));
    let mut leading: BTreeMap<&RuleName, usize> = BTreeMap::new();
    let mut by_ipv4 = false;
    for interface in exposed {
        let addresses = interface.addresses.iter().filter(|range| range.family() == Family::Ipv4);
        let rules: BTreeSet<_> = addresses.filter_map(|range| nat.leads_to(*range)).collect();
        by_ipv4 |= interface.addresses.iter().any(|range| range.family() == Family::Ipv4);
        rules.into_iter().for_each(|rule| *leading.entry(rule).or_default() += 1);
    }
    match config.destination {
        _ if !config.directions.contains(&Direction::Ingress) => Vec::new(),
        RuleDestination::Instance => {
            leading.into_iter().map(|(rule, number)| Note::NatUnheeded(rule.clone(), number)).collect()
        }
        RuleDestination::Nat if by_ipv4 && leading.is_empty() => vec![Note::NatMissing],
        RuleDestination::Nat => Vec::new(),
    }
}
