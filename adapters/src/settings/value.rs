//! Values of settings, each parsed from the text that people write.

use std::{fmt, net::SocketAddr, str::FromStr, time::Duration};

use drawbridge_core::{
    config::{Gateway, InstanceTag},
    id::{AppName, TagName},
    translate::Port,
};

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

/// `key=value`, or `key` for any value.
pub(super) fn instance_tag(text: &str) -> Result<InstanceTag, String> {
    let (key, value) = text.split_once('=').map_or((text, None), |(key, value)| (key, Some(value.to_owned())));
    if key.is_empty() || text.contains(char::is_control) {
        return Err(format!("`{text}` is not a tag (`key=value`, or `key` for any value)"));
    }
    Ok(InstanceTag { key: key.to_owned(), value })
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

/// Nobody waits longer for anything, and no clock can tell times that are much further away.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The longest that a run may take. Messages of a queue can be kept from others for 12 hours (SQS API reference,
/// `ChangeMessageVisibility`), and are a little longer than that run.
const WITHIN_MAX: Duration = Duration::from_secs(11 * 60 * 60);

/// `5s`, `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let time =
        humantime::parse_duration(text).map_err(|_| format!("`{text}` is not a length of time (`5s`, `1m 30s`)"))?;
    if time > YEAR { Err(format!("`{text}` is longer than a year: give a shorter time")) } else { Ok(time) }
}

/// A length of time that cannot be nothing.
pub(crate) fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err(format!("`{text}` is no time at all: give it some")),
        some => Ok(some),
    }
}

/// How long a run may take.
pub(crate) fn within(text: &str) -> Result<Duration, String> {
    match positive_duration(text)? {
        long if long > WITHIN_MAX => Err(format!("`{text}` is longer than a run may take: give at most `11h`")),
        some => Ok(some),
    }
}

/// A number of things, or of per cent.
pub(super) fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number: give a whole one, 0 or more"))
}

/// Where something listens.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("`{text}` is not an address with a port: give it as `127.0.0.1:9464`"))
}

/// `1048576` or `256MiB`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let unit = units.iter().find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, *bits)));
    let (digits, bits) = unit.unwrap_or((text, 0));
    let bytes = digits.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(1 << bits));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| format!("`{text}` is not a size (bytes, or `256MiB`)"))
}

/// The base URL of a service.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let is_url = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic());
    if is_url { Ok(text.to_owned()) } else { Err(format!("`{text}` is not a URL (`https://host:port`)")) }
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

/// The tag of our rules. No path of PAN-OS can hold a name with both kinds of quotes in one piece.
pub(super) fn owner(text: &str) -> Result<TagName, String> {
    match text.contains('\'') && text.contains('"') {
        true => Err(format!("`{text}` has both kinds of quotes in it: choose a plainer tag")),
        false => parsed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_people_write() {
        assert_eq!(owner("it's").map(|tag| tag.to_string()), Ok("it's".to_owned()));
        assert!(owner("it's \"ours\"").is_err());
        assert_eq!(size("256MiB"), Ok(256 << 20));
        assert_eq!(size("1048576"), Ok(1 << 20));
        assert!(["0", "-1", "1TB", "99999999999GiB", ""].iter().all(|text| size(text).is_err()));
        assert_eq!(count("0"), Ok(0));
        assert!(["-4", "1.5", "many", "", "99999999999999999999"].iter().all(|text| count(text).is_err()));
        assert_eq!(address("[::1]:0").map(|address| address.port()), Ok(0));
        assert!(["banana", "127.0.0.1", "localhost:9464", ""].iter().all(|text| address(text).is_err()));
        assert_eq!(port("udp/53"), Ok(Port::Udp(53)));
        assert!(["53", "tcp/0", "sctp/1", "tcp/x"].iter().all(|text| port(text).is_err()));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert!(duration("5").is_err() && positive_duration("0s").is_err());
        assert_eq!((within("11h"), duration("365d")), (Ok(WITHIN_MAX), Ok(YEAR)));
        assert!(["0s", "11h 1s", "-1s", ""].iter().all(|text| within(text).is_err()));
        assert!(["366d", "580000000000y", "18446744073709551615s"].iter().all(|text| duration(text).is_err()));
        assert!(gateway("igw-0a").is_err() && gateway("vpce-0a").is_ok());
    }
}
