//! Values of settings, each parsed from the text that people write.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
    time::Duration,
};

use drawbridge_core::{config::Gateway, id::AppName, translate::Port};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

/// Where the firewall's management interface answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirewallAddress {
    scheme: Scheme,
    host: Box<str>,
    port: u16,
}

impl FirewallAddress {
    /// Name or address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether the connection is plain HTTP, which only a simulator on this machine may speak.
    pub fn is_plain(&self) -> bool {
        self.scheme == Scheme::Http
    }
}

/// The base URL: `https://fw.example:443`.
impl fmt::Display for FirewallAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port } = self;
        let scheme = match scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        if host.contains(':') { write!(f, "{scheme}://[{host}]:{port}") } else { write!(f, "{scheme}://{host}:{port}") }
    }
}

impl FromStr for FirewallAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, rest) = match text.split_once("://") {
            Some(("https", rest)) => (Scheme::Https, rest),
            Some(("http", rest)) => (Scheme::Http, rest),
            Some((other, _)) => return Err(format!("`{other}` is not the scheme of the XML API: use https")),
            None => (Scheme::Https, text),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = split_port(rest).ok_or_else(|| format!("`{text}` is not `host` or `host:port`"))?;
        let port = match port {
            Some(port) => {
                port.parse().ok().filter(|port| *port > 0).ok_or_else(|| format!("`{port}` is not a port"))?
            }
            None if scheme == Scheme::Http => 80,
            None => 443,
        };
        let address = Self { scheme, host: host.into(), port };
        if address.is_plain() && !is_loopback(host) {
            return Err("plain http would show the API key to the network: use https".to_owned());
        }
        Ok(address)
    }
}

fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    let (host, port) = if let Some(bracketed) = text.strip_prefix('[') {
        let (host, after) = bracketed.split_once(']')?;
        let port = if after.is_empty() { None } else { Some(after.strip_prefix(':')?) };
        return host.parse::<Ipv6Addr>().is_ok().then_some((host, port));
    } else if text.parse::<Ipv6Addr>().is_ok() {
        return Some((text, None));
    } else {
        text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)))
    };
    let is_name =
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    is_name.then_some((host, port))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The SHA-256 hash of a certificate in DER.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl FromStr for Fingerprint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits: Vec<_> =
            text.bytes().filter(|byte| *byte != b':').map(|byte| char::from(byte).to_digit(16)).collect();
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() {
            return Err(format!("`{text}` is not a SHA-256 fingerprint (64 hexadecimal digits, colons allowed)"));
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let value = pair[0].zip(pair[1]).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
            *byte = value.ok_or_else(|| format!("`{text}` has letters that are no hexadecimal digits"))?;
        }
        Ok(Self(hash))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A virtual system of the firewall, `vsys1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vsys(Box<str>);

impl Vsys {
    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Vsys {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix("vsys").and_then(|digits| digits.parse::<u16>().ok());
        match number {
            Some(number) if format!("vsys{number}") == text => Ok(Self(text.into())),
            _ => Err(format!("`{text}` is not a virtual system (`vsys1`)")),
        }
    }
}

pub(super) fn gateway(text: &str) -> Result<Gateway, String> {
    let instance = text.parse().map(Gateway::Instance).ok();
    let gateway = instance
        .or_else(|| text.parse().map(Gateway::Interface).ok())
        .or_else(|| text.parse().map(Gateway::Endpoint).ok())
        .or_else(|| text.parse().map(Gateway::TransitGateway).ok());
    gateway.ok_or_else(|| {
        format!("`{text}` is not the id of an instance (`i-…`), interface (`eni-…`), endpoint (`vpce-…`) or transit gateway (`tgw-…`)")
    })
}

/// `tcp/8443`.
pub(super) fn port(text: &str) -> Result<Port, String> {
    let number = |digits: &str| digits.parse().ok().filter(|number| *number > 0);
    let port = match text.split_once('/') {
        Some(("tcp", digits)) => number(digits).map(Port::Tcp),
        Some(("udp", digits)) => number(digits).map(Port::Udp),
        _ => None,
    };
    port.ok_or_else(|| format!("`{text}` is not a port (`tcp/8443`)"))
}

/// An application, or `any` for none in particular.
pub(super) fn application(text: &str) -> Result<Option<AppName>, String> {
    if text == "any" { Ok(None) } else { text.parse().map(Some).map_err(|error| format!("{error}")) }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| format!("`{text}` is not a length of time (`5s`, `1m 30s`)"))
}

/// A length of time that cannot be nothing.
pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err(format!("`{text}` is no time at all: give it some")),
        some => Ok(some),
    }
}

/// `1048576` or `256MiB`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let unit = units.iter().find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, *bits)));
    let (digits, bits) = unit.unwrap_or((text, 0));
    let bytes = digits.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(1 << bits));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| format!("`{text}` is not a size (bytes, or `256MiB`)"))
}

/// One of a few words.
pub(super) fn choice<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        found.ok_or_else(|| {
            let known: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            format!("`{text}` is none of {}", known.join(", "))
        })
    }
}

/// Anything that its type can tell by itself.
pub(super) fn parsed<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_firewall() {
        for (text, url) in [
            ("fw.example", "https://fw.example:443"),
            ("192.0.2.1:8443", "https://192.0.2.1:8443"),
            ("https://fw.example/", "https://fw.example:443"),
            ("2001:db8::1", "https://[2001:db8::1]:443"),
            ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://localhost", "http://localhost:80"),
        ] {
            assert_eq!(text.parse::<FirewallAddress>().unwrap().to_string(), url);
        }
        for text in [
            "",
            "http://fw.example",
            "ftp://fw.example",
            "fw.example/api",
            "user@fw.example",
            "fw:0",
            "fw:70000",
            "a b",
            "[::1",
        ] {
            assert!(text.parse::<FirewallAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn fingerprints() {
        let plain = "0a".repeat(32);
        let colons = ["0A"; 32].join(":");
        assert_eq!(colons.parse::<Fingerprint>().unwrap().to_string(), plain);
        for text in [&plain[1..], &plain.replace('a', "x"), ""] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_rest() {
        assert_eq!(size("256MiB"), Ok(256 << 20));
        assert_eq!(size("1048576"), Ok(1 << 20));
        assert!(["0", "-1", "1TB", "99999999999GiB", ""].iter().all(|text| size(text).is_err()));
        assert_eq!(port("udp/53"), Ok(Port::Udp(53)));
        assert!(["53", "tcp/0", "sctp/1", "tcp/x"].iter().all(|text| port(text).is_err()));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert!(duration("5").is_err() && positive_duration("0s").is_err());
        assert!(gateway("igw-0a").is_err() && gateway("vpce-0a").is_ok());
        assert!(
            "vsys2".parse::<Vsys>().is_ok() && "vsys01".parse::<Vsys>().is_err() && "root".parse::<Vsys>().is_err()
        );
    }
}
