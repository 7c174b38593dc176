//! What is never opened, whatever a security group says.

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::{
    address::{Address, AddressRange, Family},
    range::{Range, Set},
    service::L4,
};

/// One entry: ports, or peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Never {
    /// Ports of TCP.
    Tcp(Range<u16>),
    /// Ports of UDP.
    Udp(Range<u16>),
    /// Addresses on the internet's side.
    Peer(AddressRange),
}

/// A text that names neither ports nor peers, or everything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNever {
    /// It is of neither form.
    #[error("`{0}` names neither ports (`tcp/22`, `udp/6000-6063`) nor peers (`203.0.113.0/24`)")]
    Malformed(String),
    /// It would close a whole family, and with it every rule of ours.
    #[error("`{0}` is every address of {1}: nothing could be opened; name ports, or the addresses that are meant")]
    Everybody(String, Family),
}

impl FromStr for Never {
    type Err = NotNever;

    fn from_str(text: &str) -> Result<Self, NotNever> {
        let malformed = || NotNever::Malformed(text.to_owned());
        let ports = |ports: &str| {
            let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
            Range::new(first.parse().ok()?, last.parse().ok()?)
        };
        match text.split_once('/') {
            Some(("tcp", given)) => ports(given).map(Self::Tcp).ok_or_else(malformed),
            Some(("udp", given)) => ports(given).map(Self::Udp).ok_or_else(malformed),
            _ => {
                let peer: AddressRange = text.parse().map_err(|_| malformed())?;
                let whole = [Family::Ipv4, Family::Ipv6].into_iter().find(|family| peer.contains(family.whole()));
                whole.map_or(Ok(Self::Peer(peer)), |family| Err(NotNever::Everybody(text.to_owned(), family)))
            }
        }
    }
}

/// As it is written in the settings.
impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(ports) => write!(f, "tcp/{ports}"),
            Self::Udp(ports) => write!(f, "udp/{ports}"),
            Self::Peer(peers) => peers.fmt(f),
        }
    }
}

/// Everything that is never opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeverOpen {
    listed: BTreeSet<Never>,
    tcp: Set<u16>,
    udp: Set<u16>,
    peers: Set<Address>,
}

impl FromIterator<Never> for NeverOpen {
    fn from_iter<I: IntoIterator<Item = Never>>(entries: I) -> Self {
        let mut all = Self::default();
        for entry in entries {
            match entry {
                Never::Tcp(ports) => all.tcp.extend([ports]),
                Never::Udp(ports) => all.udp.extend([ports]),
                Never::Peer(peers) => all.peers.extend([peers]),
            }
            all.listed.insert(entry);
        }
        all
    }
}

impl NeverOpen {
    /// The entries.
    pub fn listed(&self) -> impl Iterator<Item = Never> + '_ {
        self.listed.iter().copied()
    }

    /// Whether some packet of this peer and this traffic is never let through.
    pub fn meets(&self, peer: AddressRange, l4: L4) -> bool {
        let ports = match l4 {
            L4::Any => !self.tcp.is_empty() || !self.udp.is_empty(),
            L4::Tcp(ports) => self.tcp.meets(ports),
            L4::Udp(ports) => self.udp.meets(ports),
            L4::Ip(_) => false,
        };
        ports || self.peers.meets(peer)
    }

    /// The entries that are about this peer and this traffic.
    pub fn about(&self, peer: AddressRange, l4: L4) -> impl Iterator<Item = Never> + '_ {
        self.listed().filter(move |entry| match (entry, l4) {
            (Never::Peer(listed), _) => listed.meets(peer),
            (Never::Tcp(_) | Never::Udp(_), L4::Any) => true,
            (Never::Tcp(listed), L4::Tcp(ports)) | (Never::Udp(listed), L4::Udp(ports)) => listed.meets(ports),
            (Never::Tcp(_) | Never::Udp(_), L4::Tcp(_) | L4::Udp(_) | L4::Ip(_)) => false,
        })
    }

    /// The peers without those that never get in.
    pub fn peers_left(&self, peer: AddressRange) -> Vec<AddressRange> {
        if self.peers.meets(peer) { Set::from_iter([peer]).minus(&self.peers).ranges().to_vec() } else { vec![peer] }
    }

    /// The traffic without the ports that are never opened. Of all protocols together nothing is left: no rule says "all but".
    pub fn traffic_left(&self, l4: L4) -> Vec<L4> {
        let left = |ports: Range<u16>, never: &Set<u16>| Set::from_iter([ports]).minus(never).ranges().to_vec();
        match l4 {
            L4::Tcp(ports) => left(ports, &self.tcp).into_iter().map(L4::Tcp).collect(),
            L4::Udp(ports) => left(ports, &self.udp).into_iter().map(L4::Udp).collect(),
            L4::Any if !self.tcp.is_empty() || !self.udp.is_empty() => Vec::new(),
            L4::Any | L4::Ip(_) => vec![l4],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::l4;

    fn never(texts: &[&str]) -> NeverOpen {
        texts.iter().map(|text| text.parse::<Never>().unwrap()).collect()
    }

    #[test]
    fn an_entry_is_ports_or_peers() {
        for text in ["tcp/22", "udp/6000-6063", "203.0.113.0/24", "2001:db8::/32", "10.0.0.5-10.0.0.6"] {
            assert_eq!(text.parse::<Never>().unwrap().to_string(), text);
        }
        for text in ["", "22", "tcp/", "tcp/9-8", "tcp/70000", "sctp/1", "tcp", "host.example.com"] {
            assert_eq!(text.parse::<Never>(), Err(NotNever::Malformed(text.to_owned())), "{text}");
        }
        for text in ["0.0.0.0/0", "::/0"] {
            assert!(matches!(text.parse::<Never>(), Err(NotNever::Everybody(..))), "{text}");
        }
    }

    #[test]
    fn ports_are_cut_out_of_ranges_and_not_out_of_everything() {
        let never = never(&["tcp/22", "tcp/1000-1999", "udp/53"]);
        let left = |text| {
            let left = never.traffic_left(l4(text));
            left.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(left("tcp/22"), "");
        assert_eq!(left("tcp/20-1500"), "tcp 20-21, tcp 23-999");
        assert_eq!(left("tcp/443"), "tcp 443");
        assert_eq!(left("udp/1-100"), "udp 1-52, udp 54-100");
        assert_eq!(left("ip/47"), "protocol 47");
        assert_eq!(left("all"), "");
        assert_eq!(NeverOpen::default().traffic_left(L4::Any), [L4::Any]);
    }

    #[test]
    fn peers_are_cut_out_of_networks() {
        let never = never(&["203.0.113.0/24", "2001:db8::/32"]);
        let left = |text: &str| {
            let left = never.peers_left(text.parse().unwrap());
            left.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(left("203.0.113.7"), "");
        assert_eq!(left("203.0.112.0/23"), "203.0.112.0/24");
        assert_eq!(left("198.51.100.0/24"), "198.51.100.0/24");
        assert_eq!(left("0.0.0.0/0"), "0.0.0.0-203.0.112.255, 203.0.114.0-255.255.255.255");
    }

    #[test]
    fn what_is_met_is_named() {
        let never = never(&["tcp/22", "203.0.113.0/24", "udp/53"]);
        let about = |peer: &str, text| {
            let (peer, l4) = (peer.parse().unwrap(), l4(text));
            let about: Vec<_> = never.about(peer, l4).map(|entry| entry.to_string()).collect();
            assert_eq!(never.meets(peer, l4), !about.is_empty(), "{peer} {l4}");
            about.join(", ")
        };
        assert_eq!(about("0.0.0.0/0", "tcp/20-30"), "tcp/22, 203.0.113.0/24");
        assert_eq!(about("8.8.8.0/24", "all"), "tcp/22, udp/53");
        assert_eq!(about("8.8.8.0/24", "tcp/443"), "");
        assert_eq!(about("8.8.8.0/24", "ip/47"), "");
    }
}
