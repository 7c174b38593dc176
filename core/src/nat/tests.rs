use expect_test::{Expect, expect};

use super::*;
use crate::{never::Never, sample};

/// Two instances in 10.0.0.0/16, and the firewall.
fn nat(rules: &[NatRule]) -> Nat<'_> {
    let inventory =
        sample::inventory("i-1 10.0.1.10 sg-web\n i-2 10.0.1.11 sg-web\n i-fw 10.0.0.10,10.0.0.12/31 sg-fw");
    Nat::of(rules, &inventory, &sample::config())
}

/// What arrives at an instance as `203.0.113.0/24 -> 10.0.1.10 tcp/443`.
#[track_caller]
fn check(rules: &[&str], wanted: &str, expected: &Expect) {
    let rules: Vec<_> = rules.iter().map(|line| sample::nat_rule(line)).collect();
    let atom = sample::atom(wanted);
    let led = nat(&rules).leading_to(atom.local, atom.peer, atom.service.l4);
    let line = |Original { peer, local, l4, rule }: &Original| format!("{peer} -> {local} {l4} by {rule}");
    let unsaid = led.unsaid.iter().map(|(original, why)| {
        let why = match why {
            Unsaid::Taken(by) => format!("because of {by}"),
            Unsaid::Wide(_) => "because others may be there".to_owned(),
        };
        format!("unsaid {why}: {}\n", line(original))
    });
    let originals = led.originals.iter().map(|original| line(original) + "\n");
    expected.assert_eq(&originals.chain(unsaid).collect::<String>());
}

const WEB: &str = "0.0.0.0/0 -> 10.0.1.10 tcp/443";

#[test]
fn one_address_for_another() {
    check(&["a any -> 203.0.113.5 to 10.0.1.10"], WEB, &expect!["any -> 203.0.113.5 tcp 443 by a\n"]);
    check(&["a any -> 203.0.113.5 to 10.0.1.11"], WEB, &expect![""]);
    check(&["a any -> 203.0.113.5 none"], WEB, &expect![""]);
    check(&["a any -> 203.0.113.5 unknown"], WEB, &expect![""]);
    check(&["a any -> 203.0.113.5 to 10.0.1.10 from:dmz"], WEB, &expect![""]);
    check(
        &["a any -> 203.0.113.5 to 10.0.1.10"],
        "0.0.0.0/0 -> 10.0.1.10 all",
        &expect!["any -> 203.0.113.5 any by a\n"],
    );
    check(
        &["a any -> 203.0.113.5 to 10.0.1.10"],
        "0.0.0.0/0 -> 10.0.1.10 ping@ip/1",
        &expect!["any -> 203.0.113.5 protocol 1 by a\n"],
    );
}

#[test]
fn ports_are_those_before_translation() {
    let https = "a any -> 203.0.113.5 tcp/8443 to 10.0.1.10:443";
    check(&[https], WEB, &expect!["any -> 203.0.113.5 tcp 8443 by a\n"]);
    check(&[https], "0.0.0.0/0 -> 10.0.1.10 tcp/400-500", &expect!["any -> 203.0.113.5 tcp 8443 by a\n"]);
    check(&[https], "0.0.0.0/0 -> 10.0.1.10 tcp/8443", &expect![""]);
    check(&[https], "0.0.0.0/0 -> 10.0.1.10 udp/443", &expect![""]);
    check(&[https], "0.0.0.0/0 -> 10.0.1.10 all", &expect!["any -> 203.0.113.5 tcp 8443 by a\n"]);
    check(
        &["a any -> 203.0.113.5 tcp/440-450 to 10.0.1.10"],
        "0.0.0.0/0 -> 10.0.1.10 tcp/445-500",
        &expect!["any -> 203.0.113.5 tcp 445-450 by a\n"],
    );
    check(&["a any -> 203.0.113.5 to 10.0.1.10:443"], WEB, &expect!["any -> 203.0.113.5 tcp 1-65535 by a\n"]);
}

#[test]
fn ranges_are_translated_place_by_place_and_several_may_become_one() {
    check(&["a any -> 203.0.113.8/30 to 10.0.1.8/30"], WEB, &expect!["any -> 203.0.113.10 tcp 443 by a\n"]);
    check(
        &["a any -> 203.0.113.5,203.0.113.9 to 10.0.1.10"],
        WEB,
        &expect![[r#"
            any -> 203.0.113.5 tcp 443 by a
            any -> 203.0.113.9 tcp 443 by a
        "#]],
    );
    check(&["a any -> 203.0.113.8/29 to 10.0.1.8/30"], WEB, &expect![""]);
}

#[test]
fn where_others_may_be_an_original_destination_is_not_said() {
    let others = |destination: &str| {
        let rule = format!("a any -> {destination} tcp/443 to 10.0.1.10");
        let rules = [sample::nat_rule(&rule)];
        let atom = sample::atom(WEB);
        let led = nat(&rules).leading_to(atom.local, atom.peer, atom.service.l4);
        (led.originals.len(), led.unsaid.len())
    };
    for wide in ["any", "0.0.0.0/0", "0.0.0.0/1", "10.0.0.0/16", "10.0.0.0/24", "10.0.9.8/31", "10.0.1.11"] {
        assert_eq!(others(wide), (0, 1), "{wide}");
    }
    // Addresses of nobody's network, one that nobody has, the firewall's own, and the instance's.
    for narrow in ["203.0.113.0/24", "128.0.0.0/1", "10.0.9.8", "10.0.0.10", "10.0.0.12/31", "10.0.1.10"] {
        assert_eq!(others(narrow), (1, 0), "{narrow}");
    }
    // Two neighbours that are listed are not a wide range.
    assert_eq!(others("10.0.9.8,10.0.9.9"), (1, 0));
    check(
        &["a any -> 203.0.113.5,10.0.0.0/24 tcp/443 to 10.0.1.10"],
        WEB,
        &expect![[r#"
            any -> 203.0.113.5 tcp 443 by a
            unsaid because others may be there: any -> 10.0.0.0/24 tcp 443 by a
        "#]],
    );
    // What goes by such a rule to the instance arrives all the same.
    check(
        &["a any -> any tcp/443 to 10.0.1.10", "b any -> 203.0.113.5 to 10.0.1.10"],
        WEB,
        &expect![[r#"
            any -> 203.0.113.5 tcp 443 by b
            unsaid because others may be there: any -> any tcp 443 by a
        "#]],
    );
}

#[test]
fn networks_inside_are_others_too() {
    let rules = [sample::nat_rule("a any -> 172.16.0.0/24 to 10.0.1.10")];
    let inventory = sample::inventory("i-1 10.0.1.10 sg-web");
    let mut config = sample::config();
    let led = |config: &Config| {
        let atom = sample::atom(WEB);
        Nat::of(&rules, &inventory, config).leading_to(atom.local, atom.peer, atom.service.l4).originals.len()
    };
    assert_eq!(led(&config), 1);
    config.internal = sample::ranges("172.16.0.0/12");
    assert_eq!(led(&config), 0);
}

#[test]
fn what_is_never_opened_leads_nowhere_by_another_port_either() {
    let rules = [sample::nat_rule("a any -> 203.0.113.5 tcp/2222 to 10.0.1.10:22")];
    let led = |never: &[&str]| {
        let never = never.iter().map(|entry| entry.parse::<Never>().unwrap()).collect();
        let instance = "10.0.1.10".parse().unwrap();
        nat(&rules).everything_leading_to(instance, &never).len()
    };
    assert_eq!((led(&[]) > 0, led(&["tcp/22"])), (true, 0));
}

#[test]
fn the_first_rule_that_matches_decides() {
    let (all, port) = ("b any -> 203.0.113.5 to 10.0.1.10", "a any -> 203.0.113.5 tcp/443 to 10.0.1.99");
    check(&[port, all], WEB, &expect![""]);
    check(
        &[port, all],
        "0.0.0.0/0 -> 10.0.1.10 tcp/440-445",
        &expect![[r#"
            any -> 203.0.113.5 tcp 440-442 by b
            any -> 203.0.113.5 tcp 444-445 by b
        "#]],
    );
    check(&[port, all], "0.0.0.0/0 -> 10.0.1.10 all", &expect!["unsaid because of a: any -> 203.0.113.5 any by b\n"]);
    check(
        &["a any -> 203.0.113.5 tcp/8443 to 10.0.1.10:443", all],
        "0.0.0.0/0 -> 10.0.1.10 all",
        &expect![[r#"
            any -> 203.0.113.5 any by b
            any -> 203.0.113.5 tcp 8443 by a
        "#]],
    );
    check(&["a any -> any none", all], WEB, &expect![""]);
    check(&["a any -> any none from:trust", all], WEB, &expect!["any -> 203.0.113.5 tcp 443 by b\n"]);
    check(
        &["a 198.51.100.0/25 -> any to 10.0.1.99", all],
        "198.51.100.0/24 -> 10.0.1.10 tcp/443",
        &expect!["198.51.100.128/25 -> 203.0.113.5 tcp 443 by b\n"],
    );
    check(&["a fqdn -> 203.0.113.5 to 10.0.1.99", all], WEB, &expect![""]);
    // Whatever of its packets such a rule takes, it takes none of anybody else's.
    check(
        &["a 198.51.100.0/25 -> any to 10.0.1.99 some", all],
        "198.51.100.0/24 -> 10.0.1.10 tcp/443",
        &expect!["198.51.100.128/25 -> 203.0.113.5 tcp 443 by b\n"],
    );
    check(&["a any -> 203.0.113.5 to 10.0.1.10 some"], WEB, &expect![""]);
    check(
        &["a 198.51.100.0/24 -> 203.0.113.5 to 10.0.1.10"],
        WEB,
        &expect!["198.51.100.0/24 -> 203.0.113.5 tcp 443 by a\n"],
    );
    check(&["a fqdn -> 203.0.113.5 to 10.0.1.10"], WEB, &expect![""]);
}
