//! Objects by the dice: the same names in several scopes, groups within groups, and names that look like something else.

use drawbridge_simulator::xml::{Children, Element};

use crate::{dice::Dice, draw_rules::list};

/// Addresses and groups of them.
pub(crate) const ADDRESS_NAMES: &[&str] = &[
    "web",
    "partners",
    "10.0.0.4",
    "8.8.8.8",
    "web servers",
    "everybody",
    "circle a",
    "moving",
    "by tag",
    "wild",
    "blocklist",
    "10.0.0.5",
    "hq",
    "DE",
];
/// Services and groups of them.
pub(crate) const SERVICE_NAMES: &[&str] = &[
    "tcp-443",
    "tcp-mixed",
    "udp-some",
    "service-http",
    "service-https",
    "web services",
    "circle s",
    "high-sources",
    "tcp-all",
    "tcp-low",
    "tcp-high",
    "udp-all",
    "tcp_8443",
];
/// Applications, groups of them and filters.
pub(crate) const APP_NAMES: &[&str] = &[
    "ssl",
    "ssh",
    "web-browsing",
    "dns",
    "ping",
    "icmp",
    "ipv6-icmp",
    "gre",
    "mysql",
    "in-house",
    "in-house-odd",
    "web apps",
    "circle p",
    "filter",
    "in-house-ip",
];

const VALUES: &[&str] = &[
    "10.0.0.4",
    "10.0.0.0/28",
    "10.0.0.7/24",
    "8.8.8.0/24",
    "8.8.8.8/32",
    "10.1.0.4",
    "2001:db8:a::/48",
    "2001:db8:f::/64",
    "0.0.0.0/0",
    "203.0.113.7",
];
const RANGES: &[&str] =
    &["10.0.0.4-10.0.0.9", "8.8.8.10-8.8.9.9", "2001:db8:a::1-2001:db8:a::9", "0.0.0.0-255.255.255.255"];

/// Virtual system, shared and pushed, each with its objects. What rules name is in one of the first two at least.
pub(crate) fn scopes(dice: &mut Dice) -> [Element; 3] {
    let mut scopes = [Element::entry("vsys1"), Element::new("shared"), Element::entry("vsys1")];
    for (collection, name, draw) in OBJECTS {
        let places: &[usize] = match dice.below(8) {
            0..3 => &[0],
            3 => &[1],
            4 => &[0, 1],
            5 => &[0, 2],
            6 => &[1, 2],
            _ => &[0, 1, 2],
        };
        for place in places {
            let object = match (*name, place) {
                // Panorama's may be another one than that of ours.
                ("tcp_8443", 2) => ports(name, "tcp", dice.word(&["8443", "443"]), None),
                _ => draw(dice, name),
            };
            put(&mut scopes[*place], collection, object);
        }
    }
    keep_to_itself(&mut scopes[1]);
    scopes
}

/// What is shared knows no virtual systems: its groups name only what is shared as well.
fn keep_to_itself(shared: &mut Element) {
    let names: Vec<String> = shared
        .children
        .iter()
        .flat_map(|collection| &collection.children)
        .filter_map(|entry| entry.attribute("name").map(str::to_owned))
        .collect();
    let everywhere = [
        "10.0.0.8",
        "10.0.0.4",
        "8.8.8.8",
        "10.0.0.0/25",
        "service-http",
        "service-https",
        "ssl",
        "ssh",
        "web-browsing",
    ];
    for (collection, list, instead) in [
        ("address-group", "static", "10.0.0.8"),
        ("service-group", "members", "service-http"),
        ("application-group", "members", "ssl"),
    ] {
        let groups = shared.child_mut(collection).map(|groups| groups.children.as_mut_slice()).unwrap_or_default();
        for members in groups.iter_mut().filter_map(|group| group.child_mut(list)) {
            members
                .children
                .retain(|member| names.contains(&member.text) || everywhere.contains(&member.text.as_str()));
            if members.children.is_empty() {
                members.children.push(Element::text("member", instead));
            }
        }
    }
}

fn put(scope: &mut Element, collection: &str, object: Element) {
    match scope.child_mut(collection) {
        Some(list) => list.children.push(object),
        None => scope.children.push(Element::new(collection).with(object)),
    }
}

type Draw = fn(&mut Dice, &str) -> Element;

/// Collections with the names in them, and how they are drawn.
const OBJECTS: &[(&str, &str, Draw)] = &[
    ("address", "web", address),
    ("address", "partners", address),
    ("address", "10.0.0.4", address),
    ("address-group", "web servers", |dice, name| {
        group(dice, name, "static", &["web", "10.0.0.4", "partners", "everybody", "10.0.0.8"])
    }),
    ("address-group", "everybody", |dice, name| {
        group(dice, name, "static", &["partners", "web servers", "8.8.8.8", "web", "moving", "10.0.0.0/25"])
    }),
    ("address-group", "circle a", |dice, name| group(dice, name, "static", &["circle b", "web", "partners"])),
    ("address-group", "circle b", |dice, name| group(dice, name, "static", &["circle a", "10.0.0.4", "web servers"])),
    ("address-group", "by tag", |_, name| {
        Element::entry(name).with(Element::new("dynamic").with(Element::text("filter", "'web'")))
    }),
    ("address", "moving", |_, name| Element::entry(name).with(Element::text("fqdn", "moving.example"))),
    ("address", "wild", |_, name| Element::entry(name).with(Element::text("ip-wildcard", "10.0.0.4/0.0.248.3"))),
    ("external-list", "blocklist", |_, name| Element::entry(name).with(Element::new("type").with(Element::new("ip")))),
    ("external-list", "10.0.0.5", |_, name| Element::entry(name).with(Element::new("type").with(Element::new("ip")))),
    ("region", "hq", |_, name| Element::entry(name).with(list("address", &["8.8.8.0/24"]))),
    ("address", "hq", address),
    ("address", "DE", address),
    ("service", "tcp-443", |dice, name| ports(name, "tcp", dice.word(&["443", "443,8443", "440-450"]), None)),
    ("service", "tcp-mixed", |dice, name| {
        ports(name, "tcp", dice.word(&["22,80,8000-8005", "8006-8010,1-79", "1-1023"]), None)
    }),
    ("service", "udp-some", |dice, name| ports(name, "udp", dice.word(&["53", "443", "1-65535"]), None)),
    ("service", "high-sources", |_, name| ports(name, "tcp", "443,22", Some("1024-65535"))),
    ("service", "tcp-all", |_, name| ports(name, "tcp", "1-65535", None)),
    ("service", "tcp-low", |_, name| ports(name, "tcp", "1-442,443-8004", None)),
    ("service", "tcp-high", |_, name| ports(name, "tcp", "20000-65535,8005-19999", None)),
    ("service", "udp-all", |_, name| ports(name, "udp", "1-65535", None)),
    ("service", "tcp_8443", |_, name| ports(name, "tcp", "8443", None)),
    ("service-group", "web services", |dice, name| {
        group(dice, name, "members", &["tcp-443", "service-http", "tcp-mixed", "circle s"])
    }),
    ("service-group", "circle s", |dice, name| group(dice, name, "members", &["circle t", "udp-some"])),
    ("service-group", "circle t", |dice, name| group(dice, name, "members", &["circle s", "tcp-443", "service-https"])),
    ("application", "in-house", |dice, name| custom(name, dice.word(&["tcp/8443", "tcp/443,8000-8010", "udp/443"]))),
    ("application", "in-house-odd", |dice, name| custom(name, dice.word(&["tcp/dynamic", "udp/dynamic"]))),
    ("application", "in-house-ip", |_, name| {
        Element::entry(name).with(Element::new("default").with(Element::text("ident-by-ip-protocol", "132")))
    }),
    ("application-group", "web apps", |dice, name| {
        group(dice, name, "members", &["ssl", "web-browsing", "in-house", "circle p"])
    }),
    ("application-group", "circle p", |dice, name| group(dice, name, "members", &["circle q", "ssh"])),
    ("application-group", "circle q", |dice, name| group(dice, name, "members", &["circle p", "ssl", "filter"])),
    ("application-filter", "filter", |_, name| Element::entry(name).with(list("technology", &["client-server"]))),
];

fn address(dice: &mut Dice, name: &str) -> Element {
    let body = match dice.below(8) {
        0..5 => Element::text("ip-netmask", dice.word(VALUES)),
        5 | 6 => Element::text("ip-range", dice.word(RANGES)),
        _ => Element::text("fqdn", "any.example"),
    };
    Element::entry(name).with(body)
}

fn group(dice: &mut Dice, name: &str, members: &str, of: &[&str]) -> Element {
    Element::entry(name).with(list(members, &dice.some(of, 3)))
}

fn ports(name: &str, protocol: &str, ports: &str, sources: Option<&str>) -> Element {
    let own = Element::new(protocol).with(Element::text("port", ports));
    let own = own.with_all(sources.map(|sources| Element::text("source-port", sources)));
    Element::entry(name).with(Element::new("protocol").with(own))
}

fn custom(name: &str, ports: &str) -> Element {
    let default = Element::new("default").with(list("port", &[ports]));
    Element::entry(name).with_all([Element::text("category", "business-systems"), default])
}

/// The configuration without objects that nothing names: a failing world is to be read by a person.
pub(crate) fn pruned(config: &Element) -> Element {
    let mut pruned = config.clone();
    loop {
        let mut named = Vec::new();
        members(&pruned, &mut named);
        let mut kept = pruned.clone();
        prune(&mut kept, &named);
        if kept == pruned {
            return pruned;
        }
        pruned = kept;
    }
}

fn members(element: &Element, found: &mut Vec<String>) {
    if !element.text.is_empty() {
        found.push(element.text.clone());
    }
    element.children.iter().for_each(|child| members(child, found));
}

fn prune(element: &mut Element, named: &[String]) {
    for child in &mut element.children {
        if OBJECTS.iter().any(|(collection, ..)| *collection == child.name) {
            let is_named =
                |entry: &Element| entry.attribute("name").is_some_and(|name| named.iter().any(|held| held == name));
            child.children.retain(is_named);
        } else if !child.name.ends_with("rulebase") {
            prune(child, named);
        }
    }
    let is_empty =
        |child: &Element| child.children.is_empty() && OBJECTS.iter().any(|(collection, ..)| *collection == child.name);
    element.children.retain(|child| !is_empty(child));
}

/// One entry a line.
pub(crate) fn pretty(config: &Element) -> String {
    let mut text = String::new();
    indent(config, 0, &mut text);
    text
}

fn indent(element: &Element, depth: usize, text: &mut String) {
    use std::fmt::Write as _;
    let space = "  ".repeat(depth);
    // Objects and rules are entries; so are the device and its virtual system, which hold everything.
    let holds_all = element.children.iter().any(|child| child.name == "vsys" || child.name.ends_with("rulebase"));
    let is_flat = element.children.iter().all(|child| child.children.is_empty());
    let is_short = is_flat || element.name == "entry" && !holds_all;
    if is_short {
        writeln!(text, "{space}{element}").expect("texts take everything");
        return;
    }
    let bare = Element { children: Children::default(), ..element.clone() }.to_string();
    writeln!(text, "{space}{}>", bare.trim_end_matches("/>")).expect("texts take everything");
    element.children.iter().for_each(|child| indent(child, depth + 1, text));
    writeln!(text, "{space}</{}>", element.name).expect("texts take everything");
}
