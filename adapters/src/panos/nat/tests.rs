use drawbridge_core::firewall::{Addresses, Configuration};
use expect_test::{Expect, expect};

use super::*;
use crate::panos::{read::exported, xpath::Vsys};

const OBJECTS: &str = "
    <address><entry name='web'><ip-netmask>10.0.1.10</ip-netmask></entry>
      <entry name='web-host'><ip-netmask>10.0.1.10/24</ip-netmask></entry>
      <entry name='farm'><ip-range>10.0.1.10-10.0.1.13</ip-range></entry>
      <entry name='public'><ip-netmask>203.0.113.0/30</ip-netmask></entry>
      <entry name='10.0.1.99'><ip-netmask>10.0.1.10/32</ip-netmask></entry>
      <entry name='named'><fqdn>a.example</fqdn></entry><entry name='six'><ip-netmask>2001:db8::1</ip-netmask></entry></address>
    <address-group><entry name='only-web'><static><member>web</member></static></entry>
      <entry name='two'><static><member>web</member><member>farm</member></static></entry>
      <entry name='tagged'><dynamic><filter>'x'</filter></dynamic></entry></address-group>
    <service><entry name='tcp-8443'><protocol><tcp><port>8443</port></tcp></protocol></entry>
      <entry name='low'><protocol><udp><port>53</port><source-port>53</source-port></udp></protocol></entry></service>
    <service-group><entry name='both'><members><member>tcp-8443</member><member>service-https</member></members></entry></service-group>";

fn configuration(vsys: &str, rest: &str) -> Configuration {
    let device = format!("<entry name='localhost.localdomain'><vsys><entry name='vsys1'>{vsys}</entry></vsys></entry>");
    exported(&format!("<config><devices>{device}</devices>{rest}</config>"), &Vsys::default()).unwrap()
}

/// `name  from: source -> destination  service => translation`.
fn line(rule: &NatRule) -> String {
    let from = match &rule.from {
        Zones::Any => "any".to_owned(),
        Zones::Named(names) => names.iter().map(ToString::to_string).collect::<Vec<_>>().join("+"),
    };
    let addresses = |addresses: &Addresses| match addresses {
        any if any.is_any() => "any".to_owned(),
        Addresses::Known { listed, .. } => listed.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        Addresses::Unknown => "?".to_owned(),
    };
    let service = match &rule.service {
        Services::Any => "any".to_owned(),
        Services::ApplicationDefault => "application-default".to_owned(),
        Services::Ports { l4, .. } => l4.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        Services::Unknown => "?".to_owned(),
    };
    let translation = match &rule.translation {
        DestinationTranslation::None => "as it is".to_owned(),
        DestinationTranslation::Static { to, port: None } => to.to_string(),
        DestinationTranslation::Static { to, port: Some(port) } => format!("{to} port {port}"),
        DestinationTranslation::Unknown => "?".to_owned(),
    };
    let (source, destination) = (addresses(&rule.source), addresses(&rule.destination));
    let some = if rule.matches == Matches::Some { "some of " } else { "" };
    format!("{}  {some}{from}: {source} -> {destination}  {service} => {translation}", rule.name)
}

fn entry(name: &str, columns: &str) -> String {
    let is_missing = |column: &&&str| !["<{}>", "<{}/>"].iter().any(|tag| columns.contains(&tag.replace("{}", column)));
    let missing = ["from", "to", "source", "destination"].iter().filter(is_missing);
    let missing: String = missing.map(|column| format!("<{column}><member>any</member></{column}>")).collect();
    format!("<entry name='{name}' uuid='u' loc='vsys1'>{columns}{missing}</entry>")
}

/// What the rules mean that have these columns; a column that is not given is `any`.
#[track_caller]
fn check(columns: &[&str], expected: &Expect) {
    let entries: String = columns.iter().enumerate().map(|(n, columns)| entry(&format!("n{n}"), columns)).collect();
    let rulebase = format!("<rulebase><nat><rules>{entries}</rules></nat></rulebase>");
    let read = configuration(&(rulebase + OBJECTS), "");
    let lines: Vec<_> = read.nat.iter().map(line).collect();
    expected.assert_eq(&(lines.join("\n") + "\n"));
}

fn to(address: &str, port: &str) -> String {
    let port = if port.is_empty() { String::new() } else { format!("<translated-port>{port}</translated-port>") };
    format!(
        "<destination-translation><translated-address>{address}</translated-address>{port}</destination-translation>"
    )
}

fn column(name: &str, members: &str) -> String {
    let members: String = members.split(' ').map(|member| format!("<member>{member}</member>")).collect();
    format!("<{name}>{members}</{name}>")
}

#[track_caller]
fn check_translation(destination: &str, address: &str, port: &str, expected: &str) {
    let columns = column("destination", destination) + &to(address, port);
    let rulebase = format!("<rulebase><nat><rules>{}</rules></nat></rulebase>", entry("n", &columns));
    let read = configuration(&(rulebase + OBJECTS), "");
    let [rule] = read.nat.as_slice() else { panic!("{} rules", read.nat.len()) };
    let line = line(rule);
    assert_eq!(line.split_once(" => ").map(|(_, translation)| translation), Some(expected), "{line}");
}

#[test]
fn all_columns_are_read_and_what_decides_nothing_is_not() {
    let whole = column("from", "untrust dmz")
        + &column("to", "untrust")
        + &column("source", "198.51.100.0/24 web")
        + &column("destination", "203.0.113.7")
        + "<service>both</service><nat-type>ipv4</nat-type><to-interface>ethernet1/1</to-interface><disabled>no</disabled>
           <description>d</description><tag><member>t</member></tag><group-tag>g</group-tag><new-column><member>any</member></new-column>
           <active-active-device-binding>primary</active-active-device-binding><target><negate>no</negate></target>"
        + &to("web", "443");
    check(
        &[&whole, ""],
        &expect![[r#"
            n0  dmz+untrust: 10.0.1.10,198.51.100.0/24 -> 203.0.113.7  tcp 443,tcp 8443 => 10.0.1.10 port 443
            n1  any: any -> any  any => as it is
        "#]],
    );
}

#[test]
fn disabled_rules_and_those_of_ipv6_are_not_listed() {
    check(
        &[
            "<disabled>yes</disabled>",
            "<nat-type>nat64</nat-type>",
            "<nat-type>nptv6</nat-type>",
            "<nat-type>ipv4</nat-type>",
            "<nat-type>nat99</nat-type>",
        ],
        &expect![[r#"
            n3  any: any -> any  any => as it is
            n4  some of any: any -> any  any => as it is
        "#]],
    );
}

#[test]
fn a_destination_becomes_one_address_or_as_many_as_there_were() {
    check_translation("203.0.113.7", "10.0.1.10", "", "10.0.1.10");
    check_translation("203.0.113.7", "10.0.1.10/32", "8443", "10.0.1.10 port 8443");
    check_translation("203.0.113.7", "web", "", "10.0.1.10");
    check_translation("203.0.113.7", "only-web", "", "10.0.1.10");
    check_translation("203.0.113.7 named", "web", "", "10.0.1.10");
    check_translation("any", "web", "22", "10.0.1.10 port 22");
    // An object's name wins over the address that it looks like.
    check_translation("203.0.113.7", "10.0.1.99", "", "10.0.1.10");
    check_translation("public", "farm", "", "10.0.1.10-10.0.1.13");
    check_translation("203.0.113.0/30", "10.0.1.0/30", "80", "10.0.1.0/30 port 80");
    check_translation("203.0.113.0-203.0.113.3", "farm", "", "10.0.1.10-10.0.1.13");
}

#[test]
fn what_a_destination_becomes_is_unknown_unless_certain() {
    // More or fewer addresses than before, or no telling which becomes which.
    check_translation("203.0.113.7", "farm", "", "?");
    check_translation("203.0.113.0/29", "farm", "", "?");
    check_translation("203.0.113.0/31 203.0.113.2/31", "farm", "", "?");
    check_translation("any", "farm", "", "?");
    check_translation("named", "farm", "", "?");
    // A host and its network.
    check_translation("203.0.113.7", "10.0.1.10/24", "", "?");
    check_translation("203.0.113.7", "web-host", "", "?");
    check_translation("203.0.113.0/24", "web-host", "", "?");
    check_translation("203.0.113.1/30", "farm", "", "?");
    for address in ["named", "two", "tagged", "nowhere", "six", "2001:db8::1", "any", ""] {
        check_translation("203.0.113.7", address, "", "?");
    }
    for port in ["0", "65536", "web", "80-81"] {
        check_translation("203.0.113.7", "web", port, "?");
    }
}

#[test]
fn other_translations_of_the_destination_are_unknown() {
    check(
        &[
            "<dynamic-destination-translation><translated-address>web</translated-address><distribution>round-robin</distribution></dynamic-destination-translation>",
            "<destination-translation/>",
            "<destination-translation><translated-port>80</translated-port></destination-translation>",
            "<destination-translation><translated-address>web</translated-address><by-weather>yes</by-weather></destination-translation>",
            "<destination-translation><translated-address>web</translated-address><dns-rewrite><direction>forward</direction></dns-rewrite></destination-translation>",
        ],
        &expect![[r#"
            n0  any: any -> any  any => ?
            n1  any: any -> any  any => ?
            n2  any: any -> any  any => ?
            n3  any: any -> any  any => ?
            n4  any: any -> any  any => 10.0.1.10
        "#]],
    );
}

#[test]
fn columns_that_configuration_cannot_tell_are_unknown() {
    check(
        &[
            &column("source", "web named"),
            &column("destination", "tagged"),
            &column("destination", "US"),
            "<service>low</service>",
            "<service>nowhere</service>",
            "<service>application-default</service>",
            "<service><member>service-http</member></service>",
            "<from/>",
            "<weather>fair</weather>",
            &column("from", "far-too-long-a-name-for-any-security-zone"),
        ],
        &expect![[r#"
            n0  any: ? -> any  any => as it is
            n1  any: any -> ?  any => as it is
            n2  any: any -> ?  any => as it is
            n3  some of any: any -> any  udp 53 => as it is
            n4  some of any: any -> any  ? => as it is
            n5  any: any -> any  application-default => as it is
            n6  any: any -> any  tcp 80,tcp 8080 => as it is
            n7  some of any: any -> any  any => as it is
            n8  some of any: any -> any  any => as it is
            n9  some of any: any -> any  any => as it is
        "#]],
    );
}

fn fixed(address: &str, bidirectional: &str) -> String {
    format!(
        "<source-translation><static-ip><translated-address>{address}</translated-address>\
         <bi-directional>{bidirectional}</bi-directional></static-ip></source-translation>"
    )
}

#[test]
fn sources_that_are_translated_leave_the_destination_as_it_is() {
    check(
        &[
            "<source-translation><dynamic-ip-and-port><interface-address><interface>ethernet1/1</interface></interface-address></dynamic-ip-and-port></source-translation>",
            "<source-translation><dynamic-ip><translated-address><member>public</member></translated-address></dynamic-ip></source-translation>",
            &(column("source", "web") + &fixed("203.0.113.7", "no")),
            &(column("source", "web") + &to("farm", "") + &fixed("203.0.113.7", "no")),
        ],
        &expect![[r#"
            n0  any: any -> any  any => as it is
            n1  any: any -> any  any => as it is
            n2  any: 10.0.1.10 -> any  any => as it is
            n3  any: 10.0.1.10 -> any  any => ?
        "#]],
    );
}

#[test]
fn a_bidirectional_translation_of_sources_is_turned_round() {
    let out = column("from", "trust") + &column("to", "untrust");
    check(
        &[
            &(out.clone() + &column("source", "web") + &fixed("203.0.113.7", "yes")),
            &(out.clone()
                + &column("source", "farm")
                + &column("destination", "198.51.100.0/24")
                + &fixed("public", "yes")),
            &(out.clone() + &column("source", "web") + "<service>tcp-8443</service>" + &fixed("203.0.113.7", "yes")),
        ],
        &expect![[r#"
            n0  trust: 10.0.1.10 -> any  any => as it is
            n0  any: any -> 203.0.113.7  any => 10.0.1.10
            n1  trust: 10.0.1.10-10.0.1.13 -> 198.51.100.0/24  any => as it is
            n1  any: 198.51.100.0/24 -> 203.0.113.0/30  any => 10.0.1.10-10.0.1.13
            n2  trust: 10.0.1.10 -> any  tcp 8443 => as it is
            n2  any: any -> 203.0.113.7  ? => 10.0.1.10
        "#]],
    );
}

#[test]
fn what_is_turned_round_is_unknown_unless_certain() {
    check(
        &[
            &(column("source", "farm") + &fixed("203.0.113.7", "yes")),
            &(column("source", "web") + &fixed("public", "yes")),
            &(column("source", "web-host") + &fixed("203.0.113.0/24", "yes")),
            &(column("source", "web") + &fixed("named", "yes")),
            &(column("source", "web") + &to("web", "") + &fixed("203.0.113.7", "yes")),
            &(column("source", "any") + &fixed("203.0.113.7", "yes")),
            &(column("source", "web") + "<weather>fair</weather>" + &fixed("203.0.113.7", "yes")),
        ],
        &expect![[r#"
            n0  any: 10.0.1.10-10.0.1.13 -> any  any => as it is
            n0  any: any -> 203.0.113.7  any => ?
            n1  any: 10.0.1.10 -> any  any => as it is
            n1  any: any -> 203.0.113.0/30  any => ?
            n2  any: 10.0.1.0/24 -> any  any => as it is
            n2  any: any -> 203.0.113.0/24  any => ?
            n3  any: 10.0.1.10 -> any  any => as it is
            n3  any: any -> ?  any => ?
            n4  any: 10.0.1.10 -> any  any => 10.0.1.10
            n4  any: any -> 203.0.113.7  any => ?
            n5  any: any -> any  any => as it is
            n5  any: any -> 203.0.113.7  any => ?
            n6  some of any: 10.0.1.10 -> any  any => as it is
            n6  some of any: any -> 203.0.113.7  any => 10.0.1.10
        "#]],
    );
}

#[test]
fn pushed_rules_stand_around_the_local_ones_with_objects_of_their_own() {
    let nat = |name: &str, to_object: &str| format!("<nat><rules>{}</rules></nat>", entry(name, &to(to_object, "")));
    let object = |name: &str, address: &str| {
        format!("<address><entry name='{name}'><ip-netmask>{address}</ip-netmask></entry></address>")
    };
    let read = configuration(
        &format!("{}<rulebase>{}</rulebase>", object("srv", "10.0.1.10"), nat("local", "srv")),
        &format!(
            "<shared>{}</shared><panorama><vsys><entry name='vsys1'>{}<post-rulebase>{}</post-rulebase>\
             <pre-rulebase>{}</pre-rulebase></entry></vsys></panorama>",
            object("srv", "10.0.3.10"),
            object("theirs", "10.0.2.10"),
            nat("after", "srv"),
            nat("before", "theirs")
        ),
    );
    let lines: Vec<_> = read.nat.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "before  any: any -> any  any => 10.0.2.10",
            "local  any: any -> any  any => 10.0.1.10",
            "after  any: any -> any  any => 10.0.1.10",
        ]
    );
}

#[test]
fn nobody_knows_where_an_object_leads_that_panorama_means_in_another_way() {
    let object =
        |address: &str| format!("<address><entry name='srv'><ip-netmask>{address}</ip-netmask></entry></address>");
    let rules = format!("<rulebase><nat><rules>{}</rules></nat></rulebase>", entry("local", &to("srv", "")));
    let read = |pushed: &str| {
        let panorama = format!("<panorama><vsys><entry name='vsys1'>{}</entry></vsys></panorama>", object(pushed));
        line(&configuration(&format!("{}{rules}", object("10.0.1.10")), &panorama).nat[0])
    };
    assert_eq!(read("10.0.1.10"), "local  any: any -> any  any => 10.0.1.10");
    assert_eq!(read("10.0.2.10"), "local  any: any -> any  any => ?");
}
