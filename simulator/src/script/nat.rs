//! NAT rules, as a set-up has them.

use std::fmt;

use super::{
    rules::{End, RuleState, Service},
    words::{Name, Parsed, Words},
};

/// A NAT rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nat {
    /// Its name.
    pub name: String,
    /// Where packets come from, before translation.
    pub source: End,
    /// Where they go, before translation.
    pub destination: End,
    /// Services: one name, or `any`.
    pub service: Service,
    /// What becomes of a packet.
    pub translation: Translation,
    /// Switched off, or not.
    pub state: RuleState,
}

/// What a NAT rule does to a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Translation {
    /// Nothing; no later rule does either.
    None,
    /// `to 10.0.1.10:8443`: it goes there.
    Destination {
        /// An address or an object.
        address: String,
        /// The port, if that changes.
        port: Option<u16>,
    },
    /// `static 203.0.113.7 bidirectional`: it comes from there.
    Source {
        /// An address or an object.
        address: String,
        /// Whether packets to that address go to the source.
        ways: Ways,
    },
}

/// In which directions a static translation works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say all")]
pub enum Ways {
    One,
    Both,
}

impl Nat {
    /// Reads what follows `nat`.
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let name = words.word("the name of the NAT rule")?;
        let source = End::take(words)?;
        words.expect("->")?;
        let destination = End::take(words)?;
        let service = if words.keyword("service") { one(Service::take(words)?)? } else { Service::Any };
        let translation = Translation::take(words)?;
        let state = if words.keyword("disabled") { RuleState::Disabled } else { RuleState::Enabled };
        Ok(Self { name, source, destination, service, translation, state })
    }
}

/// NAT rules have one service where security rules have a list.
fn one(service: Service) -> Parsed<Service> {
    let fits = match &service {
        Service::Any | Service::Inline(_) => true,
        Service::Named(names) => names.len() == 1,
        Service::ApplicationDefault => false,
    };
    if fits { Ok(service) } else { Err("a NAT rule has one service; name a service group for more".to_owned()) }
}

impl Translation {
    fn take(words: &mut Words) -> Parsed<Self> {
        if words.keyword("to") {
            let text = words.word("an address such as `10.0.1.10` or `10.0.1.10:8443`")?;
            let split = text.rsplit_once(':').and_then(|(address, port)| Some((address, port.parse().ok()?)));
            let (address, port) = split.map_or((text.as_str(), None), |(address, port)| (address, Some(port)));
            return Ok(Self::Destination { address: address.to_owned(), port });
        }
        if words.keyword("static") {
            let address = words.word("an address that packets get as their source")?;
            let ways = if words.keyword("bidirectional") { Ways::Both } else { Ways::One };
            return Ok(Self::Source { address, ways });
        }
        Ok(Self::None)
    }
}

impl fmt::Display for Nat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, source, destination, service, translation, state } = self;
        write!(f, "{} {source} -> {destination}{service}{translation}", Name(name))?;
        f.write_str(if *state == RuleState::Disabled { " disabled" } else { "" })
    }
}

/// Nothing, or with a blank before it.
impl fmt::Display for Translation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Destination { address, port: None } => write!(f, " to {}", Name(address)),
            Self::Destination { address, port: Some(port) } => write!(f, " to {}", Name(&format!("{address}:{port}"))),
            Self::Source { address, ways: Ways::One } => write!(f, " static {}", Name(address)),
            Self::Source { address, ways: Ways::Both } => write!(f, " static {} bidirectional", Name(address)),
        }
    }
}
