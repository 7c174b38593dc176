//! EC2's way to write protocols, ports and ICMP types.

use drawbridge_core::{
    inventory::{IcmpTypes, Traffic},
    range::Range,
};

use super::described::IpPermission;

/// What a permission lets through. EC2 writes `-1` for everything, names for four protocols and numbers for the others; for
/// ICMP the two ports are type and code, `-1` meaning every (EC2 API reference, `IpPermission`).
pub(super) fn traffic(permission: &IpPermission) -> Traffic {
    let protocol = permission.ip_protocol.as_deref().unwrap_or("none").to_ascii_lowercase();
    let (from, to) = (permission.from_port, permission.to_port);
    let known = match protocol.as_str() {
        "-1" | "all" => Some(Traffic::All),
        "tcp" | "6" => ports(from, to).map(Traffic::Tcp),
        "udp" | "17" => ports(from, to).map(Traffic::Udp),
        "icmp" | "1" => icmp_types(from, to).map(Traffic::Icmp),
        "icmpv6" | "58" => icmp_types(from, to).map(Traffic::Icmpv6),
        other => other.parse().ok().map(Traffic::Protocol),
    };
    known.unwrap_or_else(|| {
        let number = |edge: Option<i32>| edge.map_or("?".to_owned(), |edge| edge.to_string());
        Traffic::Unknown(match (from, to) {
            (None, None) => protocol,
            (from, to) => format!("{protocol} {}-{}", number(from), number(to)),
        })
    })
}

/// No ports mean all of them, in each of the ways EC2 writes that.
fn ports(from: Option<i32>, to: Option<i32>) -> Option<Range<u16>> {
    match (from, to) {
        (None | Some(-1), None | Some(-1)) => Range::new(0, u16::MAX),
        (from, to) => Range::new(from?.try_into().ok()?, to?.try_into().ok()?),
    }
}

fn icmp_types(kind: Option<i32>, code: Option<i32>) -> Option<IcmpTypes> {
    match (kind, code) {
        (None | Some(-1), _) => Some(IcmpTypes::All),
        (Some(kind), None | Some(-1)) => kind.try_into().ok().map(IcmpTypes::Type),
        (Some(kind), Some(code)) => Some(IcmpTypes::TypeAndCode(kind.try_into().ok()?, code.try_into().ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(protocol: &str, from: Option<i32>, to: Option<i32>, expected: &Traffic) {
        let permission = IpPermission {
            ip_protocol: Some(protocol.into()),
            from_port: from,
            to_port: to,
            ..IpPermission::default()
        };
        assert_eq!(traffic(&permission), *expected, "{protocol} {from:?} {to:?}");
    }

    fn range(first: u16, last: u16) -> Range<u16> {
        Range::new(first, last).unwrap()
    }

    #[test]
    fn ports() {
        check("tcp", Some(443), Some(443), &Traffic::Tcp(range(443, 443)));
        check("6", Some(0), Some(65535), &Traffic::Tcp(range(0, 65535)));
        check("UDP", Some(-1), Some(-1), &Traffic::Udp(range(0, 65535)));
        check("17", None, None, &Traffic::Udp(range(0, 65535)));
        check("tcp", Some(9), Some(3), &Traffic::Unknown("tcp 9-3".into()));
        check("tcp", Some(9), None, &Traffic::Unknown("tcp 9-?".into()));
        check("tcp", Some(1), Some(70000), &Traffic::Unknown("tcp 1-70000".into()));
    }

    #[test]
    fn everything_and_other_protocols() {
        check("-1", None, None, &Traffic::All);
        check("-1", Some(0), Some(0), &Traffic::All);
        check("50", None, None, &Traffic::Protocol(50));
        check("0", Some(0), Some(0), &Traffic::Protocol(0));
        check("256", None, None, &Traffic::Unknown("256".into()));
        check("gre", None, None, &Traffic::Unknown("gre".into()));
    }

    #[test]
    fn types_of_icmp() {
        check("icmp", Some(-1), Some(-1), &Traffic::Icmp(IcmpTypes::All));
        check("1", None, None, &Traffic::Icmp(IcmpTypes::All));
        check("icmp", Some(0), Some(-1), &Traffic::Icmp(IcmpTypes::Type(0)));
        check("icmp", Some(8), Some(0), &Traffic::Icmp(IcmpTypes::TypeAndCode(8, 0)));
        check("icmpv6", Some(128), Some(-1), &Traffic::Icmpv6(IcmpTypes::Type(128)));
        check("58", Some(-1), Some(-1), &Traffic::Icmpv6(IcmpTypes::All));
        check("icmp", Some(300), Some(0), &Traffic::Unknown("icmp 300-0".into()));
    }
}
