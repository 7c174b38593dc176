//! Addresses of both families in one integer space.

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};

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
    /// How a column of a rule says these addresses where some names are taken by objects. PAN-OS looks for an object first,
    /// and objects are often named like addresses.
    pub(crate) fn written_beside(self, taken: &BTreeSet<String>) -> Vec<String> {
        let in_networks = || self.networks().iter().map(ToString::to_string).collect();
        let ends = || format!("{}-{}", self.first(), self.last());
        let ways: [&dyn Fn() -> Vec<String>; 3] = [&|| vec![self.to_string()], &in_networks, &|| vec![ends()]];
        let mut free = ways.iter().map(|way| way()).filter(|way| way.iter().all(|member| !taken.contains(member)));
        free.next().unwrap_or_else(in_networks)
    }

    /// The fewest networks that hold exactly these addresses.
    fn networks(self) -> Vec<IpNet> {
        match (self.first().into(), self.last().into()) {
            (IpAddr::V4(first), IpAddr::V4(last)) => Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect(),
            (IpAddr::V6(first), IpAddr::V6(last)) => Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect(),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Vec::new(),
        }
    }

    /// The family of the addresses.
    pub fn family(self) -> Family {
        self.first().family()
    }

    /// How many bits it takes to count the addresses: a measure of width.
    pub fn bits(self) -> u32 {
        128 - (self.last().0 - self.first().0).leading_zeros()
    }

    /// How many addresses there are, less one: a whole family of IPv6 cannot be counted in as many bits.
    pub fn span(self) -> u128 {
        self.last().0 - self.first().0
    }

    /// The part of this range that lies at the same places as `part` does in `of`, as addresses are translated one by one.
    /// Nothing, unless both ranges have as many addresses and `part` is one of `of`.
    pub fn at_the_places_of(self, part: Self, of: Self) -> Option<Self> {
        if self.span() != of.span() || !of.contains(part) {
            return None;
        }
        let place = |address: Address| Address(self.first().0 + (address.0 - of.first().0));
        Self::new(place(part.first()), place(part.last()))
    }

    /// The addresses of a network, host bits ignored as EC2 ignores them. Networks of IPv6 that would hold the IPv4 block
    /// (`::/0`, `::/1` ...) begin above it, as [`Family::whole`] does. A network of IPv6 inside that block is no IPv4:
    /// no packet on the wire has such an address (RFC 4291, 2.5.5.2), so it is as good as the unspecified one.
    pub fn from_net(net: IpNet) -> Self {
        let (first, last) = (Address::from(net.network()), Address::from(net.broadcast()));
        match net {
            IpNet::V6(_) if first.0 < V4_FIRST && last.0 > V4_LAST => Self::unchecked(Address(V4_LAST + 1), last),
            IpNet::V6(_) if first.family() == Family::Ipv4 => Self::single(Address(0)),
            IpNet::V4(_) | IpNet::V6(_) => Self::unchecked(first, last),
        }
    }

    /// The addresses from `first` to `last`, if they are of one family and in order. A range of IPv6 cannot begin or end
    /// inside the IPv4 block; one that holds it begins above it.
    pub fn from_edges(first: IpAddr, last: IpAddr) -> Option<Self> {
        let (from, to) = (Address::from(first), Address::from(last));
        match (first, last) {
            (IpAddr::V4(_), IpAddr::V4(_)) => Self::new(from, to),
            (IpAddr::V6(_), IpAddr::V6(_)) if [from, to].iter().any(|edge| edge.family() == Family::Ipv4) => None,
            (IpAddr::V6(_), IpAddr::V6(_)) if from.0 < V4_FIRST && to.0 > V4_LAST => {
                Self::new(Address(V4_LAST + 1), to)
            }
            (IpAddr::V6(_), IpAddr::V6(_)) => Self::new(from, to),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
        }
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
            Some(Self::from_net(address.into()))
        } else if let Ok(net) = text.parse::<IpNet>() {
            Some(Self::from_net(net))
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

impl Set<Address> {
    /// The ranges of the set, each of one family: in the set itself those of IPv6 begin where those of IPv4 end.
    pub fn ranges_by_family(&self) -> impl Iterator<Item = AddressRange> + '_ {
        let below = Range::unchecked(Address(0), Address(V4_FIRST - 1));
        let parts = [below, Family::Ipv4.whole(), Family::Ipv6.whole()];
        self.ranges().iter().flat_map(move |range| parts.into_iter().filter_map(|part| part.intersection(*range)))
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
            ("::1-2001:db8::1", "::1:0:0:0-2001:db8::1"),
            ("::ffff:10.0.0.0/104", "::"),
            ("::ffff:10.0.0.1", "::"),
        ] {
            assert_eq!(text.parse::<AddressRange>().unwrap().to_string(), printed);
        }
        for text in ["any", "10.0.0.9-10.0.0.1", "10.0.0.1-::1", "::1-::ffff:10.0.0.1", "10.0.0.0/33", "host", ""] {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn translated_addresses_keep_their_places() {
        let at = |whole: &str, part: &str, of: &str| {
            let [whole, part, of] = [whole, part, of].map(|text| text.parse::<AddressRange>().unwrap());
            whole.at_the_places_of(part, of).map(|found| found.to_string())
        };
        assert_eq!(at("203.0.113.8/30", "10.0.0.5", "10.0.0.4/30").as_deref(), Some("203.0.113.9"));
        assert_eq!(at("203.0.113.8/30", "10.0.0.4/31", "10.0.0.4/30").as_deref(), Some("203.0.113.8/31"));
        assert_eq!(at("203.0.113.8", "10.0.0.4", "10.0.0.4").as_deref(), Some("203.0.113.8"));
        assert_eq!(at("203.0.113.8/29", "10.0.0.5", "10.0.0.4/30"), None);
        assert_eq!(at("203.0.113.8/30", "10.0.0.9", "10.0.0.4/30"), None);
    }

    #[test]
    fn families_never_meet() {
        assert!(!Family::Ipv4.whole().meets(Family::Ipv6.whole()));
        assert!(Set::everything().contains(Family::Ipv4.whole()) && Set::everything().contains(Family::Ipv6.whole()));
        assert_eq!("::/0".parse::<AddressRange>().unwrap().family(), Family::Ipv6);
        // A rule cannot name a range that begins in one and ends in the other.
        let all_but: Set<_> = Set::everything().minus(&["8.8.8.0/25".parse().unwrap()].into_iter().collect());
        let printed: Vec<_> = all_but.ranges_by_family().map(|range| range.to_string()).collect();
        assert_eq!(printed, ["::-::fffe:ffff:ffff", "0.0.0.0-8.8.7.255", "8.8.8.128-255.255.255.255", "any"]);
    }
}
