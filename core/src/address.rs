//! Addresses of both families in one integer space.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::IpNet;

use crate::range::{Countable, Range, Set};

/// An address. IPv4 lives at `::ffff:0:0/96`, so one type holds both families and they can never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(u128);

/// Addresses from the first to the last, in one family.
pub type AddressRange = Range<Address>;

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Version 4.
    Ipv4,
    /// Version 6.
    Ipv6,
}

const V4_FIRST: u128 = 0xffff_0000_0000;
const V4_LAST: u128 = 0xffff_ffff_ffff;

impl Countable for Address {
    fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }

    fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

impl Address {
    /// The family of this address.
    pub const fn family(self) -> Family {
        if self.0 >= V4_FIRST && self.0 <= V4_LAST { Family::Ipv4 } else { Family::Ipv6 }
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self(u128::from(v4.to_ipv6_mapped())),
            IpAddr::V6(v6) => Self(u128::from(v6)),
        }
    }
}

impl From<Address> for IpAddr {
    fn from(address: Address) -> Self {
        let v6 = Ipv6Addr::from(address.0);
        v6.to_ipv4_mapped().map_or(Self::V6(v6), Self::V4)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        IpAddr::from(*self).fmt(f)
    }
}

impl Family {
    /// Every address of the family, as a permission means it that says `0.0.0.0/0` or `::/0`.
    ///
    /// IPv6 begins above the IPv4 block: what lies below it (`::/80`) is reserved and routed nowhere (RFC 4291).
    pub const fn whole(self) -> AddressRange {
        let (first, last) = match self {
            Self::Ipv4 => (V4_FIRST, V4_LAST),
            Self::Ipv6 => (V4_LAST + 1, u128::MAX),
        };
        Range::unchecked(Address(first), Address(last))
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

impl AddressRange {
    /// The family of the addresses.
    pub fn family(self) -> Family {
        self.first().family()
    }

    /// How many bits it takes to count the addresses: a measure of width.
    pub fn bits(self) -> u32 {
        128 - (self.last().0 - self.first().0).leading_zeros()
    }

    /// The addresses of a network, host bits ignored as EC2 ignores them. Networks of IPv6 that would hold the IPv4 block
    /// (`::/0`, `::/1` ...) begin above it, as [`Family::whole`] does.
    ///
    /// Nothing for networks of IPv6 within the mapped block (`::ffff:0:0/96`) or ending with it: no such packet is on any
    /// wire, and taken for IPv4 they would mean something else.
    pub fn from_net(net: IpNet) -> Option<Self> {
        let (first, last) = (Address::from(net.network()), Address::from(net.broadcast()));
        let first = match net {
            IpNet::V6(_) if first.0 <= V4_LAST && last.0 >= V4_FIRST => Address(V4_LAST + 1),
            IpNet::V4(_) | IpNet::V6(_) => first,
        };
        Self::new(first, last)
    }

    /// The addresses from `first` to `last`, if they are of one family and in order.
    pub fn from_edges(first: IpAddr, last: IpAddr) -> Option<Self> {
        let range = (first.is_ipv4() == last.is_ipv4()).then(|| Self::new(first.into(), last.into())).flatten()?;
        (first.is_ipv4() || !range.meets(Family::Ipv4.whole())).then_some(range)
    }

    /// The range as a network, if it is one.
    fn as_net(self) -> Option<IpNet> {
        let first = if self.first().0 == V4_LAST + 1 { 0 } else { self.first().0 };
        let span = self.last().0 - first;
        if span & span.wrapping_add(1) != 0 || first & span != 0 {
            return None;
        }
        let host_bits = u8::try_from(span.count_ones()).ok()?;
        let width = match self.family() {
            Family::Ipv4 => 32,
            Family::Ipv6 => 128,
        };
        IpNet::new(Address(first).into(), width - host_bits).ok()
    }
}

/// As PAN-OS takes it: an address, a network, `first-last`, and `any` for a whole family.
impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == self.family().whole() {
            f.write_str("any")
        } else if self.is_single() {
            self.first().fmt(f)
        } else if let Some(net) = self.as_net() {
            net.fmt(f)
        } else {
            write!(f, "{}-{}", self.first(), self.last())
        }
    }
}

/// A text that names no addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address, a network (`10.0.0.0/8`) or a range (`10.0.0.1-10.0.0.9`)")]
pub struct NotAddresses(String);

/// An address, a network or a range; `any` is no range, because it means both families.
impl FromStr for AddressRange {
    type Err = NotAddresses;

    fn from_str(text: &str) -> Result<Self, NotAddresses> {
        let parsed = if let Ok(address) = text.parse::<IpAddr>() {
            Self::from_edges(address, address)
        } else if let Ok(net) = text.parse::<IpNet>() {
            Self::from_net(net)
        } else {
            text.split_once('-').and_then(|(first, last)| Self::from_edges(first.parse().ok()?, last.parse().ok()?))
        };
        parsed.ok_or_else(|| NotAddresses(text.to_owned()))
    }
}

impl Set<Address> {
    /// Every address of both families: what `any` means in a rule.
    pub fn everything() -> Self {
        Self::from_iter([Range::unchecked(Address(0), Address(u128::MAX))])
    }
}

impl From<Ipv4Addr> for Address {
    fn from(address: Ipv4Addr) -> Self {
        IpAddr::V4(address).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_print_as_the_firewall_takes_them() {
        for (text, printed) in [
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.1/32", "10.0.0.1"),
            ("10.0.0.5/8", "10.0.0.0/8"),
            ("10.0.0.0-10.255.255.255", "10.0.0.0/8"),
            ("10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9"),
            ("0.0.0.0/0", "any"),
            ("::/0", "any"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("2001:db8::1", "2001:db8::1"),
            ("0.0.0.0/1", "0.0.0.0/1"),
            ("::/1", "::/1"),
            ("8000::/1", "8000::/1"),
        ] {
            assert_eq!(text.parse::<AddressRange>().unwrap().to_string(), printed);
        }
        for text in
            ["::ffff:0:0/96", "::ffff:10.0.0.1", "::fffe:0:0/95", "::ffff:a00:0-::ffff:aff:1", "::1-::ffff:ffff"]
        {
            // `::1-::ffff:ffff` lies below the mapped block.
            assert_eq!(text.parse::<AddressRange>().is_ok(), text.starts_with("::1-"), "{text}");
        }
        for text in ["any", "10.0.0.9-10.0.0.1", "10.0.0.1-::1", "10.0.0.0/33", "host", ""] {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn families_never_meet() {
        assert!(!Family::Ipv4.whole().meets(Family::Ipv6.whole()));
        assert!(Set::everything().contains(Family::Ipv4.whole()) && Set::everything().contains(Family::Ipv6.whole()));
        assert_eq!("::/0".parse::<AddressRange>().unwrap().family(), Family::Ipv6);
    }
}
