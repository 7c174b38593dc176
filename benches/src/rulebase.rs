//! Rulebases that have grown for years: allows and denies, objects and literal addresses, and much that narrows a rule.

use std::fmt::Write;

use quick_xml::{Reader, events::Event};

use crate::address;

/// The rule above which ours stand.
pub const BOTTOM_RULE: &str = "clean-up";

/// Our tag.
pub const OWNER: &str = "drawbridge";

/// The port that the administrators' first rule opens for everybody.
pub const OPEN_PORT: u16 = 80;

/// What the administrators' rules are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Eight kinds by turns, most of which are about single addresses.
    Mixed,
    /// Most say `any` on both sides, and are told apart by port or application alone: hardly one can be set aside early.
    MostlyAny,
}

/// A configuration as a firewall exports it, with this many rules: about 1 KB each, with an address object for every second
/// one and a group of five objects for every tenth. It is written without indentation: blanks would only flatter a reader.
pub fn exported(rules: usize, kind: Kind) -> String {
    let (objects, groups) = (rules.div_ceil(2), rules.div_ceil(10));
    let mut text = String::from(
        "<?xml version=\"1.0\"?><config version=\"11.1.0\" urldb=\"paloaltonetworks\"><devices>\
         <entry name=\"localhost.localdomain\"><vsys><entry name=\"vsys1\">",
    );
    text.push_str("<zone><entry name=\"untrust\"/><entry name=\"trust\"/><entry name=\"dmz\"/></zone>");
    let _ = write!(text, "<tag><entry name=\"{OWNER}\"/><entry name=\"legacy\"/></tag>");
    text.push_str("<address>");
    (0..objects).for_each(|number| write_address(&mut text, number));
    text.push_str("</address><address-group>");
    (0..groups).for_each(|number| write_group(&mut text, number, objects));
    text.push_str("</address-group><service>");
    (0..SERVICES).for_each(|number| write_service(&mut text, number));
    (5000..5004).for_each(|port| {
        let _ = write!(text, "<entry name=\"udp-{port}\"><protocol><udp><port>{port}</port></udp></protocol></entry>");
    });
    text.push_str("</service><rulebase><security><rules>");
    (0..rules).for_each(|number| write_rule(&mut text, number, &rule(number, rules, kind)));
    text.push_str("</rules></security></rulebase></entry></vsys></entry></devices></config>");
    text
}

/// Walks through a document and drops what it finds: no reader can be faster.
///
/// # Errors
/// The text is no XML.
pub fn walk(text: &str) -> Result<usize, quick_xml::Error> {
    let mut reader = Reader::from_str(text);
    let mut events = 0;
    while !matches!(reader.read_event()?, Event::Eof) {
        events += 1;
    }
    Ok(events)
}

const SERVICES: usize = 64;

/// Where the ports of our own services are not.
const FIRST_SERVICE_PORT: usize = 20_000;

fn write_address(text: &mut String, number: usize) {
    let value = match number % 10 {
        9 => format!("<fqdn>host-{number}.example.com</fqdn>"),
        8 => format!("<ip-range>{0}-{0}</ip-range>", address(number)),
        _ => format!("<ip-netmask>{}</ip-netmask>", address(number)),
    };
    let _ = write!(text, "<entry name=\"host-{number}\">{value}<description>made by hand</description></entry>");
}

fn write_group(text: &mut String, number: usize, objects: usize) {
    let members: String =
        (0..5).map(|member| member_of(&format!("host-{}", (number * 5 + member) % objects))).collect();
    let _ = write!(text, "<entry name=\"hosts-{number}\"><static>{members}</static></entry>");
}

fn write_service(text: &mut String, number: usize) {
    let port = FIRST_SERVICE_PORT + number * 10;
    let _ = write!(
        text,
        "<entry name=\"svc-{number}\"><protocol><tcp><port>{port},{}-{}</port></tcp></protocol></entry>",
        port + 2,
        port + 5
    );
}

/// What distinguishes one rule from another.
struct Rule {
    name: String,
    source: String,
    destination: String,
    application: &'static str,
    service: String,
    action: &'static str,
    user: &'static str,
    more: &'static str,
}

/// The first rule opens a port, the last one is the bottom rule.
fn rule(number: usize, rules: usize, kind: Kind) -> Rule {
    let plain = Rule {
        name: format!("rule-{number}"),
        source: "any".to_owned(),
        destination: "any".to_owned(),
        application: "any",
        service: format!("svc-{}", number % SERVICES),
        action: "allow",
        user: "any",
        more: "",
    };
    if number + 1 == rules {
        return Rule { name: BOTTOM_RULE.to_owned(), service: "any".to_owned(), action: "deny", ..plain };
    }
    if number == 0 {
        return Rule { name: "web in".to_owned(), service: "service-http".to_owned(), ..plain };
    }
    match kind {
        Kind::Mixed => mixed(number, rules, plain),
        Kind::MostlyAny => mostly_any(number, plain),
    }
}

/// Rules that stand for any, by turns allowing single ports, applications, one peer, and nothing.
fn mostly_any(number: usize, plain: Rule) -> Rule {
    let (port, partner) = (format!("svc-{}", number % SERVICES), format!("192.0.2.{}", number % 250));
    match number % 8 {
        0 | 1 => Rule { service: port, ..plain },
        2 => Rule { application: "smtp", service: "application-default".to_owned(), ..plain },
        3 => Rule { application: "ssh", service: port, ..plain },
        4 => Rule { service: "any".to_owned(), action: "deny", user: "example\\operators", ..plain },
        // Four of the five ports that groups call for, one at a time.
        5 => Rule { service: format!("udp-{}", 5000 + number / 8 % 4), ..plain },
        6 => Rule { source: partner, service: "any".to_owned(), ..plain },
        _ => Rule { application: "web-browsing", service: "any".to_owned(), ..plain },
    }
}

fn mixed(number: usize, rules: usize, plain: Rule) -> Rule {
    let (objects, groups) = (rules.div_ceil(2), rules.div_ceil(10));
    let (object, group) = (format!("host-{}", number % objects), format!("hosts-{}", number % groups));
    let partner = format!("192.0.2.{}", number % 250);
    match number % 8 {
        0 => Rule { source: partner, destination: object, ..plain },
        1 => Rule { destination: group, application: "smtp", service: "application-default".to_owned(), ..plain },
        2 => Rule { source: format!("{partner}/32"), service: "any".to_owned(), action: "deny", ..plain },
        3 => Rule {
            source: partner,
            destination: address(number % 10_000),
            more: "<negate-source>yes</negate-source>",
            ..plain
        },
        4 => Rule { destination: object, user: "example\\operators", ..plain },
        5 => Rule { destination: group, service: "any".to_owned(), more: "<disabled>yes</disabled>", ..plain },
        6 => Rule { source: partner, destination: group, application: "ssh", service: "any".to_owned(), ..plain },
        _ => Rule { destination: "10.64.0.0-10.64.127.255".to_owned(), service: "any".to_owned(), ..plain },
    }
}

fn write_rule(text: &mut String, number: usize, rule: &Rule) {
    let _ = write!(
        text,
        "<entry name=\"{}\" uuid=\"{number:08x}-0000-4000-8000-{number:012x}\">\
         <to><member>{to}</member></to><from><member>{from}</member></from><source>{}</source><destination>{}</destination>\
         <source-user><member>{}</member></source-user><category><member>any</member></category>\
         <application><member>{}</member></application><service><member>{}</member></service>\
         <source-hip><member>any</member></source-hip><destination-hip><member>any</member></destination-hip>\
         <action>{}</action><rule-type>universal</rule-type>{}\
         <tag><member>legacy</member></tag><description>Requested with change {number} and reviewed since; see the register \
         of exceptions for whom to ask before it is taken away.</description>\
         <log-start>no</log-start><log-end>yes</log-end><log-setting>default</log-setting>\
         <option><disable-server-response-inspection>no</disable-server-response-inspection></option>\
         <profile-setting><group><member>default</member></group></profile-setting></entry>",
        rule.name,
        member_of(&rule.source),
        member_of(&rule.destination),
        rule.user,
        rule.application,
        rule.service,
        rule.action,
        rule.more,
        to = if rule.name == BOTTOM_RULE { "any" } else { "trust" },
        from = if rule.name == BOTTOM_RULE { "any" } else { "untrust" },
    );
}

fn member_of(name: &str) -> String {
    format!("<member>{name}</member>")
}
