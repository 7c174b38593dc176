//! "Already allowed" is a proof, not a probe: is every packet of an atom matched by a certain allow above the bottom rule?
//!
//! ```text
//!     columns      what a rule's columns say, as sets: exactly, or at most
//!     index        which of many rules meet or hold an atom (edges: one dimension; bits: sets of rules)
//!     proof        cuts what no single rule holds, until rules hold the pieces or a piece is bare
//!     below        how far allows from the bottom rule down count
//!     cover        puts these together: allowed by which rules, or a packet that is not
//!     overrides    denies above the bottom rule, for the report
//!     first_match  one packet's way through the rules
//! ```
//!
//! The question is about boxes (addresses × peers × ports); applications and protocol only filter. Denies do not enter above
//! the bottom rule: our rule would stand below them and cannot change their verdict.

mod below;
mod bits;
mod columns;
mod cover;
mod edges;
mod first_match;
mod index;
mod overrides;
mod proof;
mod question;

use std::{fmt, sync::Arc};

use self::columns::wanted_ports;
use crate::{
    address::{Address, AddressRange},
    change::Direction,
    id::{AppName, RuleName},
    range::Range,
    service::L4,
};

pub use self::{
    cover::Cover,
    first_match::{Matches, May, Why, first_match},
    overrides::Overrides,
};

/// One packet, as evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Which way.
    pub direction: Direction,
    /// The instance's address.
    pub local: Address,
    /// The address on the internet.
    pub peer: Address,
    /// Protocol and port.
    pub l4: L4,
    /// The application, or any.
    pub app: Option<AppName>,
}

impl Packet {
    /// Source and destination.
    fn ends(&self) -> (Address, Address) {
        turned(self.direction, self.local, self.peer)
    }
}

/// `198.51.100.7 -> 10.0.1.10 tcp 22 (ssh)`.
impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_line(f, self.ends(), self.l4, self.app.as_ref())
    }
}

/// Packets, as a box: every address of one side with every address and port of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packets {
    /// Which way.
    pub direction: Direction,
    /// The instance's side.
    pub local: AddressRange,
    /// The internet's side.
    pub peer: AddressRange,
    /// Protocol and ports.
    pub l4: L4,
    /// The application, or any.
    pub app: Option<AppName>,
}

impl Packets {
    /// The first of them.
    pub fn first(&self) -> Packet {
        let first_port = Range::single(wanted_ports(self.l4).first());
        Packet {
            direction: self.direction,
            local: self.local.first(),
            peer: self.peer.first(),
            l4: self.l4.with_ports(first_port),
            app: self.app.clone(),
        }
    }
}

/// `203.0.113.0/24 -> 10.0.1.10 tcp 8080-8090 (ssh)`.
impl fmt::Display for Packets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_line(f, turned(self.direction, self.local, self.peer), self.l4, self.app.as_ref())
    }
}

/// Local and peer as source and destination.
fn turned<T>(direction: Direction, local: T, peer: T) -> (T, T) {
    match direction {
        Direction::Ingress => (peer, local),
        Direction::Egress => (local, peer),
    }
}

fn write_line<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    (source, destination): (T, T),
    l4: L4,
    app: Option<&AppName>,
) -> fmt::Result {
    write!(f, "{source} -> {destination} {l4}")?;
    match app {
        Some(app) => write!(f, " ({app})"),
        None => Ok(()),
    }
}

/// The answer for one atom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every packet is allowed.
    Allowed(Evidence),
    /// This packet, among others, is not.
    Gap(Packet),
}

/// Rules that are enough to allow every packet of an atom. Cheap to keep: atoms with the same rules share the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    rules: Arc<[RuleName]>,
    needs_new: bool,
}

impl Evidence {
    /// Rules of the configuration, and kept ones of ours, in the order of evaluation.
    pub fn rules(&self) -> &[RuleName] {
        &self.rules
    }

    /// Whether it takes rules of ours as well that are not written yet.
    pub fn needs_new_rules(&self) -> bool {
        self.needs_new
    }
}

/// `web in` and `web out`: names in backticks.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.rules.iter().map(|name| format!("`{name}`"));
        let all: Vec<_> = named.chain(self.needs_new.then(|| "a new rule".to_owned())).collect();
        match all.split_last() {
            Some((last, [])) => f.write_str(last),
            Some((last, others)) => write!(f, "{} and {last}", others.join(", ")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rulebase::Rulebase, sample};

    #[track_caller]
    fn check(rules: &str, atom: &str, expected: &str) {
        let (config, firewall) = (sample::config(), sample::quiet(sample::configuration(rules)));
        let rulebase = Rulebase::read(&firewall, &config).unwrap();
        let said = match Cover::of(&rulebase.candidate, &[], &config).verdict(&sample::atom(atom)) {
            Verdict::Allowed(by) => by.rules().iter().map(RuleName::as_str).collect::<Vec<_>>().join(" "),
            Verdict::Gap(packet) => format!("gap: {packet}"),
        };
        assert_eq!(said, expected, "{rules}");
    }

    const SSH: &str = "8.8.8.0/24 -> 10.0.1.10 ssh@tcp/22";
    const GAP: &str = "gap: 8.8.8.0 -> 10.0.1.10 tcp 22 (ssh)";

    #[test]
    fn a_certain_allow_above_the_bottom_rule_is_enough() {
        check("web any -> any", SSH, "web");
        check("web any -> 10.0.0.0/8 tcp/22 app:ssh,ssl", SSH, "web");
        check("web any -> any from:any to:any app-default", SSH, "web");
        check("web any -> any app-default app:ssh", SSH, "web");
        check("web any -> any from:untrust,dmz to:dmz,trust", SSH, "web");
        check("web any -> any interzone", SSH, "web");
        check("web any -> any app:ssl", "8.8.8.0/24 -> 10.0.1.10 ssl@tcp/8443", "web");
        check("web any -> any app:ssh,ssl app-default", "8.8.8.0/24 -> 10.0.1.10 ssl@tcp/443", "web");
        check("web any -> any", "8.8.8.0/24 -> 10.0.1.10 all", "web");
        check("web any -> any", "8.8.8.0/24 -> 10.0.1.10 gre@ip/47", "web");
        check("web any -> any app:gre,ping", "8.8.8.0/24 -> 10.0.1.10 gre@ip/47", "web");
        // A deny above does not enter: ours would stand below it as well.
        check("no any -> any deny\n web any -> any", SSH, "web");
    }

    #[test]
    fn whatever_narrows_a_rule_or_is_not_known_for_certain_makes_it_count_for_nothing() {
        for rule in [
            "web any -> any disabled",
            "web any -> any deny",
            "web any -> any user",
            "web any -> any fqdn",
            "web any -> any app:ssl",
            "web any -> any tcp/23",
            "web any -> any udp/22",
            "web any -> any from:dmz",
            "web any -> any intrazone",
            "web any -> any app:telnet app-default",
            "web any -> 10.0.1.11",
            "web 2001:db8::/32 -> any",
            "web any -> any from:trust to:untrust",
            "web any -> any tcp/23 tcp/21 app:ssh",
            "web any -> any app:ssh,foo tcp/443",
            "web any -> any app:foo app-default",
        ] {
            check(rule, SSH, GAP);
        }
    }

    #[test]
    fn what_is_wanted_as_any_application_or_protocol_takes_a_rule_for_any() {
        let (tcp, all) = ("8.8.8.8 -> 10.0.1.10 tcp/22", "8.8.8.8 -> 10.0.1.10 all");
        check("a any -> any app:ssh,ssl\n b any -> any app-default", tcp, "gap: 8.8.8.8 -> 10.0.1.10 tcp 22");
        let protocols = "a any -> any tcp/0-65535\n b any -> any udp/0-65535\n c any -> any app:ping,icmp,gre";
        check(protocols, all, "gap: 8.8.8.8 -> 10.0.1.10 any");
        check("a any -> any app-default", all, "gap: 8.8.8.8 -> 10.0.1.10 any");
        check(
            "a any -> any tcp/0-65535",
            "8.8.8.8 -> 10.0.1.10 gre@ip/47",
            "gap: 8.8.8.8 -> 10.0.1.10 protocol 47 (gre)",
        );
    }

    #[test]
    fn standard_ports_are_the_devices_where_it_was_asked() {
        let mut configuration = sample::configuration("web any -> any app:smtp,ssl app-default");
        let mut told = |app: &str, l4: &[&str]| {
            configuration.standard_ports.insert(app.parse().unwrap(), l4.iter().map(|l4| sample::l4(l4)).collect());
        };
        told("smtp", &["tcp/25", "tcp/587-588"]);
        told("ssl", &["tcp/8443"]);
        let (config, firewall) = (sample::config(), sample::quiet(configuration));
        let rulebase = Rulebase::read(&firewall, &config).unwrap();
        let mut cover = Cover::of(&rulebase.candidate, &[], &config);
        let mut is_allowed = |service: &str| {
            matches!(cover.verdict(&sample::atom(&format!("8.8.8.8 -> 10.0.1.10 {service}"))), Verdict::Allowed(_))
        };
        assert!(is_allowed("smtp@tcp/25") && is_allowed("smtp@tcp/587-588") && is_allowed("ssl@tcp/8443"));
        assert!(!is_allowed("smtp@tcp/26") && !is_allowed("smtp@tcp/586-588") && !is_allowed("smtp@udp/25"));
        assert!(!is_allowed("ssl@tcp/443") && !is_allowed("ssh@tcp/22"));
    }

    #[test]
    fn within_one_zone_rules_for_pairs_of_zones_say_nothing() {
        let mut config = sample::config();
        config.untrust = config.trust.clone();
        let said = |rule: &str, default: &str| {
            let mut configuration =
                sample::configuration(&format!("clean-up any -> any deny tcp/23 from:any to:any\n {rule}"));
            configuration.default_rules = vec![sample::rule(default)];
            let firewall = sample::quiet(configuration);
            let rulebase = Rulebase::read(&firewall, &config).unwrap();
            match Cover::of(&rulebase.candidate, &[], &config).verdict(&sample::atom(SSH)) {
                Verdict::Allowed(by) => by.to_string(),
                Verdict::Gap(_) => "nothing".to_owned(),
            }
        };
        let no_default = "interzone-default any -> any from:any to:any interzone";
        for (rule, by) in [
            ("web any -> any from:trust to:trust", "`web`"),
            ("web any -> any from:trust,dmz to:untrust,trust", "`web`"),
            ("web any -> any from:any to:any", "`web`"),
            ("web any -> any from:trust to:dmz intrazone", "`web`"),
            ("web any -> any from:dmz to:trust intrazone", "nothing"),
            ("web any -> any from:trust to:trust interzone", "nothing"),
            ("web any -> any from:any to:any interzone", "nothing"),
            ("web any -> any", "nothing"),
        ] {
            assert_eq!(said(rule, no_default), by, "{rule}");
        }
        let default = "intrazone-default any -> any from:any to:any intrazone";
        assert_eq!(said("", default), "`intrazone-default`");
        assert_eq!(said("", &format!("{default} deny")), "nothing");
    }

    #[test]
    fn default_rules_count_as_an_administrator_has_overridden_them() {
        let said = |defaults: &[&str]| {
            let mut configuration = sample::configuration("clean-up any -> any deny tcp/23");
            configuration.default_rules = defaults.iter().map(|rule| sample::rule(rule)).collect();
            let (config, firewall) = (sample::config(), sample::quiet(configuration));
            let rulebase = Rulebase::read(&firewall, &config).unwrap();
            match Cover::of(&rulebase.candidate, &[], &config).verdict(&sample::atom(SSH)) {
                Verdict::Allowed(by) => by.to_string(),
                Verdict::Gap(packet) => packet.to_string(),
            }
        };
        let intrazone = "intrazone-default any -> any from:any to:any intrazone";
        let interzone = "interzone-default any -> any from:any to:any interzone";
        assert_eq!(said(&[intrazone, &format!("{interzone} deny")]), &GAP[5..]);
        assert_eq!(said(&[intrazone, interzone]), "`interzone-default`");
        assert_eq!(said(&[&format!("{intrazone} deny"), interzone]), "`interzone-default`");
        assert_eq!(said(&[interzone, &format!("{interzone} deny")]), "`interzone-default`");
    }

    #[test]
    fn several_rules_may_allow_together_and_a_gap_is_shown() {
        check("a 8.8.8.0/25 -> any\n b 8.8.8.128/25 -> any", SSH, "a b");
        check("a 8.8.8.0/25 -> any\n b 8.8.8.129-8.8.8.255 -> any", SSH, "gap: 8.8.8.128 -> 10.0.1.10 tcp 22 (ssh)");
        check("a any -> any tcp/1-100\n b any -> any tcp/101-200", "8.8.8.0/24 -> 10.0.1.10 tcp/50-150", "a b");
        check(
            "a any -> any tcp/1-100\n b any -> any tcp/102-200",
            "8.8.8.0/24 -> 10.0.1.10 tcp/50-150",
            "gap: 8.8.8.0 -> 10.0.1.10 tcp 101",
        );
    }

    #[test]
    fn a_service_of_several_applications_is_covered_when_each_of_them_is() {
        let icmp = "8.8.8.0/24 -> 10.0.1.10 icmp,ping@ip/1";
        check("a any -> any app:ping app-default\n b any -> any app:icmp app-default", icmp, "a b");
        check("a any -> any app-default", icmp, "a");
        check("a any -> any app:ping app-default", icmp, "gap: 8.8.8.0 -> 10.0.1.10 protocol 1 (icmp)");
        check("a any -> any app:ping app-default", "8.8.8.0/24 -> 10.0.1.10 all", "gap: 8.8.8.0 -> 10.0.1.10 any");
    }

    #[test]
    fn below_the_bottom_rule_allows_count_until_something_might_deny() {
        check("clean-up any -> any deny tcp/23\n web any -> any", SSH, "web");
        check("clean-up any -> any deny tcp/23\n no 8.8.8.8 -> any deny user\n web any -> any", SSH, GAP);
        check("clean-up any -> any deny tcp/23\n no 9.9.9.9 -> any deny user\n web any -> any", SSH, "web");
        check("clean-up any -> any deny tcp/23\n no any -> any deny app:ssl\n web any -> any", SSH, "web");
        check("clean-up any -> any deny\n web any -> any post", SSH, GAP);
    }

    /// However many it takes along one dimension; a patchwork of two takes too many comparisons.
    #[test]
    fn an_atom_cut_into_thousands_of_slivers_is_not_covered() {
        let line = |number: u16| {
            let lines = (0..number).map(|n| format!("r{n} 8.8.{}.{} -> any\n", n / 256, n % 256));
            lines.collect::<String>()
        };
        let patchwork = |side: u16| {
            let cell = |n: u16| format!("r{n} 8.8.{}.{} -> any tcp/{}\n", n % side / 256, n % side % 256, n / side);
            (0..side * side).map(cell).collect::<String>()
        };
        let allowed = |rules: &str, atom: &str| {
            let (config, firewall) = (sample::config(), sample::quiet(sample::configuration(rules)));
            let rulebase = Rulebase::read(&firewall, &config).unwrap();
            match Cover::of(&rulebase.candidate, &[], &config).verdict(&sample::atom(atom)) {
                Verdict::Allowed(by) => Some(by.rules().len()),
                Verdict::Gap(_) => None,
            }
        };
        assert_eq!(allowed(&line(4096), "8.8.0.0/20 -> 10.0.1.10 ssh@tcp/22"), Some(4096));
        assert_eq!(allowed(&patchwork(32), "8.8.0.0/27 -> 10.0.1.10 tcp/0-31"), Some(1024));
        assert_eq!(allowed(&patchwork(64), "8.8.0.0/26 -> 10.0.1.10 tcp/0-63"), None);
    }

    #[test]
    fn denies_above_the_bottom_rule_that_meet_an_atom_override_it() {
        let rules = "no 8.8.8.8 -> any deny\n other 9.9.9.9 -> any deny\n by-app any -> any deny app:ssl\n \
                     some any -> any deny user\n off any -> any deny disabled\n ssh any -> any deny tcp/22\n web any -> any\n \
                     clean-up any -> any deny\n late any -> any deny";
        let (config, firewall) = (sample::config(), sample::quiet(sample::configuration(rules)));
        let rulebase = Rulebase::read(&firewall, &config).unwrap();
        let mut overrides = Overrides::of(&rulebase.candidate, &config);
        let names: Vec<_> = overrides.of_atom(&sample::atom(SSH)).into_iter().map(RuleName::as_str).collect();
        assert_eq!(names, ["no", "ssh"]);
    }
}
