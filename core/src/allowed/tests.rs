//! What counts as allowed, asked of small configurations.

use super::*;
use crate::{rulebase::Rulebase, sample, wanted::Atom};

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
    check("a any -> any tcp/0-65535", "8.8.8.8 -> 10.0.1.10 gre@ip/47", "gap: 8.8.8.8 -> 10.0.1.10 protocol 47 (gre)");
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
fn egress_is_asked_of_rules_that_go_the_other_way() {
    let said = |rules: &str| {
        let (config, firewall) = (sample::config(), sample::quiet(sample::configuration(rules)));
        let rulebase = Rulebase::read(&firewall, &config).unwrap();
        let atom = Atom { direction: Direction::Egress, ..sample::atom("8.8.8.0/24 -> 10.0.1.10 tcp/443") };
        let overrides = Overrides::of(&rulebase.candidate, &config).of_atom(&atom);
        let verdict = match Cover::of(&rulebase.candidate, &[], &config).verdict(&atom) {
            Verdict::Allowed(by) => by.to_string(),
            Verdict::Gap(packet) => packet.to_string(),
        };
        overrides.iter().fold(verdict, |verdict, name| format!("{verdict}; overridden by `{name}`"))
    };
    let gap = "10.0.1.10 -> 8.8.8.0 tcp 443";
    assert_eq!(said("out 10.0.1.10 -> 8.8.8.0/24 from:trust to:untrust"), "`out`");
    assert_eq!(said("in 8.8.8.0/24 -> 10.0.1.10\n turned 10.0.1.10 -> 8.8.8.0/24"), gap);
    assert_eq!(said("turned 8.8.8.0/24 -> 10.0.1.10 from:trust to:untrust"), gap);
    assert_eq!(said("both any -> any from:any to:any"), "`both`");
    let denies = "in any -> any deny\n out any -> 8.8.8.8 from:trust to:untrust deny\n clean-up any -> any deny";
    // The bottom rule here says nothing of egress.
    let below = "below 10.0.0.0/8 -> any from:trust to:untrust";
    assert_eq!(said(&format!("{denies}\n {below}")), "`below`; overridden by `out`");
    let some = "some any -> 8.8.8.8 from:any to:any deny tcp/443";
    assert_eq!(said(&format!("clean-up any -> any deny\n {some}\n {below}")), gap);
    assert_eq!(said(&format!("clean-up any -> any from:any to:any deny\n {below}")), gap);
    assert_eq!(said("clean-up any -> any deny tcp/23\n in any -> any"), gap);
}

#[test]
fn more_services_than_are_kept_are_answered_all_the_same() {
    let firewall =
        sample::quiet(sample::configuration("web any -> any tcp/1000-1999\n other any -> any udp/1-99 app:dns"));
    let config = sample::config();
    let rulebase = Rulebase::read(&firewall, &config).unwrap();
    let mut cover = Cover::of(&rulebase.candidate, &[], &config);
    for port in (500..1500).chain(500..1500) {
        let mut is_allowed = |service: &str| {
            let atom = sample::atom(&format!("8.8.8.8 -> 10.0.1.10 {service}"));
            matches!(cover.verdict(&atom), Verdict::Allowed(_))
        };
        assert_eq!(is_allowed(&format!("tcp/{port}")), port >= 1000, "{port}");
        assert_eq!(is_allowed(&format!("ssh@tcp/{port}")), port >= 1000, "{port}");
        assert!(!is_allowed(&format!("udp/{}", port % 99 + 1)) && is_allowed(&format!("dns@udp/{}", port % 99 + 1)));
    }
}

#[test]
fn atoms_with_the_same_rules_share_their_evidence() {
    let firewall =
        sample::quiet(sample::configuration("b 8.8.8.0/25 -> any\n a 8.8.8.128/26 -> any\n c 8.8.8.192/26 -> any"));
    let config = sample::config();
    let rulebase = Rulebase::read(&firewall, &config).unwrap();
    let mut cover = Cover::of(&rulebase.candidate, &[], &config);
    let mut evidence = |port: u16| match cover.verdict(&sample::atom(&format!("8.8.8.0/24 -> 10.0.1.10 tcp/{port}"))) {
        Verdict::Allowed(evidence) => evidence,
        Verdict::Gap(packet) => panic!("{packet} is not allowed"),
    };
    let [one, other] = [evidence(1), evidence(2)];
    assert!(Arc::ptr_eq(&one.rules, &other.rules) && !one.needs_new_rules());
    assert_eq!(one.to_string(), "`b`, `a` and `c`");
    let atom = sample::atom("9.9.9.9 -> 10.0.1.10 tcp/1");
    cover.add(&atom);
    assert!(matches!(cover.verdict(&atom), Verdict::Allowed(by) if by.needs_new_rules() && by.rules().is_empty()));
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
