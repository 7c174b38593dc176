//! Addresses as a person reads them: the first and the last of a literal, compared as numbers.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Addresses of one family from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) first: IpAddr,
    pub(crate) last: IpAddr,
}

impl Span {
    /// `10.0.0.4`, `10.0.0.0/24` (bits of hosts do not count) or `10.0.0.4-10.0.0.9`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some((first, last)) = text.split_once('-') {
            let (first, last): (IpAddr, IpAddr) = (first.parse().ok()?, last.parse().ok()?);
            return (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Self { first, last });
        }
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width: u32 = if address.is_ipv4() { 32 } else { 128 };
        let free = width.checked_sub(length.unwrap_or(width))?;
        let hosts = if free == 0 { 0 } else { u128::MAX >> (128 - free) };
        let (first, last) = (number(address) & !hosts, number(address) | hosts);
        Some(Self { first: like(address, first)?, last: like(address, last)? })
    }

    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        self.first.is_ipv4() == address.is_ipv4() && self.first <= address && address <= self.last
    }

    pub(crate) fn contains(&self, other: &Self) -> bool {
        self.holds(other.first) && self.holds(other.last)
    }

    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.holds(other.first) || other.holds(self.first)
    }

    pub(crate) fn is_v4(&self) -> bool {
        self.first.is_ipv4()
    }

    /// How far an address is from the first.
    pub(crate) fn place_of(&self, address: IpAddr) -> u128 {
        number(address).saturating_sub(number(self.first))
    }

    /// The address that is so far from the first.
    pub(crate) fn at(&self, place: u128) -> Option<IpAddr> {
        like(self.first, number(self.first).checked_add(place)?)
    }

    /// Whether it is the whole family.
    pub(crate) fn is_everything(&self) -> bool {
        let last = if self.is_v4() { u128::from(u32::MAX) } else { u128::MAX };
        number(self.first) == 0 && number(self.last) == last
    }

    /// Its two halves; one address has none.
    pub(crate) fn halves(&self) -> Option<[Self; 2]> {
        let middle = number(self.first) + self.place_of(self.last).checked_sub(1)? / 2;
        let [last, first] = [like(self.first, middle)?, like(self.first, middle + 1)?];
        Some([Self { last, ..*self }, Self { first, ..*self }])
    }

    /// As a firewall takes it in a column of addresses.
    pub(crate) fn written(&self) -> String {
        if self.first == self.last { self.first.to_string() } else { format!("{}-{}", self.first, self.last) }
    }

    /// First and last, and their neighbours outside.
    pub(crate) fn edges(&self) -> impl Iterator<Item = IpAddr> {
        let below = number(self.first).checked_sub(1).and_then(|below| like(self.first, below));
        let above = number(self.last).checked_add(1).and_then(|above| like(self.last, above));
        [Some(self.first), Some(self.last), below, above].into_iter().flatten()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// Whether these spans together hold all of another.
pub(crate) fn cover(spans: &[Span], whole: &Span) -> bool {
    let mut sorted: Vec<_> = spans.iter().filter(|span| span.meets(whole)).collect();
    sorted.sort();
    let mut next = number(whole.first);
    for span in sorted {
        if number(span.first) > next {
            return false;
        }
        match number(span.last).checked_add(1) {
            Some(after) => next = next.max(after),
            None => return true,
        }
    }
    next > number(whole.last)
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u32::from(v4).into(),
        IpAddr::V6(v6) => v6.into(),
    }
}

/// The address of that number, in the family of another.
fn like(address: IpAddr, number: u128) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(_) => Ipv4Addr::from(u32::try_from(number).ok()?).into(),
        IpAddr::V6(_) => Ipv6Addr::from(number).into(),
    })
}

/// Addresses that no packet on the wire has: the block of IPv6 in which the mapped ones of IPv4 lie (RFC 4291).
pub(crate) fn is_reserved(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if u128::from(v6) >> 48 == 0)
}

#[test]
fn spans_are_read_and_compared() {
    let span = |text: &str| Span::parse(text).unwrap();
    assert_eq!(span("10.0.0.5/24"), span("10.0.0.0-10.0.0.255"));
    assert_eq!(span("10.0.0.4/32"), span("10.0.0.4"));
    assert!(span("0.0.0.0/0").is_everything() && span("::/0").is_everything() && !span("::/1").is_everything());
    for text in ["any", "10.0.0.9-10.0.0.4", "10.0.0.0/33", "10.0.0.1-::1", "US", ""] {
        assert_eq!(Span::parse(text), None, "{text}");
    }
    assert!(cover(&[span("10.0.0.0/25"), span("10.0.0.128/25")], &span("10.0.0.0/24")));
    assert!(!cover(&[span("10.0.0.0/25"), span("10.0.0.129-10.0.1.0")], &span("10.0.0.0/24")));
    assert!(cover(&[span("::/0")], &span("2001:db8::/32")) && !cover(&[span("0.0.0.0/0")], &span("::/0")));
    let halves = span("10.0.0.0-10.0.0.2").halves().unwrap();
    assert_eq!(halves, [span("10.0.0.0"), span("10.0.0.1-10.0.0.2")]);
    assert_eq!(span("10.0.0.1").halves(), None);
    let edges: Vec<_> = span("0.0.0.0/8").edges().map(|edge| edge.to_string()).collect();
    assert_eq!(edges, ["0.0.0.0", "0.255.255.255", "1.0.0.0"]);
}
