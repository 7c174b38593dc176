//! What somebody asks to be explained, as they type it.

use std::net::IpAddr;

use drawbridge_core::{
    explain::{Sent, Subject},
    range::Range,
    service::L4,
};

/// What was typed is nothing that can be explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is nothing that can be explained: give an instance (`i-…`), a security group (`sg-…`), the name of a rule, or a \
     packet (`198.51.100.7 10.0.1.10 tcp/443`, with its application after that if it is known)"
)]
pub struct NoSubject(String);

/// `i-…`, `sg-…`, `198.51.100.7 10.0.1.10 tcp/443 ssl`, or else the name of a rule.
///
/// # Errors
/// [`NoSubject`]: it begins like a packet and is none, or can be no name of a rule.
pub fn subject(text: &str) -> Result<Subject, NoSubject> {
    let text = text.trim();
    let none = || NoSubject(text.to_owned());
    if let Ok(id) = text.parse() {
        return Ok(Subject::Instance(id));
    }
    if let Ok(id) = text.parse() {
        return Ok(Subject::Group(id));
    }
    let words: Vec<_> = text.split_whitespace().collect();
    match words.as_slice() {
        [source, rest @ ..] if source.parse::<IpAddr>().is_ok() => {
            packet(source, rest).map(Subject::Packet).ok_or_else(none)
        }
        _ => text.parse().map(Subject::Rule).map_err(|_| none()),
    }
}

fn packet(source: &str, rest: &[&str]) -> Option<Sent> {
    let (destination, l4, app) = match rest {
        [destination, l4] => (destination, l4, None),
        [destination, l4, app] => (destination, l4, Some(app.parse().ok()?)),
        _ => return None,
    };
    let (source, destination): (IpAddr, IpAddr) = (source.parse().ok()?, destination.parse().ok()?);
    let is_one_family = source.is_ipv4() == destination.is_ipv4();
    is_one_family.then_some(Sent { source: source.into(), destination: destination.into(), l4: l4_of(l4)?, app })
}

/// `tcp/443`, `udp/53`, `icmp`, `icmpv6`, or the number of a protocol.
fn l4_of(text: &str) -> Option<L4> {
    let port = |digits: &str| digits.parse().ok().filter(|port| *port > 0).map(Range::single);
    match text.to_ascii_lowercase().as_str() {
        "icmp" => Some(L4::Ip(1)),
        "icmpv6" => Some(L4::Ip(58)),
        lower => match lower.split_once('/') {
            Some(("tcp", digits)) => port(digits).map(L4::Tcp),
            Some(("udp", digits)) => port(digits).map(L4::Udp),
            Some(_) => None,
            None => lower.parse().ok().filter(|number| !matches!(number, 6 | 17)).map(L4::Ip),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_told_apart_by_their_form() {
        assert!(matches!(subject("i-0aaaaaaaaaaaaaaa1"), Ok(Subject::Instance(_))));
        assert!(matches!(subject("sg-0aaaaaaaaaaaaaaa1"), Ok(Subject::Group(_))));
        assert!(matches!(subject("sg-0aaaaaaaaaaaaaaa1-1"), Ok(Subject::Rule(_))));
        assert!(matches!(subject("Clean up"), Ok(Subject::Rule(_))));
        let packet = |text| match subject(text) {
            Ok(Subject::Packet(sent)) => Some((sent.l4, sent.app.is_some())),
            _ => None,
        };
        assert_eq!(packet("198.51.100.7 10.0.1.10 tcp/443"), Some((L4::Tcp(Range::single(443)), false)));
        assert_eq!(packet(" 198.51.100.7  10.0.1.10 UDP/53 dns"), Some((L4::Udp(Range::single(53)), true)));
        assert_eq!(packet("2001:db8::1 2001:db8::2 icmpv6"), Some((L4::Ip(58), false)));
        assert_eq!(packet("198.51.100.7 10.0.1.10 47"), Some((L4::Ip(47), false)));
        for text in [
            "198.51.100.7",
            "198.51.100.7 10.0.1.10",
            "198.51.100.7 10.0.1.10 tcp/0",
            "198.51.100.7 10.0.1.10 tcp",
            "198.51.100.7 2001:db8::1 tcp/22",
            "198.51.100.7 10.0.1.10 6",
            "",
        ] {
            assert!(subject(text).is_err(), "{text}");
        }
    }
}
