//! Permissions as applications and services, and services as the firewall writes them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    id::AppName,
    inventory::{IcmpTypes, Traffic},
    range::Range,
    service::{Apps, L4, Service},
};

/// How permissions become applications and services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translation {
    /// Whether applications are named where the port tells them.
    pub applications: Applications,
    /// What "all ICMP" and single types of it mean.
    pub icmp: IcmpRule,
    /// The application expected on single ports.
    pub table: BTreeMap<Port, AppName>,
}

/// Whether rules name applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applications {
    /// A permission for a port of the table names the application expected there.
    Identified,
    /// Application `any` with service objects throughout: for firewalls that decrypt, and so see another application.
    Any,
}

/// What ICMP permissions open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpRule {
    /// All ICMP opens `icmp` and `ping`, echo request opens `ping`; other types cannot be expressed and are left out.
    Exact,
    /// Any ICMP permission opens `icmp` and `ping`, as the tool of 2016 did.
    All,
}

/// A single port of TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Port {
    /// Of TCP.
    Tcp(u16),
    /// Of UDP.
    Udp(u16),
}

/// Ports whose application every deployment knows. Names per the vendor's application list; `rdp` is not one, `ms-rdp` is.
const KNOWN: &[(Port, &str)] = &[
    (Port::Tcp(22), "ssh"),
    (Port::Tcp(25), "smtp"),
    (Port::Tcp(53), "dns"),
    (Port::Tcp(80), "web-browsing"),
    (Port::Tcp(110), "pop3"),
    (Port::Tcp(143), "imap"),
    (Port::Tcp(389), "ldap"),
    (Port::Tcp(443), "ssl"),
    (Port::Tcp(636), "ssl"),
    (Port::Tcp(1521), "oracle"),
    (Port::Tcp(3306), "mysql"),
    (Port::Tcp(3389), "ms-rdp"),
    (Port::Udp(53), "dns"),
];

/// Applications whose `application-default` means exactly one port.
pub const STANDARD_PORT: &[(&str, u16)] = &[("ssh", 22), ("ssl", 443), ("mysql", 3306)];

/// Protocols that PAN-OS knows as one application.
const PROTOCOL_APPS: &[(u8, &str)] = &[(47, "gre"), (50, "ipsec-esp"), (51, "ipsec-ah")];

/// IANA's number of ICMP.
const ICMP: u8 = 1;
/// IANA's number of ICMPv6.
const ICMPV6: u8 = 58;
/// The type of an echo request, RFC 792.
const ECHO_REQUEST: u8 = 8;

impl Default for Translation {
    fn default() -> Self {
        let table = KNOWN.iter().map(|(port, name)| (*port, app(name))).collect();
        Self { applications: Applications::Identified, icmp: IcmpRule::Exact, table }
    }
}

/// Why a permission's traffic has no rule that says exactly the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Inexpressible {
    /// A single type or code of ICMP other than echo request.
    IcmpType,
    /// A protocol without an application of its own.
    Protocol(u8),
    /// A protocol that EC2 named in a way we do not know.
    UnknownProtocol(String),
    /// Only port 0, which no rule can hold.
    PortZero,
}

impl fmt::Display for Inexpressible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IcmpType => f.write_str("a single ICMP type other than echo request cannot be written as a rule"),
            Self::Protocol(number) => write!(f, "protocol {number} has no application of its own"),
            Self::UnknownProtocol(text) => write!(f, "protocol `{text}` is unknown"),
            Self::PortZero => f.write_str("port 0 cannot be written in a service"),
        }
    }
}

impl Translation {
    /// The service that lets through exactly this traffic.
    pub fn service(&self, traffic: &Traffic) -> Result<Service, Inexpressible> {
        match traffic {
            Traffic::All => Ok(Service { apps: Apps::Any, l4: L4::Any }),
            Traffic::Tcp(ports) => self.ports(*ports, L4::Tcp, Port::Tcp),
            Traffic::Udp(ports) => self.ports(*ports, L4::Udp, Port::Udp),
            Traffic::Icmp(types) => self.icmp(*types),
            Traffic::Icmpv6(IcmpTypes::All) => Ok(named(&["ipv6-icmp"], ICMPV6)),
            Traffic::Icmpv6(_) if self.icmp == IcmpRule::All => Ok(named(&["ipv6-icmp"], ICMPV6)),
            Traffic::Icmpv6(_) => Err(Inexpressible::IcmpType),
            Traffic::Protocol(ICMP) => self.icmp(IcmpTypes::All),
            Traffic::Protocol(ICMPV6) => Ok(named(&["ipv6-icmp"], ICMPV6)),
            Traffic::Protocol(6) => self.ports(Range::unchecked(0, u16::MAX), L4::Tcp, Port::Tcp),
            Traffic::Protocol(17) => self.ports(Range::unchecked(0, u16::MAX), L4::Udp, Port::Udp),
            Traffic::Protocol(number) => PROTOCOL_APPS
                .iter()
                .find(|(known, _)| known == number)
                .map(|(_, name)| named(&[name], *number))
                .ok_or(Inexpressible::Protocol(*number)),
            Traffic::Unknown(text) => Err(Inexpressible::UnknownProtocol(text.clone())),
        }
    }

    fn ports(
        &self,
        ports: Range<u16>,
        l4: fn(Range<u16>) -> L4,
        port: fn(u16) -> Port,
    ) -> Result<Service, Inexpressible> {
        let ports = Range::new(ports.first().max(1), ports.last()).ok_or(Inexpressible::PortZero)?;
        let known = (self.applications == Applications::Identified && ports.is_single())
            .then(|| self.table.get(&port(ports.first())))
            .flatten();
        Ok(Service { apps: known.map_or(Apps::Any, |name| Apps::Named(BTreeSet::from([name.clone()]))), l4: l4(ports) })
    }

    fn icmp(&self, types: IcmpTypes) -> Result<Service, Inexpressible> {
        match types {
            _ if self.icmp == IcmpRule::All => Ok(named(&["icmp", "ping"], ICMP)),
            IcmpTypes::All => Ok(named(&["icmp", "ping"], ICMP)),
            // Echo requests have no code but 0 (RFC 792), so naming it narrows nothing.
            IcmpTypes::Type(ECHO_REQUEST) | IcmpTypes::TypeAndCode(ECHO_REQUEST, 0) => Ok(named(&["ping"], ICMP)),
            IcmpTypes::Type(_) | IcmpTypes::TypeAndCode(..) => Err(Inexpressible::IcmpType),
        }
    }
}

/// How a rule's service column says a [`Service`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceColumn {
    /// `any`: the applications alone decide.
    Any,
    /// `application-default`: the applications' own ports, where that is exactly the wanted one.
    ApplicationDefault,
    /// A service object with exactly these ports.
    Object(ServicePorts),
}

/// What a service object holds: one protocol, one range of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServicePorts {
    /// Of TCP.
    Tcp(Range<u16>),
    /// Of UDP.
    Udp(Range<u16>),
}

/// `tcp_8443`, `udp_5000-5010`: the name that a service object of ours bears.
impl fmt::Display for ServicePorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(ports) => write!(f, "tcp_{ports}"),
            Self::Udp(ports) => write!(f, "udp_{ports}"),
        }
    }
}

impl Service {
    /// The service column of a rule that lets through exactly this.
    pub fn column(&self) -> ServiceColumn {
        let standard = |port: u16| {
            matches!(&self.apps, Apps::Named(names) if names.len() == 1
                && STANDARD_PORT.iter().any(|(name, own)| *own == port && names.iter().any(|held| held.as_str() == *name)))
        };
        match self.l4 {
            L4::Any => ServiceColumn::Any,
            L4::Ip(_) => ServiceColumn::ApplicationDefault,
            L4::Tcp(ports) if ports.is_single() && standard(ports.first()) => ServiceColumn::ApplicationDefault,
            L4::Tcp(ports) => ServiceColumn::Object(ServicePorts::Tcp(ports)),
            L4::Udp(ports) => ServiceColumn::Object(ServicePorts::Udp(ports)),
        }
    }

    /// The protocol that applications without ports stand for, if all of these stand for the same.
    pub fn protocol_of(apps: &BTreeSet<AppName>) -> Option<u8> {
        let number = |name: &AppName| match name.as_str() {
            "icmp" | "ping" => Some(ICMP),
            "ipv6-icmp" => Some(ICMPV6),
            other => PROTOCOL_APPS.iter().find(|(_, name)| *name == other).map(|(number, _)| *number),
        };
        let mut numbers = apps.iter().map(number);
        let first = numbers.next()??;
        numbers.all(|other| other == Some(first)).then_some(first)
    }
}

fn named(names: &[&str], protocol: u8) -> Service {
    Service { apps: Apps::Named(names.iter().map(|name| app(name)).collect()), l4: L4::Ip(protocol) }
}

fn app(name: &str) -> AppName {
    name.parse().expect("the names of the tables above are printable")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(translation: &Translation, traffic: &Traffic, expected: &str) {
        let said = match translation.service(traffic) {
            Ok(service) => format!("{service}; {:?}", service.column()),
            Err(why) => why.to_string(),
        };
        assert!(said.starts_with(expected), "{traffic:?}: {said}");
    }

    fn tcp(first: u16, last: u16) -> Traffic {
        Traffic::Tcp(Range::new(first, last).unwrap())
    }

    #[test]
    fn known_ports_name_their_application_and_use_its_default_where_that_is_exact() {
        let table = Translation::default();
        check(&table, &tcp(22, 22), "ssh on tcp 22; ApplicationDefault");
        check(&table, &tcp(443, 443), "ssl on tcp 443; ApplicationDefault");
        check(&table, &tcp(636, 636), "ssl on tcp 636; Object(Tcp(");
        check(&table, &tcp(80, 80), "web-browsing on tcp 80; Object(Tcp(");
        check(&table, &Traffic::Udp(Range::single(53)), "dns on udp 53; Object(Udp(");
        check(&table, &tcp(22, 23), "tcp 22-23; Object(Tcp(");
        check(&table, &tcp(0, 65535), "tcp 1-65535; Object(Tcp(");
        check(&table, &tcp(0, 0), "port 0");
        check(&table, &Traffic::All, "any; Any");
    }

    #[test]
    fn nothing_is_widened() {
        let table = Translation::default();
        check(&table, &Traffic::Icmp(IcmpTypes::All), "icmp,ping on protocol 1; ApplicationDefault");
        check(&table, &Traffic::Icmp(IcmpTypes::Type(8)), "ping on protocol 1");
        check(&table, &Traffic::Icmp(IcmpTypes::Type(0)), "a single ICMP type");
        check(&table, &Traffic::Icmpv6(IcmpTypes::Type(128)), "a single ICMP type");
        check(&table, &Traffic::Protocol(47), "gre on protocol 47");
        check(&table, &Traffic::Protocol(132), "protocol 132");
        check(&table, &Traffic::Unknown("x".into()), "protocol `x`");
        let old = Translation { icmp: IcmpRule::All, ..Translation::default() };
        check(&old, &Traffic::Icmp(IcmpTypes::Type(0)), "icmp,ping on protocol 1");
    }

    #[test]
    fn applications_can_be_left_unnamed() {
        let any = Translation { applications: Applications::Any, ..Translation::default() };
        check(&any, &tcp(22, 22), "tcp 22; Object(Tcp(");
    }
}
