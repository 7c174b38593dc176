//! Security rules, as a set-up has them and as administrators add them.

use std::fmt;

use super::words::{List, Name, Parsed, Words};

/// Ports as a service object has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// TCP or UDP.
    pub protocol: Transport,
    /// Ports and ranges of ports.
    pub ports: Vec<String>,
}

/// A protocol that has ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say all")]
pub enum Transport {
    Tcp,
    Udp,
}

impl Transport {
    /// Its name in the firewall's configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A security rule. Lists that say `any` hold that one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Where packets come from.
    pub source: End,
    /// Where they go.
    pub destination: End,
    /// Applications.
    pub applications: Vec<String>,
    /// Services.
    pub service: Service,
    /// What happens to a packet that matches.
    pub action: Action,
    /// Everything that most rules do without.
    pub extras: Extras,
}

/// Zones and addresses of one side of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Zone names, or `any`.
    pub zones: Vec<String>,
    /// Addresses, objects, or `any`.
    pub addresses: Vec<String>,
}

/// The services of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// Every port.
    Any,
    /// The standard ports of the rule's applications.
    ApplicationDefault,
    /// `tcp/80,81`: a service object of those ports, `svc-tcp-80-81`, is made.
    Inline(Ports),
    /// Objects that exist.
    Named(Vec<String>),
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "PAN-OS's own words")]
pub enum Action {
    Allow,
    Deny,
    Drop,
}

impl Action {
    const ALL: [Self; 3] = [Self::Allow, Self::Deny, Self::Drop];

    /// PAN-OS's name of the action.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Drop => "drop",
        }
    }
}

/// What a rule may have besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Switched off, or not.
    pub state: RuleState,
    /// Tags.
    pub tags: Vec<String>,
    /// The users it is for; everybody when empty.
    pub users: Vec<String>,
    /// The schedule that it follows.
    pub schedule: Option<String>,
    /// The security profile group.
    pub profile: Option<String>,
    /// The log forwarding profile.
    pub log: Option<String>,
    /// The description.
    pub description: Option<String>,
}

/// Whether a rule takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say all")]
pub enum RuleState {
    #[default]
    Enabled,
    Disabled,
}

impl Ports {
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let list = words.list("ports such as `tcp/80,8000-8010`")?;
        Self::read(&list).ok_or_else(|| format!("`{}` are not ports such as `tcp/80,8000-8010`", list.join(",")))
    }

    /// The first word holds the protocol too.
    fn read(list: &[String]) -> Option<Self> {
        let (protocol, first) = list.first()?.split_once('/')?;
        let protocol = match protocol {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => return None,
        };
        let ports = std::iter::once(first).chain(list[1..].iter().map(String::as_str)).map(str::to_owned).collect();
        Some(Self { protocol, ports })
    }
}

impl Rule {
    /// Reads what follows `rule`.
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let name = words.word("the name of the rule")?;
        let source = End::take(words)?;
        words.expect("->")?;
        let destination = End::take(words)?;
        let applications = if words.keyword("app") { words.list("an application")? } else { vec!["any".to_owned()] };
        let service = if words.keyword("service") { Service::take(words)? } else { Service::Any };
        let action = Action::take(words)?;
        Ok(Self { name, source, destination, applications, service, action, extras: Extras::take(words)? })
    }
}

impl End {
    /// `any`, `10.0.0.0/8,servers`, `untrust:any` or `untrust,dmz:10.0.0.0/8`.
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let mut list = words.list("zones and addresses such as `untrust:any`")?;
        let colon = |word: &String| if word.parse::<ipnet::Ipv6Net>().is_ok() { None } else { word.find(':') };
        let Some((at, colon)) = list.iter().enumerate().find_map(|(at, word)| Some((at, colon(word)?))) else {
            return Ok(Self { zones: vec!["any".to_owned()], addresses: list });
        };
        let mut addresses = list.split_off(at);
        let zone = addresses[0][..colon].to_owned();
        addresses[0].drain(..=colon);
        list.push(zone);
        if list.iter().chain(&addresses).any(String::is_empty) {
            return Err("an empty name beside `:`; write zones, a colon, and addresses, as in `untrust:any`".to_owned());
        }
        Ok(Self { zones: list, addresses })
    }
}

impl Service {
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let list = words.list("a service")?;
        Ok(match list.as_slice() {
            [any] if any == "any" => Self::Any,
            [default] if default == "application-default" => Self::ApplicationDefault,
            _ => Ports::read(&list).map_or(Self::Named(list), Self::Inline),
        })
    }
}

impl Action {
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let name = words.word("`allow`, `deny` or `drop`")?;
        Self::ALL.into_iter().find(|action| action.name() == name).ok_or_else(|| {
            format!(
                "`{name}` is no action: after zones and addresses, `app …` and `service …` comes allow, deny or drop"
            )
        })
    }
}

impl Extras {
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let mut extras = Self::default();
        loop {
            if words.keyword("disabled") {
                extras.state = RuleState::Disabled;
            } else if words.keyword("tag") {
                extras.tags = words.list("a tag")?;
            } else if words.keyword("user") {
                extras.users = words.list("a user")?;
            } else if words.keyword("schedule") {
                extras.schedule = Some(words.word("a schedule")?);
            } else if words.keyword("profile") {
                extras.profile = Some(words.word("a profile group")?);
            } else if words.keyword("log") {
                extras.log = Some(words.word("a log forwarding profile")?);
            } else if words.keyword("description") {
                extras.description = Some(words.word("a description in quotes")?);
            } else {
                return Ok(extras);
            }
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.protocol.name(), self.ports.join(","))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> {}", Name(&self.name), self.source, self.destination)?;
        if self.applications != ["any"] {
            write!(f, " app {}", List(&self.applications))?;
        }
        write!(f, "{} {}{}", self.service, self.action.name(), self.extras)
    }
}

/// Nothing for `any`; all else with a blank before it.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => Ok(()),
            Self::ApplicationDefault => f.write_str(" service application-default"),
            Self::Inline(ports) => write!(f, " service {ports}"),
            Self::Named(names) => write!(f, " service {}", List(names)),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.zones != ["any"] {
            write!(f, "{}:", List(&self.zones))?;
        }
        List(&self.addresses).fmt(f)
    }
}

impl fmt::Display for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.state == RuleState::Disabled {
            f.write_str(" disabled")?;
        }
        for (keyword, names) in [("tag", &self.tags), ("user", &self.users)] {
            if !names.is_empty() {
                write!(f, " {keyword} {}", List(names))?;
            }
        }
        let single = [("schedule", &self.schedule), ("profile", &self.profile), ("log", &self.log)];
        for (keyword, name) in single.into_iter().chain([("description", &self.description)]) {
            if let Some(name) = name {
                write!(f, " {keyword} {}", Name(name))?;
            }
        }
        Ok(())
    }
}
