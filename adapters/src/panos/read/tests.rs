use std::path::PathBuf;

use drawbridge_core::firewall::{Addresses, Applications, Profiles, Services, Zones};

use proptest::prelude::*;

use super::*;
use crate::panos::xpath::Vsys;

mod elements;
mod unclear;

fn configuration(vsys: &str, rest: &str) -> Configuration {
    exported(
        &format!(
            "<config><devices><entry name='localhost.localdomain'><vsys><entry name='vsys1'>{vsys}</entry></vsys></entry></devices>{rest}</config>"
        ),
        &Vsys::default(),
    )
    .unwrap()
}

/// `allow  from>to  source -> destination  applications  service  | what narrows it`.
fn line(rule: &RuleFacts) -> String {
    let zones = |zones: &Zones| match zones {
        Zones::Any => "any".to_owned(),
        Zones::Named(names) => names.iter().map(ToString::to_string).collect::<Vec<_>>().join("+"),
    };
    let addresses = |addresses: &Addresses| match addresses {
        any if any.is_any() => "any".to_owned(),
        Addresses::Known { set, .. } => set.ranges().iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        Addresses::Unknown => "?".to_owned(),
    };
    let applications = match &rule.applications {
        Applications::Any => "any".to_owned(),
        Applications::Named(names) => names.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        Applications::Unknown => "?".to_owned(),
    };
    let service = match &rule.service {
        Services::Any => "any".to_owned(),
        Services::ApplicationDefault => "default".to_owned(),
        Services::Ports { l4, .. } => l4.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        Services::Unknown => "?".to_owned(),
    };
    let narrowed: Vec<_> = rule.narrowed_by.iter().map(ToString::to_string).collect();
    format!(
        "{:?} {}>{} {} -> {} {applications} {service} | {}",
        rule.action,
        zones(&rule.from),
        zones(&rule.to),
        addresses(&rule.source),
        addresses(&rule.destination),
        narrowed.join(", ")
    )
}

/// Columns of a whole rule; those given replace theirs.
fn rule(columns: &[(&str, &str)]) -> String {
    let mut all: BTreeMap<_, _> = ["from", "to", "source", "destination", "application", "service"]
        .into_iter()
        .map(|column| (column, "<member>any</member>".to_owned()))
        .collect();
    all.insert("action", "allow".to_owned());
    for (name, value) in columns {
        let members = value.split_whitespace().map(|member| format!("<member>{member}</member>"));
        let scalar = value.starts_with('<')
            || matches!(*name, "action" | "rule-type" | "schedule" | "disabled")
            || name.starts_with("negate");
        all.insert(name, if scalar { (*value).to_owned() } else { members.collect() });
    }
    let body: String = all.iter().map(|(name, body)| format!("<{name}>{body}</{name}>")).collect();
    format!("<rulebase><security><rules><entry name='r' uuid='u'>{body}</entry></rules></security></rulebase>")
}

#[track_caller]
fn check(columns: &[(&str, &str)], expected: &str) {
    let objects = "
        <address><entry name='web'><ip-netmask>10.0.0.0/24</ip-netmask></entry>
          <entry name='10.9.9.9'><ip-range>10.0.0.1-10.0.0.2</ip-range></entry>
          <entry name='named'><fqdn>a.example</fqdn></entry><entry name='wild'><ip-wildcard>10.0.0.0/0.0.248.255</ip-wildcard></entry></address>
        <address-group><entry name='all'><static><member>web</member><member>more</member></static></entry>
          <entry name='loop'><static><member>loop</member><member>all</member></static></entry>
          <entry name='some'><static><member>web</member><member>named</member></static></entry>
          <entry name='tagged'><dynamic><filter>'x'</filter></dynamic></entry></address-group>
        <external-list><entry name='10.9.9.7'><type><ip/></type></entry></external-list>
        <service><entry name='tcp-8443'><protocol><tcp><port>8443</port></tcp></protocol></entry>
          <entry name='low'><protocol><udp><port>53</port><source-port>53</source-port></udp></protocol></entry></service>
        <service-group><entry name='both'><members><member>tcp-8443</member><member>service-http</member></members></entry></service-group>
        <application><entry name='own-app'><default><port><member>tcp/7000</member></port></default></entry></application>
        <application-group><entry name='mail'><members><member>smtp</member><member>more-mail</member></members></entry>
          <entry name='mixed'><members><member>ssh</member><member>risky</member></members></entry></application-group>
        <application-filter><entry name='risky'><risk><member>5</member></risk></entry></application-filter>";
    let shared = "<shared>
        <address><entry name='web'><ip-netmask>192.0.2.1</ip-netmask></entry><entry name='more'><ip-netmask>2001:db8::/32</ip-netmask></entry></address>
        <address-group><entry name='outer'><static><member>web</member></static></entry></address-group>
        <application-group><entry name='more-mail'><members><member>imap</member></members></entry></application-group></shared>";
    let read = configuration(&(rule(columns) + objects), shared);
    assert_eq!(read.rules.iter().map(line).collect::<Vec<_>>(), [expected]);
}

#[test]
fn addresses_are_resolved_from_the_inside_out() {
    check(&[], "Allow any>any any -> any any any | ");
    check(&[("source", "web 10.9.9.9 10.9.9.8")], "Allow any>any 10.0.0.0/24,10.9.9.8 -> any any any | ");
    check(&[("source", "all")], "Allow any>any 10.0.0.0/24,2001:db8::/32 -> any any any | ");
    check(&[("source", "loop")], "Allow any>any 10.0.0.0/24,2001:db8::/32 -> any any any | ");
    // A shared group means the shared object, even where the virtual system has one of the same name.
    check(&[("source", "outer")], "Allow any>any 192.0.2.1 -> any any any | ");
    check(&[("destination", "0.0.0.0/0")], "Allow any>any any -> any any any | ");
    check(
        &[("source", "web"), ("negate-source", "yes"), ("destination", "10.0.0.0/8")],
        "Allow any>any ::-9.255.255.255,10.0.1.0-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff -> 10.0.0.0/8 any any | ",
    );
}

#[test]
fn what_the_configuration_cannot_tell_narrows() {
    check(&[("source", "some web")], "Allow any>any ? -> any any any | address `named`");
    check(
        &[("source", "tagged wild US")],
        "Allow any>any ? -> any any any | address `US`, address `tagged`, address `wild`",
    );
    // A list of somebody else's, whatever it is named like.
    check(&[("source", "10.9.9.7")], "Allow any>any ? -> any any any | address `10.9.9.7`");
    check(
        &[("destination", "named"), ("negate-destination", "yes")],
        "Allow any>any any -> ? any any | address `named`",
    );
    check(&[("application", "mixed")], "Allow any>any any -> any ? any | application `risky`");
    check(&[("service", "low")], "Allow any>any any -> any any udp 53 | source ports");
    check(&[("service", "nowhere")], "Allow any>any any -> any any ? | service `nowhere`");
    check(
        &[("source-user", "known-user"), ("category", "games"), ("source-hip", "h"), ("schedule", "night")],
        "Allow any>any any -> any any any | users, URL categories, HIP profiles, schedule `night`",
    );
    check(
        &[("source-user", "any"), ("category", "any"), ("destination-hip", "any"), ("source-imei", "any")],
        "Allow any>any any -> any any any | ",
    );
    check(&[("source-imei", "490154203237518")], "Allow any>any any -> any any any | element `source-imei`");
    check(&[("rule-type", "sideways")], "Allow any>any any -> any any any | element `rule-type`");
    check(&[("source", ""), ("action", "reset-both")], "Deny any>any any -> any any any | element `source`");
}

#[test]
fn services_and_applications_are_resolved() {
    check(&[("service", "both service-https")], "Allow any>any any -> any any tcp 80,tcp 443,tcp 8080,tcp 8443 | ");
    check(
        &[("service", "application-default"), ("application", "mail own-app new-app")],
        "Allow any>any any -> any imap,new-app,own-app,smtp default | ",
    );
    check(&[("from", "untrust"), ("to", "trust dmz")], "Allow untrust>dmz+trust any -> any any any | ");
}

#[test]
fn what_decides_nothing_is_carried_in_one_form_and_dirty_marks_are_no_content() {
    let clean = rule(&[
        ("tag", "aws web"),
        ("profile-setting", "<group><member>strict</member></group>"),
        ("log-setting", "<x/>"),
        ("log-end", "<y/>"),
        ("option", "<disable-server-response-inspection>no</disable-server-response-inspection>"),
    ]);
    let mark = "admin='bob' dirtyId='4' time='2026/01/02 03:04:05'";
    let dirty = clean
        .replace("<log-end>", &format!("<log-end {mark}>"))
        .replace("<member>aws", &format!("\n  <member {mark}>aws"));
    let (clean, mut dirty) = (configuration(&clean, ""), configuration(&dirty, ""));
    assert_eq!(admins(&["bob"]), dirty.rules[0].touched_by);
    dirty.rules[0].touched_by.clear();
    assert_eq!(clean, dirty);
    let rule = &clean.rules[0];
    assert_eq!(
        rule.carried.0,
        "<log-end><y/></log-end><log-setting><x/></log-setting><option><disable-server-response-inspection>no</disable-server-response-inspection></option>"
    );
    assert_eq!(rule.profiles, Profiles::Group("strict".parse().unwrap()));
    assert_eq!(rule.tags.len(), 2);
}

#[test]
fn pushed_rules_stand_around_the_local_ones_and_default_rules_are_always_there() {
    let pushed = |name: &str| format!("<rules><entry name='{name}'><action>deny</action></entry></rules>");
    let read = configuration(
        &(rule(&[])
            + "<rulebase><default-security-rules><rules><entry name='interzone-default'><action>drop</action><log-end>yes</log-end></entry>\
               <entry name='intrazone-default'><action>deny</action></entry></rules></default-security-rules></rulebase>"),
        &format!(
            "<panorama><vsys><entry name='vsys1'><post-rulebase><security>{}</security></post-rulebase><pre-rulebase><security>{}</security></pre-rulebase></entry></vsys></panorama>",
            pushed("after"),
            pushed("before")
        ),
    );
    let names: Vec<_> = read.rules.iter().map(|rule| (rule.name.as_str(), rule.place)).collect();
    assert_eq!(names, [("before", Place::Pre), ("r", Place::Local), ("after", Place::Post)]);
    let defaults = |read: &Configuration| read.default_rules.iter().map(line).collect::<Vec<_>>();
    assert_eq!(defaults(&read), ["Deny any>any any -> any any any | ", "Deny any>any any -> any any any | "]);
    let untouched = configuration("", "");
    assert_eq!(defaults(&untouched), ["Allow any>any any -> any any any | ", "Deny any>any any -> any any any | "]);
    assert_eq!(untouched.default_rules[0].rule_type, RuleType::Intrazone);
}

#[test]
fn objects_are_listed_with_their_tags_and_marks() {
    let read = configuration(
        "<zone><entry name='trust'/><entry name='far too long a name for any security zone'/></zone>
         <tag><entry name='aws' admin='bob'><color>color1</color></entry></tag>
         <service><entry name='tcp_1'><protocol><tcp><port>1</port></tcp></protocol></entry></service>
         <service-group><entry name='grp'><members><member>tcp_1</member></members></entry></service-group>
         <profile-group><entry name='strict'/></profile-group>
         <log-settings><profiles><entry name='siem'/></profiles><syslog><entry name='no'/></syslog></log-settings>
         <application><entry name='own'><default><port><member>tcp/2222</member></port></default></entry><entry name='vague'/></application>",
        "<shared><tag><entry name='aws'/><entry name='other'/></tag><profile-group><entry name='loose'/></profile-group></shared>",
    );
    assert_eq!(read.zones.iter().map(ZoneName::as_str).collect::<Vec<_>>(), ["trust"]);
    let tags: Vec<_> = read.tags.iter().map(|(name, touched)| (name.as_str(), touched.len())).collect();
    assert_eq!(tags, [("aws", 1), ("other", 0)]);
    let services: Vec<_> = read.services.iter().map(|(name, facts)| (name.as_str(), facts.l4.len())).collect();
    assert_eq!(services, [("grp", 0), ("tcp_1", 1)]);
    assert_eq!(read.profile_groups.len(), 2);
    assert_eq!(read.log_settings.iter().map(ProfileName::as_str).collect::<Vec<_>>(), ["siem"]);
    let ports: Vec<_> = read.standard_ports.iter().map(|(name, l4)| (name.as_str(), l4.len())).collect();
    assert_eq!(ports, [("own", 1), ("vague", 0)]);
}

/// A configuration as the vendor publishes it. The folder is no part of the project.
#[test]
fn an_exported_configuration_of_the_vendors_reads() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/panos-configs");
    let folder = std::env::var_os("DRAWBRIDGE_SAMPLES").map_or(beside, |samples| {
        PathBuf::from(samples).parent().map(|parent| parent.join("panos-configs")).unwrap_or_default()
    });
    let Ok(text) = std::fs::read_to_string(folder.join("iron-skillet-10.1-aws-day-one.xml")) else { return };
    let read = exported(&text, &Vsys::default()).unwrap();
    assert_eq!(read.rules, []);
    let actions: Vec<_> = read.default_rules.iter().map(|rule| rule.action).collect();
    assert_eq!(actions, [Action::Allow, Action::Deny]);
    assert_eq!(read.default_rules[0].profiles, Profiles::Group("Inbound".parse().unwrap()));
    assert!(
        read.default_rules.iter().all(|rule| rule.narrowed_by.is_empty() && rule.carried.0.contains("<log-setting>"))
    );
    assert_eq!(read.log_settings.iter().map(ProfileName::as_str).collect::<Vec<_>>(), ["default"]);
    assert!(read.profile_groups.len() > 2 && read.tags.len() > 2);
}

proptest! {
    #[test]
    fn no_configuration_panics(text in "(<(/)?(config|shared|service|tag|rules|rulebase|security|entry name='x'|member|static)/?>|any|x|&amp;){0,40}") {
        let _ = exported(&text, &Vsys::default());
        let _ = exported(&format!("<config><shared>{text}</shared></config>"), &Vsys::default());
    }
}
