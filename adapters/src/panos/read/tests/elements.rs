//! Elements of rules and objects, one by one, as administrators and Panorama write them.

use drawbridge_core::firewall::Status;

use super::*;

/// What a rule with these columns means beside these objects.
#[track_caller]
fn check(objects: &str, columns: &[(&str, &str)], expected: &str) {
    let read = configuration(&(rule(columns) + objects), "");
    assert_eq!(read.rules.iter().map(line).collect::<Vec<_>>(), [expected]);
}

fn objects(table: &str, entries: &[(&str, &str)]) -> String {
    let entries: String = entries.iter().map(|(name, body)| format!("<entry name='{name}'>{body}</entry>")).collect();
    format!("<{table}>{entries}</{table}>")
}

fn group(list: &str, members: &str) -> String {
    let members: String = members.split_whitespace().map(|member| format!("<member>{member}</member>")).collect();
    format!("<{list}>{members}</{list}>")
}

#[test]
fn literals_are_addresses_networks_and_ranges_of_either_family() {
    check(
        "",
        &[("source", "10.0.0.1 10.0.1.0/24 10.0.2.5-10.0.2.9"), ("destination", "2001:db8::1 2001:db8:1::/48")],
        "Allow any>any 10.0.0.1,10.0.1.0/24,10.0.2.5-10.0.2.9 -> 2001:db8::1,2001:db8:1::/48 any any | ",
    );
    check(
        "",
        &[("source", "2001:db8::5-2001:db8::9"), ("destination", "10.0.1.77/24")],
        "Allow any>any 2001:db8::5-2001:db8::9 -> 10.0.1.0/24 any any | ",
    );
    // One address, and no other way to say `any`.
    check("", &[("source", "0.0.0.0")], "Allow any>any 0.0.0.0 -> any any any | ");
    check("", &[("source", "10.0.0.1 any")], "Allow any>any any -> any any any | ");
    for odd in ["10.0.0.9-10.0.0.1", "10.0.0.1-2001:db8::1", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "web.example"] {
        check("", &[("source", odd)], &format!("Allow any>any ? -> any any any | address `{odd}`"));
    }
}

#[test]
fn a_whole_family_is_not_any() {
    let read = configuration(&rule(&[("source", "0.0.0.0/0"), ("destination", "0.0.0.0/0 ::/0")]), "");
    let Addresses::Known { set, .. } = &read.rules[0].source else { panic!("not known") };
    assert!(!read.rules[0].source.is_any() && set.contains("0.0.0.0/0".parse().unwrap()));
    assert!(!set.meets("2001:db8::/32".parse().unwrap()));
    let Addresses::Known { set, .. } = &read.rules[0].destination else { panic!("not known") };
    assert!(set.contains("0.0.0.0/0".parse().unwrap()) && set.contains("2001:db8::/32".parse().unwrap()));
}

#[test]
fn address_objects_are_what_they_hold_and_not_what_they_are_called() {
    let address = objects(
        "address",
        &[
            ("10.0.0.1", "<ip-netmask>192.0.2.9/24</ip-netmask>"),
            ("any-host", "<ip-range>10.0.0.1-10.0.0.9</ip-range><description>d</description>"),
            ("six", "<ip-netmask>2001:db8::1/64</ip-netmask>"),
            ("wild", "<ip-wildcard>10.0.0.0/0.0.255.0</ip-wildcard>"),
            ("odd", "<ip-netmask>10.0.0.1 10.0.0.2</ip-netmask>"),
            ("empty", ""),
        ],
    );
    check(&address, &[("source", "10.0.0.1")], "Allow any>any 192.0.2.0/24 -> any any any | ");
    check(&address, &[("source", "any-host six")], "Allow any>any 10.0.0.1-10.0.0.9,2001:db8::/64 -> any any any | ");
    for name in ["wild", "odd", "empty"] {
        check(&address, &[("source", name)], &format!("Allow any>any ? -> any any any | address `{name}`"));
    }
}

#[test]
fn lists_and_regions_that_look_like_addresses_are_none() {
    let outside =
        objects("external-list", &[("198.51.100.0-24", "<type><ip/></type>"), ("10.1.1.1", "<type><ip/></type>")])
            + &objects("region", &[("10.2.2.2", &group("address", "192.0.2.0/24"))]);
    for name in ["198.51.100.0-24", "10.1.1.1", "10.2.2.2", "DE"] {
        check(&outside, &[("source", name)], &format!("Allow any>any ? -> any any any | address `{name}`"));
        check(
            &outside,
            &[("action", "drop"), ("source", name), ("negate-source", "yes")],
            &format!("Deny any>any ? -> any any any | address `{name}`"),
        );
    }
}

#[test]
fn groups_are_opened_to_any_depth_and_end() {
    let nested: Vec<_> =
        (0..50).map(|n| (format!("g{n}"), group("static", &format!("g{} 10.0.0.{n}", n + 1)))).collect();
    let nested: Vec<_> = nested.iter().map(|(name, body)| (name.as_str(), body.as_str())).collect();
    let last = objects("address", &[("g50", "<ip-netmask>10.0.0.50</ip-netmask>")]);
    check(
        &(objects("address-group", &nested) + &last),
        &[("source", "g0")],
        "Allow any>any 10.0.0.0-10.0.0.50 -> any any any | ",
    );
    let empty = objects(
        "address-group",
        &[("nobody", "<static/>"), ("ring", &group("static", "gnir")), ("gnir", &group("static", "ring"))],
    );
    for name in ["nobody", "ring"] {
        check(&empty, &[("source", name)], &format!("Allow any>any ? -> any any any | address `{name}`"));
        let all_but_nobody = [("source", name), ("negate-source", "yes")];
        check(&empty, &all_but_nobody, &format!("Allow any>any ? -> any any any | address `{name}`"));
    }
}

#[test]
fn all_but_any_is_not_known() {
    check(
        "",
        &[("action", "deny"), ("source", "any"), ("negate-source", "yes")],
        "Deny any>any ? -> any any any | address `any`",
    );
    check("", &[("source", "10.0.0.0/8"), ("negate-source", "no")], "Allow any>any 10.0.0.0/8 -> any any any | ");
}

#[test]
fn services_are_lists_groups_and_predefined_ones() {
    let service = objects(
        "service",
        &[
            ("list", "<protocol><tcp><port>443, 8000-8010 ,22</port></tcp></protocol>"),
            ("both", "<protocol><tcp><port>1</port></tcp><udp><port>1</port></udp></protocol>"),
            ("low", "<protocol><tcp><port>53</port><source-port>1-1023</source-port></tcp></protocol>"),
        ],
    ) + &objects(
        "service-group",
        &[
            ("inner", &group("members", "list service-http")),
            ("outer", &group("members", "inner outer service-https")),
            ("none", "<members/>"),
            ("lower", &group("members", "low inner")),
        ],
    );
    check(&service, &[("service", "list")], "Allow any>any any -> any any tcp 22,tcp 443,tcp 8000-8010 | ");
    let all = "tcp 22,tcp 80,tcp 443,tcp 8000-8010,tcp 8080";
    check(&service, &[("service", "outer")], &format!("Allow any>any any -> any any {all} | "));
    check(
        &service,
        &[("service", "lower")],
        "Allow any>any any -> any any tcp 22,tcp 53,tcp 80,tcp 443,tcp 8000-8010,tcp 8080 | source ports",
    );
    check(&service, &[("service", "list any")], "Allow any>any any -> any any any | ");
    for name in ["both", "none", "tcp-99"] {
        check(&service, &[("service", name)], &format!("Allow any>any any -> any any ? | service `{name}`"));
    }
    check(
        &service,
        &[("service", "application-default list")],
        "Allow any>any any -> any any ? | service `application-default`",
    );
    let own = objects("service", &[("service-http", "<protocol><udp><port>8</port></udp></protocol>")]);
    check(&own, &[("service", "service-http service-https")], "Allow any>any any -> any any tcp 443,udp 8 | ");
}

#[test]
fn applications_are_groups_of_groups_own_ones_and_whatever_has_no_definition() {
    let application = objects(
        "application-group",
        &[
            ("inner", &group("members", "ssh own")),
            ("outer", &group("members", "inner outer ms-office365")),
            ("none", "<members/>"),
            ("vague", &group("members", "ssh risky")),
        ],
    ) + &objects(
        "application",
        &[("own", ""), ("ssl", "<default><port><member>tcp/8443</member></port></default>")],
    ) + &objects("application-filter", &[("risky", "<risk><member>5</member></risk>")]);
    check(&application, &[("application", "outer")], "Allow any>any any -> any ms-office365,own,ssh any | ");
    check(&application, &[("application", "ssh any")], "Allow any>any any -> any any any | ");
    check(&application, &[("application", "none ssh")], "Allow any>any any -> any ? any | application `none`");
    check(&application, &[("application", "vague")], "Allow any>any any -> any ? any | application `risky`");
    let columns = [("application", "ssl own new"), ("service", "application-default")];
    check(&application, &columns, "Allow any>any any -> any new,own,ssl default | ");
    let read = configuration(&(rule(&columns) + &application), "");
    // Nobody may take the ports of a predefined application of that name for those of one's own.
    let ports: Vec<_> = read.standard_ports.iter().map(|(name, l4)| format!("{name} {}", l4.len())).collect();
    assert_eq!(ports, ["own 0", "ssl 1"]);
    assert_eq!(read.standard_ports[&"ssl".parse().unwrap()][0].to_string(), "tcp 8443");
}

#[test]
fn the_innermost_scope_wins_and_shared_groups_know_nothing_of_virtual_systems() {
    let net = |host: &str| format!("<ip-netmask>192.0.2.{host}</ip-netmask>");
    let vsys = objects("address", &[("a", &net("1")), ("b", &net("2"))]);
    let shared = objects("address", &[("a", &net("11")), ("c", &net("13"))])
        + &objects("address-group", &[("g", &group("static", "a b c"))]);
    let pushed = objects("address", &[("a", &net("21")), ("d", &net("24"))]);
    let rule = rule(&[("source", "a"), ("destination", "c d")]) + &vsys;
    let pre = "<pre-rulebase><security><rules><entry name='p'><from><member>any</member></from><to><member>any</member></to>
        <source><member>a</member></source><destination><member>b</member></destination><application><member>any</member></application>
        <service><member>any</member></service><action>allow</action></entry></rules></security></pre-rulebase>";
    let rest =
        format!("<shared>{shared}</shared><panorama><vsys><entry name='vsys1'>{pushed}{pre}</entry></vsys></panorama>");
    let lines: Vec<_> = configuration(&rule, &rest).rules.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            // What Panorama means by it may be what is meant.
            "Allow any>any ? -> 192.0.2.2 any any | address `a`",
            "Allow any>any ? -> 192.0.2.13,192.0.2.24 any any | address `a`",
        ]
    );
    let shared = format!("<shared>{shared}</shared>");
    let read = configuration(&(super::rule(&[("source", "g")]) + &vsys), &shared);
    assert_eq!(line(&read.rules[0]), "Allow any>any ? -> any any any | address `b`");
    let read = configuration(&(super::rule(&[("source", "a")]) + &vsys), &shared);
    assert_eq!(line(&read.rules[0]), "Allow any>any 192.0.2.1 -> any any any | ");
}

#[test]
fn rule_types_and_zones_are_as_written() {
    let without_to =
        rule(&[("from", "trust dmz"), ("rule-type", "intrazone")]).replace("<to><member>any</member></to>", "");
    let read = configuration(&without_to, "");
    assert_eq!(line(&read.rules[0]), "Allow dmz+trust>any any -> any any any | ");
    assert_eq!(read.rules[0].rule_type, RuleType::Intrazone);
    let read = configuration(&rule(&[("from", "trust any"), ("rule-type", "interzone")]), "");
    assert_eq!(
        (line(&read.rules[0]).as_str(), read.rules[0].rule_type),
        ("Allow any>any any -> any any any | ", RuleType::Interzone)
    );
    let without_to = rule(&[("from", "trust")]).replace("<to><member>any</member></to>", "");
    assert_eq!(line(&configuration(&without_to, "").rules[0]), "Allow trust>any any -> any any any | element `to`");
    check(
        "",
        &[("from", "trust far-too-long-a-name-for-any-security-zone")],
        "Allow trust>any any -> any any any | element `from`",
    );
}

#[test]
fn every_action_but_allow_denies_and_disabled_rules_stay_listed() {
    for action in ["deny", "drop", "reset-client", "reset-server", "reset-both", "new-kind-of-reset"] {
        check("", &[("action", action)], "Deny any>any any -> any any any | ");
    }
    check("", &[("action", "allow"), ("icmp-unreachable", "yes")], "Allow any>any any -> any any any | ");
    for (disabled, status) in [("yes", Status::Disabled), ("no", Status::Enabled)] {
        assert_eq!(configuration(&rule(&[("disabled", disabled)]), "").rules[0].status, status);
    }
    let without = rule(&[]).replace("<action>allow</action>", "");
    assert_eq!(line(&configuration(&without, "").rules[0]), "Deny any>any any -> any any any | ");
}

#[test]
fn whoever_or_whatever_a_rule_is_limited_to_narrows() {
    for (column, value, narrowing) in [
        ("source-user", "pre-logon", "users"),
        ("source-user", "unknown", "users"),
        ("category", "adult games", "URL categories"),
        ("source-hip", "no-hip", "HIP profiles"),
        ("destination-hip", "quarantine", "HIP profiles"),
        ("hip-profiles", "laptop", "HIP profiles"),
        ("schedule", "night", "schedule `night`"),
        ("source-imsi", "240080000000001", "element `source-imsi`"),
        ("source-nw-slice", "embb", "element `source-nw-slice`"),
        ("saas-tenant-list", "corp", "element `saas-tenant-list`"),
        ("new-limit", "<inner>x</inner>", "element `new-limit`"),
    ] {
        check("", &[(column, value)], &format!("Allow any>any any -> any any any | {narrowing}"));
    }
    for (column, value) in [
        ("source-user", "any"),
        ("hip-profiles", "any"),
        ("schedule", "<!-- none -->"),
        ("source-nw-slice", "any"),
        ("new-limit", ""),
        ("new-limit", "<!-- nothing -->"),
    ] {
        check("", &[(column, value)], "Allow any>any any -> any any any | ");
    }
    let text = rule(&[]).replace("<action>", "<new-limit>any</new-limit><action>");
    assert_eq!(line(&configuration(&text, "").rules[0]), "Allow any>any any -> any any any | ");
}

#[test]
fn profiles_are_a_group_or_single_ones() {
    let profiles = |setting: &str| configuration(&rule(&[("profile-setting", setting)]), "").rules[0].profiles.clone();
    assert_eq!(profiles("<group><member>strict</member></group>"), Profiles::Group("strict".parse().unwrap()));
    assert_eq!(profiles("<group/>"), Profiles::None);
    assert_eq!(profiles("<profiles><virus><member>default</member></virus></profiles>"), Profiles::Single);
    assert_eq!(profiles("<profiles/>"), Profiles::None);
}

#[test]
fn comments_data_sections_and_attributes_of_panoramas_change_nothing() {
    let plain = rule(&[("source", "10.0.0.1"), ("log-setting", "<a>fwd</a>")]);
    let dressed = plain
        .replace(
            "<member>10.0.0.1</member>",
            "<!-- who --><member loc='dg' src='tpl'><![CDATA[10.0.0.1]]><?pi x?></member>",
        )
        .replace("<a>fwd</a>", "<a ptemplate='t' src='tpl' loc='dg'>fwd<!-- c --></a>")
        .replace("<entry name='r' uuid='u'>", "<entry uuid='u' loc='dg' name='&#114;' src='tpl' ptemplate='t'>\n ");
    assert_ne!(plain, dressed);
    assert_eq!(configuration(&plain, ""), configuration(&dressed, ""));
}

#[test]
fn unknown_tables_and_rulebases_are_skipped() {
    let strange = "<rulebase><pbf><rules><entry name='x'><action>allow</action></entry></rules></pbf>
        <security><audit/><rules><strange/><entry/></rules></security></rulebase><new-table><entry name='y'/></new-table>";
    let read = configuration(&(rule(&[]) + strange), "<mgt-config><users><entry name='z'/></users></mgt-config>");
    assert_eq!(read.rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["r"]);
}

#[test]
fn overridden_default_rules_keep_what_is_not_overridden() {
    let defaults = |rules: &str| format!("<default-security-rules><rules>{rules}</rules></default-security-rules>");
    let own = defaults("<entry name='interzone-default'><log-end>yes</log-end></entry>");
    let pushed = defaults(
        "<entry name='interzone-default'><action>allow</action></entry><entry name='intrazone-default'><action>reset-both</action></entry>",
    );
    let read = configuration(
        &format!("<rulebase>{own}</rulebase>"),
        &format!(
            "<panorama><vsys><entry name='vsys1'><post-rulebase>{pushed}</post-rulebase></entry></vsys></panorama>"
        ),
    );
    let found: Vec<_> =
        read.default_rules.iter().map(|rule| (rule.name.as_str(), rule.rule_type, rule.action)).collect();
    assert_eq!(
        found,
        [
            ("intrazone-default", RuleType::Intrazone, Action::Deny),
            ("interzone-default", RuleType::Interzone, Action::Deny),
        ]
    );
}
