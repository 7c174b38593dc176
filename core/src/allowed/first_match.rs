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
    columns::{StandardPorts, directions},
    possible::Possible,
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

/// `` `web` depends on users, the application``.
impl fmt::Display for May<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<_> = self.depends_on.iter().map(Why::to_string).collect();
        write!(f, "`{}` depends on {}", self.rule.name, reasons.join(", "))
    }
}

/// The rules that a packet meets until one matches for certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matches<'a> {
    /// Rules before the one that decides that may match, in order.
    pub may: Vec<May<'a>>,
    /// The first rule that matches for certain; a default rule, if no other does.
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
    allows: Possible<'a>,
    standard: StandardPorts<'a>,
}

/// How many rules are named at most.
const NAMED_MAX: usize = 8;

impl<'a> Doubtful<'a> {
    /// Those of a configuration.
    pub fn of(policy: &Policy<'a>, config: &Config) -> Self {
        let above = policy.rules[..policy.bottom].iter().filter_map(Rule::as_it_stands);
        let allows = above.filter(|facts| facts.status == Status::Enabled && facts.action == Action::Allow);
        Self { allows: Possible::of(allows, config), standard: StandardPorts(policy.configuration) }
    }

    /// Those among these allows, each with the directions it speaks of.
    pub(super) fn among(allows: Vec<(&'a RuleFacts, [bool; 2])>, standard: StandardPorts<'a>) -> Self {
        Self { allows: Possible::among(allows), standard }
    }

    /// The first few that may match a packet, in order of evaluation.
    pub fn about(&mut self, packet: &Packet) -> Vec<May<'a>> {
        let may = self.allows.matching(&packet.atom(), usize::MAX).into_iter().filter_map(|rule| {
            let depends_on = matches(rule, packet, self.standard).filter(|depends_on| !depends_on.is_empty())?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, rulebase::Rulebase, sample};

    fn packet(text: &str) -> Packet {
        let Atom { direction, local, peer, service } = sample::atom(text);
        let app = match service.apps {
            Apps::Any => None,
            Apps::Named(names) => names.into_iter().next(),
        };
        Packet { direction, local: local.first(), peer: peer.first(), l4: service.l4, app }
    }

    #[track_caller]
    fn check_with(config: &Config, rules: &str, text: &str, expected: &[&str]) {
        let mut configuration = sample::configuration(rules);
        let defaults = [
            "intrazone-default any -> any from:any intrazone",
            "interzone-default any -> any from:any to:any interzone deny",
        ];
        configuration.default_rules = defaults.map(sample::rule).to_vec();
        let firewall = sample::quiet(configuration);
        let rulebase = Rulebase::read(&firewall, config).unwrap();
        let Matches { may, decides } = first_match(&rulebase.candidate, &packet(text), config);
        let decides = decides.map(|rule| format!("{} decides", rule.name));
        let said: Vec<_> = may.iter().map(May::to_string).chain(decides).collect();
        assert_eq!(said, expected, "{rules}");
    }

    #[track_caller]
    fn check(rules: &str, text: &str, expected: &[&str]) {
        check_with(&sample::config(), rules, text, expected);
    }

    const SSH: &str = "8.8.8.8 -> 10.0.1.10 ssh@tcp/22";

    #[test]
    fn the_first_certain_match_decides() {
        check("a any -> any\n b any -> any deny", SSH, &["a decides"]);
        check("b any -> any deny\n a any -> any", SSH, &["b decides"]);
        check("sg-1-1 any -> 10.0.1.10 app:ssh app-default ours\n a any -> any", SSH, &["sg-1-1 decides"]);
        check("", SSH, &["clean-up decides"]);
        for other in ["disabled", "tcp/23", "app:ssl", "from:dmz", "to:untrust", "intrazone", "app:mysql app-default"] {
            check(&format!("other any -> any {other}\n a any -> any"), SSH, &["a decides"]);
        }
        check("other 8.8.8.9 -> any\n more any -> 10.0.1.11\n a any -> any", SSH, &["a decides"]);
    }

    #[test]
    fn rules_before_it_may_match() {
        let rules = "staff any -> any user app:foo,ssh\n host any -> any fqdn deny\n foo any -> any app:foo app-default\n a any -> any";
        check(rules, SSH, &["`staff` depends on users", "`host` depends on address `host`", "a decides"]);
        check(
            rules,
            "8.8.8.8 -> 10.0.1.10 foo@tcp/22",
            &[
                "`staff` depends on users",
                "`host` depends on address `host`",
                "`foo` depends on the standard ports of `foo`",
                "a decides",
            ],
        );
        check(
            rules,
            "8.8.8.8 -> 10.0.1.10 tcp/22",
            &[
                "`staff` depends on users, the application",
                "`host` depends on address `host`",
                "`foo` depends on the application, the standard ports of `foo`",
                "a decides",
            ],
        );
    }

    #[test]
    fn ports_left_to_applications_depend_on_which_it_is() {
        let rules = "any any -> any app-default\n ssh any -> any app:ssh,mysql app-default\n a any -> any";
        check(rules, SSH, &["any decides"]);
        check(rules, "8.8.8.8 -> 10.0.1.10 ssh@tcp/2222", &["a decides"]);
        check(
            rules,
            "8.8.8.8 -> 10.0.1.10 tcp/22",
            &["`any` depends on the application", "`ssh` depends on the application", "a decides"],
        );
        check(rules, "8.8.8.8 -> 10.0.1.10 tcp/23", &["`any` depends on the application", "a decides"]);
        check("a any -> any app:ping app-default", "8.8.8.8 -> 10.0.1.10 ping@ip/1", &["a decides"]);
        check("a any -> any app:ping app-default", "8.8.8.8 -> 10.0.1.10 ping@ip/58", &["clean-up decides"]);
    }

    #[test]
    fn only_allows_that_are_switched_on_may_allow() {
        let rules =
            "staff any -> any user\n off any -> any user disabled\n no any -> any user deny\n below-all any -> any\n";
        let (config, firewall) = (sample::config(), sample::quiet(sample::configuration(rules)));
        let rulebase = Rulebase::read(&firewall, &config).unwrap();
        let may = Doubtful::of(&rulebase.candidate, &config).about(&packet(SSH));
        let said: Vec<_> = may.iter().map(May::to_string).collect();
        assert_eq!(said, ["`staff` depends on users"]);
    }

    #[test]
    fn default_rules_come_last() {
        let rules = "clean-up any -> any deny tcp/23";
        check(rules, SSH, &["interzone-default decides"]);
        let mut same = sample::config();
        same.untrust = same.trust.clone();
        check_with(&same, rules, SSH, &["intrazone-default decides"]);
        check_with(&same, "clean-up any -> any deny from:trust", SSH, &["clean-up decides"]);
    }

    #[test]
    fn the_direction_turns_zones_and_addresses_round() {
        let out = Packet { direction: crate::change::Direction::Egress, ..packet(SSH) };
        let rules = "in any -> any\n out 10.0.1.10 -> 8.8.8.8 from:trust to:untrust";
        let firewall = sample::quiet(sample::configuration(rules));
        let config = sample::config();
        let rulebase = Rulebase::read(&firewall, &config).unwrap();
        let decides = first_match(&rulebase.candidate, &out, &config).decides.unwrap();
        assert_eq!(decides.name.as_str(), "out");
        assert_eq!(out.to_string(), "10.0.1.10 -> 8.8.8.8 tcp 22 (ssh)");
    }
}
