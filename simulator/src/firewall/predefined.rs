//! What every firewall knows before anything is configured: applications and two services.
//!
//! The shape of an application is that of `/config/predefined/application` as Batfish reads it
//! (`batfish/batfish`, `representation/palo_alto/application_definitions`); the ports are those
//! usual for them: a client that knows better must ask.

use std::sync::LazyLock;

use crate::xml::Element;

/// How the device recognises an application before it has seen its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standard {
    /// Ports, in the form `tcp/80,8080`.
    Ports(&'static [&'static str]),
    /// An IP protocol number.
    Protocol(u8),
    /// An ICMP type.
    IcmpType(u8),
}
use Standard::{IcmpType, Ports, Protocol};

/// Predefined applications and their standard ports.
#[rustfmt::skip]
const APPLICATIONS: &[(&str, Standard)] = &[
    ("dns",              Ports(&["tcp/53", "udp/53"])),
    ("ftp",              Ports(&["tcp/21"])),
    ("gre",              Protocol(47)),
    ("icmp",             Protocol(1)),
    ("imap",             Ports(&["tcp/143"])),
    ("ipsec-ah",         Protocol(51)),
    ("ipsec-esp",        Protocol(50)),
    ("ipv6-icmp",        Protocol(58)),
    ("ldap",             Ports(&["tcp/389,3268", "udp/389,3268"])),
    ("ms-rdp",           Ports(&["tcp/3389", "udp/3389"])),
    ("mssql-db",         Ports(&["tcp/1433"])),
    ("mysql",            Ports(&["tcp/3306"])),
    ("ntp",              Ports(&["udp/123"])),
    ("oracle",           Ports(&["tcp/1521"])),
    ("ping",             IcmpType(8)),
    ("pop3",             Ports(&["tcp/110"])),
    ("postgres",         Ports(&["tcp/5432"])),
    ("rtsp",             Ports(&["tcp/554", "udp/554"])),
    ("sip",              Ports(&["tcp/5060", "udp/5060"])),
    ("smtp",             Ports(&["tcp/25,587"])),
    ("snmp",             Ports(&["tcp/161", "udp/161"])),
    ("ssh",              Ports(&["tcp/22"])),
    ("ssl",              Ports(&["tcp/443"])),
    ("syslog",           Ports(&["udp/514"])),
    ("telnet",           Ports(&["tcp/23"])),
    ("traceroute",       Ports(&["udp/33434-33534"])),
    ("unknown-tcp",      Ports(&["tcp/dynamic"])),
    ("unknown-udp",      Ports(&["udp/dynamic"])),
    ("web-browsing",     Ports(&["tcp/80"])),
];

/// Predefined services (`batfish/batfish`, `representation/palo_alto/ServiceBuiltIn.java`).
const SERVICES: &[(&str, &str)] = &[("service-http", "80,8080"), ("service-https", "443")];

/// The tree of which `/config/predefined` is a part.
pub(super) fn tree() -> &'static Element {
    static TREE: LazyLock<Element> = LazyLock::new(|| {
        let applications = APPLICATIONS.iter().map(|(name, standard)| application(name, *standard));
        let services = SERVICES.iter().map(|(name, ports)| service(name, ports));
        Element::new("config").with(
            Element::new("predefined")
                .with(Element::new("application").with_all(applications))
                .with(Element::new("service").with_all(services))
                .with(Element::new("tag")),
        )
    });
    &TREE
}

/// The predefined object of that name, in a collection like `application` or `service`.
pub(super) fn object(collection: &str, name: &str) -> Option<&'static Element> {
    tree().at(&["predefined", collection])?.entry_named(name)
}

/// The names of all predefined applications.
pub(super) fn applications() -> impl Iterator<Item = &'static str> {
    APPLICATIONS.iter().map(|(name, _)| *name)
}

fn application(name: &str, standard: Standard) -> Element {
    let default = match standard {
        Ports(ports) => Element::new("port").with_all(ports.iter().map(|ports| Element::text("member", *ports))),
        Protocol(number) => Element::text("ident-by-ip-protocol", number.to_string()),
        IcmpType(number) => Element::new("ident-by-icmp-type").with(Element::text("type", number.to_string())),
    };
    Element::entry(name).with(Element::new("default").with(default))
}

fn service(name: &str, ports: &str) -> Element {
    let tcp = Element::new("tcp").with(Element::text("port", ports));
    Element::entry(name).with(Element::new("protocol").with(tcp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firewall::xpath::XPath;

    #[test]
    fn clients_read_predefined_objects_by_xpath() {
        let read = |xpath: &str| {
            XPath::parse(xpath).unwrap().select(tree()).iter().map(ToString::to_string).collect::<String>()
        };
        assert_eq!(
            read("/config/predefined/application/entry[@name='ldap']"),
            r#"<entry name="ldap"><default><port><member>tcp/389,3268</member><member>udp/389,3268</member></port></default></entry>"#
        );
        assert!(read("/config/predefined/application/entry[@name='ping']").contains("<type>8</type>"));
        assert!(read("/config/predefined/service/entry").contains("<port>80,8080</port>"));
        assert_eq!(read("/config/predefined/application/entry[@name='rdp']"), "");
    }

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(applications().is_sorted_by(|a, b| a < b));
    }
}
