use expect_test::{Expect, expect};

use super::*;
use crate::{config::RuleDestination, firewall::Configuration, never::Never, plan::plan, sample};

const CLOUD: &str =
    "i-1 10.0.1.10 sg-web,sg-admin\n i-2 10.0.1.11 sg-web\n sg-web tcp/443 0.0.0.0/0\n sg-web tcp/80 0.0.0.0/0
    sg-web udp/53 10.0.0.0/16\n sg-admin tcp/22 8.8.8.0/24\n sg-admin tcp/3306 8.8.8.0/24";
const RULES: &str = "web any -> 10.0.1.0/24 tcp/80\n partner any -> any tcp/22 user\n no-sql any -> any deny tcp/3306
    sg-web-1 any -> 10.0.1.10,10.0.1.11 app:ssl app-default ours";

/// Told in lines, what they rest on further to the right.
fn lines(told: &[Told], depth: usize, said: &mut String) {
    for Told { what, because } in told {
        *said += &format!("{:depth$}{what}\n", "", depth = depth * 2);
        lines(because, depth + 1, said);
    }
}

#[track_caller]
fn check(subject: &Subject, expected: &Expect) {
    check_with(|_, _| {}, subject, expected);
}

#[track_caller]
fn check_with(change: impl FnOnce(&mut Inventory, &mut Config), subject: &Subject, expected: &Expect) {
    check_on(sample::configuration(RULES), change, subject, expected);
}

#[track_caller]
fn check_on(
    configuration: Configuration,
    change: impl FnOnce(&mut Inventory, &mut Config),
    subject: &Subject,
    expected: &Expect,
) {
    let (mut inventory, mut config) = (sample::inventory(CLOUD), sample::config());
    change(&mut inventory, &mut config);
    let firewall = sample::quiet(configuration);
    let rulebase = Rulebase::read(&firewall, &config).unwrap();
    let plan = plan(&inventory, &rulebase, &config, &[]);
    let mut said = String::new();
    match Explainer::of(&inventory, &rulebase, &config, &plan).explain(subject) {
        Ok(told) => lines(&told, 0, &mut said),
        Err(error) => said = error.to_string(),
    }
    expected.assert_eq(&said);
}

fn packet(text: &str) -> Subject {
    let words: Vec<_> = text.split_whitespace().collect();
    let [source, destination, l4, rest @ ..] = words.as_slice() else { panic!("`{text}` is no packet") };
    let address = |text: &str| text.parse::<std::net::IpAddr>().unwrap().into();
    let app = rest.first().map(|app| app.parse().unwrap());
    Subject::Packet(Sent { source: address(source), destination: address(destination), l4: sample::l4(l4), app })
}

#[test]
fn an_instance() {
    check(
        &Subject::Instance("i-1".parse().unwrap()),
        &expect![[r#"
        eni-1 (10.0.1.10) in subnet-pub of vpc-1: exposed
          exposed by IPv4: rtb-1 sends internet-bound traffic to i-fw
          sg-admin
            wants 8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22: sg-admin-1 is to be added
              sg-admin wants it; nothing allows 8.8.8.0 -> 10.0.1.10 tcp 22 (ssh); `partner` may, but for users
            wants 8.8.8.0/24 -> 10.0.1.10  mysql on tcp 3306: sg-admin-2 is to be added
              sg-admin wants it; nothing allows 8.8.8.0 -> 10.0.1.10 tcp 3306 (mysql); overridden by `no-sql`
          sg-web
            wants any -> 10.0.1.10  web-browsing on tcp 80: allowed already by `web`
            wants any -> 10.0.1.10  ssl on tcp 443: our rule sg-web-1 says it
            udp 53 with 10.0.0.0/16 leads to no rule: the peer is inside
    "#]],
    );
    check(
        &Subject::Instance("i-9".parse().unwrap()),
        &expect!["instance `i-9` is not listed in eu-west-1: check the id, `aws.region` and the credentials"],
    );
    check_with(
        |inventory, _| inventory.route_tables.values_mut().for_each(|table| table.routes.clear()),
        &Subject::Instance("i-2".parse().unwrap()),
        &expect![[r#"
            eni-2 (10.0.1.11) in subnet-pub of vpc-1: not exposed
              not exposed by IPv4: rtb-1 has no route to the internet
        "#]],
    );
}

#[test]
fn a_group() {
    check(
        &Subject::Group("sg-web".parse().unwrap()),
        &expect![[r#"
        sg-web is on 2 interfaces, 2 of them exposed
        wants any -> 10.0.1.10  ssl on tcp 443: our rule sg-web-1 says it; the same for 1 other address
        wants any -> 10.0.1.10  web-browsing on tcp 80: allowed already by `web`; the same for 1 other address
        udp 53 with 10.0.0.0/16 leads to no rule: the peer is inside
    "#]],
    );
    check(
        &Subject::Group("sg-9".parse().unwrap()),
        &expect!["security group `sg-9` is not listed in eu-west-1: check the id, `aws.region` and the credentials"],
    );
}

#[test]
fn a_rule() {
    check(
        &Subject::Rule("sg-web-1".parse().unwrap()),
        &expect![[r#"
        4 of 5, above the bottom rule `clean-up`: untrust -> trust, any -> 10.0.1.10, 10.0.1.11, application ssl, service application-default: allow
        ours, as we write it
        serves any -> 10.0.1.10  ssl on tcp 443 for sg-web
        serves any -> 10.0.1.11  ssl on tcp 443 for sg-web
    "#]],
    );
    check(
        &Subject::Rule("web".parse().unwrap()),
        &expect![[r#"
        1 of 5, above the bottom rule `clean-up`: untrust -> trust, any -> 10.0.1.0/24, application any, service tcp 80: allow
        not ours: read and honoured, never touched
        allows any -> 10.0.1.10  web-browsing on tcp 80, which sg-web wants
        allows any -> 10.0.1.11  web-browsing on tcp 80, which sg-web wants
    "#]],
    );
    check(
        &Subject::Rule("partner".parse().unwrap()),
        &expect![[r#"
        2 of 5, above the bottom rule `clean-up`: untrust -> trust, any -> any, application any, service tcp 22, only for users: allow
        not ours: read and honoured, never touched
        counts as no certain allow, being narrowed by users
    "#]],
    );
    check(
        &Subject::Rule("no-sql".parse().unwrap()),
        &expect![[r#"
        3 of 5, above the bottom rule `clean-up`: untrust -> trust, any -> any, application any, service tcp 3306: deny
        not ours: read and honoured, never touched
        blocks sg-admin-2 of ours, in whole or in part
    "#]],
    );
    check(
        &Subject::Rule("sg-admin-1".parse().unwrap()),
        &expect![[r#"
        planned: + sg-admin-1  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
          sg-admin wants it; nothing allows 8.8.8.0 -> 10.0.1.10 tcp 22 (ssh); `partner` may, but for users
    "#]],
    );
    check(
        &Subject::Rule("nothing".parse().unwrap()),
        &expect![
            "there is no rule `nothing` on the firewall, and none is planned: names are case-sensitive, and of an interface (`eni-…`) give the instance"
        ],
    );
    check_with(
        |inventory, _| drop(inventory.groups.insert("sg-web".parse().unwrap(), Default::default())),
        &Subject::Rule("sg-web-1".parse().unwrap()),
        &expect![[r#"
            4 of 5, above the bottom rule `clean-up`: untrust -> trust, any -> 10.0.1.10, 10.0.1.11, application ssl, service application-default: allow
            ours, as we write it
            planned: - sg-web-1
              nothing of it is wanted any more
        "#]],
    );
}

#[test]
fn a_packet() {
    check(
        &packet("9.9.9.9 10.0.1.10 tcp/443"),
        &expect![[r#"
        9.9.9.9 -> 10.0.1.10 tcp 443, from untrust to trust: denied by rule `clean-up`
          unless it is allowed by rule `sg-web-1` of ours, depending on the application
            untrust -> trust, any -> 10.0.1.10, 10.0.1.11, application ssl, service application-default: allow
        sg-web wants any -> 10.0.1.10  ssl on tcp 443: our rule sg-web-1 says it
    "#]],
    );
    check(
        &packet("9.9.9.9 10.0.1.10 tcp/443 ssl"),
        &expect![[r#"
        9.9.9.9 -> 10.0.1.10 tcp 443 (ssl), from untrust to trust: allowed by rule `sg-web-1` of ours
        sg-web wants any -> 10.0.1.10  ssl on tcp 443: our rule sg-web-1 says it
    "#]],
    );
    check(
        &packet("8.8.8.8 10.0.1.10 tcp/22"),
        &expect![[r#"
        8.8.8.8 -> 10.0.1.10 tcp 22, from untrust to trust: denied by rule `clean-up`
          unless it is allowed by rule `partner`, depending on users
            untrust -> trust, any -> any, application any, service tcp 22, only for users: allow
        sg-admin wants 8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22: sg-admin-1 is to be added
          sg-admin wants it; nothing allows 8.8.8.0 -> 10.0.1.10 tcp 22 (ssh); `partner` may, but for users
    "#]],
    );
    check(
        &packet("9.9.9.9 10.0.1.10 tcp/81"),
        &expect![[r#"
        9.9.9.9 -> 10.0.1.10 tcp 81, from untrust to trust: denied by rule `clean-up`
        no security group of an exposed interface wants it
    "#]],
    );
    check(
        &packet("10.0.1.10 9.9.9.9 udp/53"),
        &expect![[r#"
        10.0.1.10 -> 9.9.9.9 udp 53, from trust to untrust: no rule matches for certain
        no security group of an exposed interface wants it
    "#]],
    );
}

#[test]
fn what_nat_keeps_from_a_rule_is_said() {
    check_with(
        |_, config| config.destination = RuleDestination::Nat,
        &Subject::Instance("i-2".parse().unwrap()),
        &expect![[r#"
            eni-2 (10.0.1.11) in subnet-pub of vpc-1: exposed
              exposed by IPv4: rtb-1 sends internet-bound traffic to i-fw
              sg-web
                udp 53 with 10.0.0.0/16 leads to no rule: the peer is inside
              any -> 10.0.1.11  web-browsing on tcp 80: no NAT rule of the firewall leads there
              any -> 10.0.1.11  ssl on tcp 443: no NAT rule of the firewall leads there
        "#]],
    );
}

#[test]
fn an_interface_in_doubt_may_be_exposed() {
    let without = |inventory: &mut Inventory, _: &mut Config| {
        inventory.groups.remove(&"sg-admin".parse().unwrap());
    };
    check_with(
        without,
        &Subject::Instance("i-1".parse().unwrap()),
        &expect![[r#"
        eni-1 (10.0.1.10) in subnet-pub of vpc-1: may be exposed
          may be exposed by IPv4: rtb-1 sends internet-bound traffic to i-fw, but sg-admin is not listed
          in doubt, our rules for it stay and none is added
          sg-admin is not listed
          sg-web
            udp 53 with 10.0.0.0/16 leads to no rule: the peer is inside
    "#]],
    );
    check_with(
        without,
        &Subject::Group("sg-web".parse().unwrap()),
        &expect![[r#"
        sg-web is on 2 interfaces, 1 of them exposed
        eni-1 may be exposed: sg-admin is not listed
        wants any -> 10.0.1.11  ssl on tcp 443: our rule sg-web-1 says it
        wants any -> 10.0.1.11  web-browsing on tcp 80: allowed already by `web`
        udp 53 with 10.0.0.0/16 leads to no rule: the peer is inside
    "#]],
    );
    check_with(
        without,
        &packet("9.9.9.9 10.0.1.10 tcp/443 ssl"),
        &expect![[r#"
        9.9.9.9 -> 10.0.1.10 tcp 443 (ssl), from untrust to trust: allowed by rule `sg-web-1` of ours
        eni-1 may be exposed: sg-admin is not listed
    "#]],
    );
}

#[test]
fn what_is_never_opened_by_its_original_port_is_said_of_the_instance_behind() {
    let mut configuration = sample::configuration(RULES);
    let nat = ["a any -> 203.0.113.5 tcp/23 to 10.0.1.10:80", "b any -> 203.0.113.6 tcp/23 to 10.0.1.11:443"];
    configuration.nat = nat.map(sample::nat_rule).to_vec();
    check_on(
        configuration,
        |_, config| {
            config.destination = RuleDestination::Nat;
            config.never_open = ["tcp/23"].iter().map(|entry| entry.parse::<Never>().unwrap()).collect();
        },
        &Subject::Instance("i-2".parse().unwrap()),
        &expect![[r#"
            eni-2 (10.0.1.11) in subnet-pub of vpc-1: exposed
              exposed by IPv4: rtb-1 sends internet-bound traffic to i-fw
              sg-web
                udp 53 with 10.0.0.0/16 leads to no rule: the peer is inside
              any -> 10.0.1.11  web-browsing on tcp 80: no NAT rule of the firewall leads there
              any -> 203.0.113.6  ssl on tcp 23: `never_open` lists it
        "#]],
    );
}

#[test]
fn what_an_earlier_nat_rule_takes_part_of_is_said_of_the_instance_behind() {
    let mut configuration = sample::configuration(RULES);
    let nat = ["a any -> 203.0.113.5 tcp/443 to 10.0.1.99", "b any -> 203.0.113.5 to 10.0.1.11"];
    configuration.nat = nat.map(sample::nat_rule).to_vec();
    check_on(
        configuration,
        |inventory, config| {
            config.destination = RuleDestination::Nat;
            *inventory = sample::inventory("i-1 10.0.1.10 sg-web\n i-2 10.0.1.11 sg-web\n sg-web all 9.9.9.9/32");
        },
        &Subject::Instance("i-2".parse().unwrap()),
        &expect![[r#"
            eni-2 (10.0.1.11) in subnet-pub of vpc-1: exposed
              exposed by IPv4: rtb-1 sends internet-bound traffic to i-fw
              sg-web
              9.9.9.9 -> 203.0.113.5  any: NAT rule `a` takes part of it, and no rule can say the rest
        "#]],
    );
}

#[test]
fn an_original_destination_where_others_may_be_is_said_of_the_instance_behind() {
    let mut configuration = sample::configuration(RULES);
    configuration.nat = vec![sample::nat_rule("a any -> 10.0.0.0/16 tcp/443 to 10.0.1.11")];
    check_on(
        configuration,
        |inventory, config| {
            config.destination = RuleDestination::Nat;
            *inventory = sample::inventory("i-1 10.0.1.10 sg-web\n i-2 10.0.1.11 sg-web\n sg-web tcp/443 9.9.9.9/32");
        },
        &Subject::Instance("i-2".parse().unwrap()),
        &expect![[r#"
            eni-2 (10.0.1.11) in subnet-pub of vpc-1: exposed
              exposed by IPv4: rtb-1 sends internet-bound traffic to i-fw
              sg-web
              9.9.9.9 -> 10.0.0.0/16  ssl on tcp 443: others may be there; name the address that is translated as the original destination of NAT rule `a`
        "#]],
    );
}
