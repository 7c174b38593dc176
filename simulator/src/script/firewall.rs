//! The `firewall` section: what is configured and committed when the story begins.

use std::{fmt, time::Duration};

use super::{
    nat::Nat,
    rules::{Ports, Rule},
    words::{List, Name, Parsed, Span, Words},
};

/// One line of a `firewall` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirewallLine {
    /// `version 10.2.9`
    Version(String),
    /// `commit takes 3s`
    CommitTakes(Duration),
    /// `zone dmz`, beside `untrust` and `trust`
    Zone(String),
    /// `profile-group strict`
    ProfileGroup(String),
    /// `log-setting fwd`
    LogSetting(String),
    /// `tag x`
    Tag(String),
    /// `admin alice`, beside `drawbridge`
    Admin(String),
    /// `ha passive`: this unit's half of a pair
    Ha(HaState),
    /// `service svc-web tcp/80,8000-8010`
    Service {
        /// Its name.
        name: String,
        /// Its ports.
        ports: Ports,
    },
    /// `service-group web svc-web, svc-alt`
    ServiceGroup {
        /// Its name.
        name: String,
        /// Its members.
        members: Vec<String>,
    },
    /// `address a1 10.0.0.0/24`
    Address {
        /// Its name.
        name: String,
        /// What it stands for.
        value: Address,
    },
    /// `address-group g a1, a2`
    AddressGroup {
        /// Its name.
        name: String,
        /// Its members.
        members: Vec<String>,
    },
    /// `rule "clean up" any -> any deny`
    Rule(Box<Rule>),
    /// `nat "web in" untrust:any -> untrust:203.0.113.7 to 10.0.1.10`
    Nat(Box<Nat>),
    /// `xml "rulebase/security/rules/entry[@name='x']" "<option/>"`: anything else
    Xml(Xml),
}

/// A piece of configuration in the firewall's own form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xml {
    /// Where it is merged in: below the virtual system, or absolute.
    pub xpath: String,
    /// The elements.
    pub fragment: String,
}

/// A unit's part in a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaState {
    /// It carries the traffic.
    Active,
    /// It waits; its configuration must not be written.
    Passive,
    /// Both units are there; the first is active until it fails.
    Pair,
}

/// The value of an address object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `10.0.0.0/24` or `10.0.0.7`
    Netmask(String),
    /// `10.0.0.1-10.0.0.9`
    Range(String),
    /// `fqdn:www.example.com`
    Fqdn(String),
}

impl FirewallLine {
    /// Reads one line.
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let first = words.word("a word such as `rule`")?;
        match first.as_str() {
            "version" => Ok(Self::Version(words.word("a version such as `10.2.9`")?)),
            "commit" => words.expect("takes").and_then(|()| Ok(Self::CommitTakes(words.span()?))),
            "zone" => Ok(Self::Zone(words.word("the name of a zone")?)),
            "profile-group" => Ok(Self::ProfileGroup(words.word("the name of a profile group")?)),
            "log-setting" => Ok(Self::LogSetting(words.word("the name of a log forwarding profile")?)),
            "tag" => Ok(Self::Tag(words.word("the name of a tag")?)),
            "admin" => Ok(Self::Admin(words.word("the name of an administrator")?)),
            "ha" => Ok(Self::Ha(HaState::take(words)?)),
            "service" => Ok(Self::Service { name: words.word("a name")?, ports: Ports::take(words)? }),
            "service-group" => {
                Ok(Self::ServiceGroup { name: words.word("a name")?, members: words.list("the name of a service")? })
            }
            "address" => Ok(Self::Address { name: words.word("a name")?, value: Address::take(words)? }),
            "address-group" => {
                Ok(Self::AddressGroup { name: words.word("a name")?, members: words.list("the name of an address")? })
            }
            "rule" => Ok(Self::Rule(Box::new(Rule::take(words)?))),
            "nat" => Ok(Self::Nat(Box::new(Nat::take(words)?))),
            "xml" => Ok(Self::Xml(Xml::take(words)?)),
            other => Err(format!(
                "`{other}` is nothing a firewall has; known are version, commit, zone, profile-group, log-setting, tag, admin, \
                 ha, service, service-group, address, address-group, rule, nat and xml"
            )),
        }
    }
}

impl Xml {
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        Ok(Self { xpath: words.word("an XPath in quotes")?, fragment: words.word("an XML fragment in quotes")? })
    }
}

impl HaState {
    /// Its name in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::Pair => "pair",
        }
    }

    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        match words.word("`active`, `passive` or `pair`")?.as_str() {
            "active" => Ok(Self::Active),
            "passive" => Ok(Self::Passive),
            "pair" => Ok(Self::Pair),
            other => Err(format!("`{other}` is none of `active`, `passive` and `pair`")),
        }
    }
}

impl Address {
    fn take(words: &mut Words) -> Parsed<Self> {
        let text = words.word("a CIDR, a range `a-b`, or `fqdn:` and a host name")?;
        Ok(match text.strip_prefix("fqdn:") {
            Some(host) => Self::Fqdn(host.to_owned()),
            None if text.contains('-') => Self::Range(text),
            None => Self::Netmask(text),
        })
    }
}

impl fmt::Display for FirewallLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "version {version}"),
            Self::CommitTakes(span) => write!(f, "commit takes {}", Span(*span)),
            Self::Zone(name) => write!(f, "zone {}", Name(name)),
            Self::ProfileGroup(name) => write!(f, "profile-group {}", Name(name)),
            Self::LogSetting(name) => write!(f, "log-setting {}", Name(name)),
            Self::Tag(name) => write!(f, "tag {}", Name(name)),
            Self::Admin(name) => write!(f, "admin {}", Name(name)),
            Self::Ha(state) => write!(f, "ha {}", state.name()),
            Self::Service { name, ports } => write!(f, "service {} {ports}", Name(name)),
            Self::ServiceGroup { name, members } => write!(f, "service-group {} {}", Name(name), List(members)),
            Self::Address { name, value } => write!(f, "address {} {value}", Name(name)),
            Self::AddressGroup { name, members } => write!(f, "address-group {} {}", Name(name), List(members)),
            Self::Rule(rule) => write!(f, "rule {rule}"),
            Self::Nat(rule) => write!(f, "nat {rule}"),
            Self::Xml(xml) => write!(f, "xml {xml}"),
        }
    }
}

impl fmt::Display for Xml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Name(&self.xpath), Name(&self.fragment))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Netmask(text) | Self::Range(text) => f.write_str(text),
            Self::Fqdn(host) => write!(f, "fqdn:{host}"),
        }
    }
}
