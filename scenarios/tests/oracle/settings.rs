//! The settings of a world, read line by line: what they say is JSON, too.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{packets::Way, span::Span};

/// What is set, and what holds otherwise.
pub(crate) struct Chosen {
    lines: BTreeMap<String, Value>,
    pub(crate) owner: String,
    pub(crate) bottom: String,
    pub(crate) untrust: String,
    pub(crate) trust: String,
}

impl Chosen {
    /// Reads `key = value`, one a line.
    pub(crate) fn read(text: &str) -> Self {
        let line = |line: &str| {
            let (key, value) = line.split_once(" = ").expect("a line of settings is `key = value`");
            (key.to_owned(), serde_json::from_str(value).expect("values are written as JSON has them"))
        };
        let lines: BTreeMap<String, Value> = text.lines().filter(|text| !text.trim().is_empty()).map(line).collect();
        let of = |key: &str| lines[key].as_str().expect("names are texts").to_owned();
        let (owner, bottom) = (of("policy.owner"), of("policy.bottom_rule"));
        let (untrust, trust) = (of("policy.untrust_zone"), of("policy.trust_zone"));
        Self { lines, owner, bottom, untrust, trust }
    }

    /// A setting that is one text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.lines.get(key)?.as_str()
    }

    /// A setting that is a list.
    pub(crate) fn list(&self, key: &str) -> Vec<&str> {
        let list = self.lines.get(key).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(crate) fn is(&self, key: &str, value: &str) -> bool {
        self.text(key) == Some(value)
    }

    pub(crate) fn is_true(&self, key: &str) -> bool {
        self.lines.get(key) == Some(&Value::Bool(true))
    }

    /// Which permissions become rules.
    pub(crate) fn ways(&self) -> Vec<Way> {
        match self.list("directions").as_slice() {
            [] => vec![Way::In],
            given => given.iter().map(|way| if *way == "egress" { Way::Out } else { Way::In }).collect(),
        }
    }

    pub(crate) fn internal(&self) -> Vec<Span> {
        self.list("internal_cidrs").into_iter().filter_map(Span::parse).collect()
    }

    /// The zones of packets that go this way.
    pub(crate) fn zones(&self, way: Way) -> (&str, &str) {
        match way {
            Way::In => (&self.untrust, &self.trust),
            Way::Out => (&self.trust, &self.untrust),
        }
    }

    /// The application that is expected on a port, if rules are to name it.
    pub(crate) fn application(&self, protocol: u8, port: u16) -> Option<&str> {
        if self.is("policy.applications", "any") {
            return None;
        }
        let name = if protocol == 6 { "tcp" } else { "udp" };
        match self.text(&format!("services.\"{name}/{port}\"")) {
            Some("any") => None,
            Some(named) => Some(named),
            None => expected(protocol, port),
        }
    }
}

/// The table of the design.
fn expected(protocol: u8, port: u16) -> Option<&'static str> {
    Some(match (protocol, port) {
        (6, 22) => "ssh",
        (6, 25) => "smtp",
        (6 | 17, 53) => "dns",
        (6, 80) => "web-browsing",
        (6, 110) => "pop3",
        (6, 143) => "imap",
        (6, 389) => "ldap",
        (6, 443 | 636) => "ssl",
        (6, 1521) => "oracle",
        (6, 3306) => "mysql",
        (6, 3389) => "ms-rdp",
        _ => return None,
    })
}
