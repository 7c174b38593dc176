//! What becomes of one packet: the rules that match it for certain or may match it, in the order of evaluation.

use std::fmt;

use crate::{
    config::Config,
    firewall::{Action, Addresses, Applications, Narrowing, RuleFacts, Services, Status},
    id::AppName,
    range::Range,
    rulebase::{Policy, Rule},
    service::{Apps, Service},
    wanted::Atom,
};

use super::{
    Packet,
    columns::{Columns, StandardPorts, directions},
    index::Index,
};

/// What it depends on whether a rule matches a packet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Something narrows the rule.
    Narrowed(Narrowing),
    /// The rule names applications, or leaves ports to them, and the packet's application is not known.
    Application,
    /// The rule leaves ports to the application, and nobody told us those of this one.
    StandardPorts(AppName),
}

/// `users`, `the application`: what it depends on.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Narrowed(narrowing) => narrowing.fmt(f),
            Self::Application => f.write_str("the application"),
            Self::StandardPorts(app) => write!(f, "the standard ports of `{app}`"),
        }
    }
}

/// A rule that may match a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct May<'a> {
    /// The rule.
    pub rule: &'a RuleFacts,
    /// What it depends on.
    pub depends_on: Vec<Why>,
}

/// The rules that a packet meets until one matches for certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matches<'a> {
    /// Rules before the one that decides that may match, in order.
    pub may: Vec<May<'a>>,
    /// The first rule that matches for certain, of a default rule's kind if no other does.
    pub decides: Option<&'a RuleFacts>,
}

/// Walks a packet through a configuration as it stands: rules of ours, everybody else's, and the default rules.
pub fn first_match<'a>(policy: &Policy<'a>, packet: &Packet, config: &Config) -> Matches<'a> {
    let standard = StandardPorts(policy.configuration);
    let rules = policy.configuration.rules.iter().chain(&policy.configuration.default_rules);
    let speaking =
        rules.filter(|facts| facts.status == Status::Enabled && directions(facts, config)[packet.direction as usize]);
    let mut may = Vec::new();
    for rule in speaking {
        match matches(rule, packet, standard) {
            None => {}
            Some(depends_on) if depends_on.is_empty() => return Matches { may, decides: Some(rule) },
            Some(depends_on) => may.push(May { rule, depends_on }),
        }
    }
    Matches { may, decides: None }
}

/// What it depends on whether the columns match a packet; nothing if they do not whatever it depends on.
fn matches(rule: &RuleFacts, packet: &Packet, standard: StandardPorts<'_>) -> Option<Vec<Why>> {
    let (source, destination) = packet.ends();
    let may_hold = |addresses: &Addresses, address| match addresses {
        Addresses::Known { set, .. } => set.contains(Range::single(address)),
        Addresses::Unknown => true,
    };
    if !may_hold(&rule.source, source) || !may_hold(&rule.destination, destination) {
        return None;
    }
    let mut depends_on: Vec<_> = rule.narrowed_by.iter().cloned().map(Why::Narrowed).collect();
    match (&rule.applications, &packet.app) {
        (Applications::Named(names), Some(app)) if !names.contains(app) => return None,
        (Applications::Named(_), None) => depends_on.push(Why::Application),
        (Applications::Any | Applications::Unknown | Applications::Named(_), _) => {}
    }
    match &rule.service {
        Services::Ports { l4, .. } if !l4.iter().any(|l4| l4.contains(packet.l4)) => return None,
        Services::ApplicationDefault => depends_on.extend(by_default(rule, packet, standard)?),
        Services::Any | Services::Ports { .. } | Services::Unknown => {}
    }
    depends_on.dedup();
    Some(depends_on)
}

/// The same of a rule that leaves ports to the application.
fn by_default(rule: &RuleFacts, packet: &Packet, standard: StandardPorts<'_>) -> Option<Vec<Why>> {
    let unknown = |app: &AppName| match standard.of(app) {
        Some(ports) => ports.contain(packet.l4).then(Vec::new),
        None => Some(vec![Why::StandardPorts(app.clone())]),
    };
    match (&packet.app, &rule.applications) {
        (Some(app), _) => unknown(app),
        (None, Applications::Any | Applications::Unknown) => Some(vec![Why::Application]),
        (None, Applications::Named(names)) => {
            let mut open = names.iter().filter_map(unknown).peekable();
            open.peek()?;
            Some(open.flatten().collect())
        }
    }
}

/// Foreign allows above the bottom rule that do not count because it depends on something whether they match.
pub struct Doubtful<'a> {
    rules: Vec<(&'a RuleFacts, [bool; 2])>,
    standard: StandardPorts<'a>,
    /// Made when it is first needed.
    index: Option<Index>,
}

/// How many rules are named at most.
const NAMED_MAX: usize = 8;

impl<'a> Doubtful<'a> {
    /// Those of a configuration.
    pub fn of(policy: &Policy<'a>, config: &Config) -> Self {
        let above = policy.rules[..policy.bottom].iter().filter_map(Rule::as_it_stands);
        let allows = above.filter(|facts| facts.status == Status::Enabled && facts.action == Action::Allow);
        let spoken = allows.map(|facts| (facts, directions(facts, config))).collect();
        Self::among(spoken, StandardPorts(policy.configuration))
    }

    /// Those among these allows, each with the directions it speaks of.
    pub(super) fn among(rules: Vec<(&'a RuleFacts, [bool; 2])>, standard: StandardPorts<'a>) -> Self {
        Self { rules, standard, index: None }
    }

    /// The first few that may match a packet, in order of evaluation.
    pub fn about(&mut self, packet: &Packet) -> Vec<May<'a>> {
        let Self { rules, standard, index } = self;
        let index = index.get_or_insert_with(|| {
            let columns = rules.iter().map(|(facts, directions)| Columns::at_most(facts, *directions));
            Index::of(&columns.collect::<Vec<_>>())
        });
        let may = index.possible(&packet.atom()).into_iter().filter_map(|number| {
            let (rule, _) = rules[number];
            let depends_on = matches(rule, packet, *standard).filter(|depends_on| !depends_on.is_empty())?;
            Some(May { rule, depends_on })
        });
        may.take(NAMED_MAX).collect()
    }
}

impl Packet {
    /// The atom that wants nothing else.
    fn atom(&self) -> Atom {
        let apps = self.app.iter().cloned().collect();
        let apps = if self.app.is_some() { Apps::Named(apps) } else { Apps::Any };
        Atom {
            direction: self.direction,
            local: Range::single(self.local),
            peer: Range::single(self.peer),
            service: Service { l4: self.l4, apps },
        }
    }
}
