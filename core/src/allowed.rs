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
    first_match::{Doubtful, Matches, May, Why, first_match},
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
        ] {
            check(rule, SSH, GAP);
        }
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
        assert_eq!(allowed(&patchwork(16), "8.8.0.0/28 -> 10.0.1.10 tcp/0-15"), Some(256));
        assert_eq!(allowed(&patchwork(128), "8.8.0.0/25 -> 10.0.1.10 tcp/0-127"), None);
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
