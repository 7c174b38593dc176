//! The `firewall` section: what is configured and committed when the story begins; and rules, as administrators add them.

use std::{fmt, time::Duration};

use super::words::{List, Name, Parsed, Span, Words};

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
            "xml" => Ok(Self::Xml(Xml::take(words)?)),
            other => Err(format!(
                "`{other}` is nothing a firewall has; known are version, commit, zone, profile-group, log-setting, tag, admin, \
                 ha, service, service-group, address, address-group, rule and xml"
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
    fn take(words: &mut Words) -> Parsed<Self> {
        match words.word("`active` or `passive`")?.as_str() {
            "active" => Ok(Self::Active),
            "passive" => Ok(Self::Passive),
            other => Err(format!("`{other}` is neither `active` nor `passive`")),
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

impl Ports {
    fn take(words: &mut Words) -> Parsed<Self> {
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
    fn take(words: &mut Words) -> Parsed<Self> {
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
    fn take(words: &mut Words) -> Parsed<Self> {
        let list = words.list("a service")?;
        Ok(match list.as_slice() {
            [any] if any == "any" => Self::Any,
            [default] if default == "application-default" => Self::ApplicationDefault,
            _ => Ports::read(&list).map_or(Self::Named(list), Self::Inline),
        })
    }
}

impl Action {
    fn take(words: &mut Words) -> Parsed<Self> {
        let name = words.word("`allow`, `deny` or `drop`")?;
        Self::ALL.into_iter().find(|action| action.name() == name).ok_or_else(|| {
            format!(
                "`{name}` is no action: after zones and addresses, `app …` and `service …` comes allow, deny or drop"
            )
        })
    }
}

impl Extras {
    fn take(words: &mut Words) -> Parsed<Self> {
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
            Self::Ha(HaState::Active) => f.write_str("ha active"),
            Self::Ha(HaState::Passive) => f.write_str("ha passive"),
            Self::Service { name, ports } => write!(f, "service {} {ports}", Name(name)),
            Self::ServiceGroup { name, members } => write!(f, "service-group {} {}", Name(name), List(members)),
            Self::Address { name, value } => write!(f, "address {} {value}", Name(name)),
            Self::AddressGroup { name, members } => write!(f, "address-group {} {}", Name(name), List(members)),
            Self::Rule(rule) => write!(f, "rule {rule}"),
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
        match &self.service {
            Service::Any => Ok(()),
            Service::ApplicationDefault => f.write_str(" service application-default"),
            Service::Inline(ports) => write!(f, " service {ports}"),
            Service::Named(names) => write!(f, " service {}", List(names)),
        }?;
        write!(f, " {}{}", self.action.name(), self.extras)
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
