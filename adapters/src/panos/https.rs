//! The XML API over HTTPS.

use std::{error::Error, fmt, io, net::IpAddr, str::FromStr, time::Duration};

use drawbridge_core::command::{Failure, Trouble};
use reqwest::{
    Client, Response, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};

use super::{
    client::{Account, Panos, Transport},
    request::Request,
    response::Answer,
    text::clean,
    tls::{Tls, TlsError},
    xml::Malformed,
};
use crate::secret::ApiKey;

/// Everything that is needed to talk to a firewall.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where its management interface is, or those of a pair.
    pub units: Units,
    /// The key of our account.
    pub key: ApiKey,
    /// How its certificate is verified.
    pub tls: Tls,
    /// How long one answer may take.
    pub timeout: Duration,
    /// Whose rules they are, and where they stand.
    pub account: Account,
}

/// Where a management interface is: `fw.example.com`, `10.0.0.4:4443`, `https://fw.example.com`. Plain `http://` is taken for
/// loopback only, because the API key is sent along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host(Url);

/// A firewall that stands alone, or the two units of a pair in the order in which they are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units(Vec<Host>);

/// Hosts that are neither one firewall nor a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} hosts are named: give one, or the two units of a high-availability pair")]
pub struct NotUnits(usize);

impl Units {
    /// One host or two.
    ///
    /// # Errors
    /// For any other number.
    pub fn of(hosts: Vec<Host>) -> Result<Self, NotUnits> {
        if matches!(hosts.len(), 1 | 2) { Ok(Self(hosts)) } else { Err(NotUnits(hosts.len())) }
    }

    /// Whether they are asked without TLS, which loopback alone is.
    pub fn are_plain(&self) -> bool {
        self.0.iter().all(|host| host.0.scheme() == "http")
    }

    /// What messages call them.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl From<Host> for Units {
    fn from(host: Host) -> Self {
        Self(vec![host])
    }
}

/// Host and port, without what is the same for all.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// A text that names no management interface.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAHost {
    /// Something is wrong with it.
    #[error("`{0}` is not a host name or address, with or without a port: give it without scheme and path")]
    Malformed(String),
    /// It would send the key in the clear.
    #[error("`{0}`: plain http is for loopback addresses only, because the API key is sent along")]
    Plain(String),
}

impl FromStr for Host {
    type Err = NotAHost;

    fn from_str(text: &str) -> Result<Self, NotAHost> {
        let malformed = || NotAHost::Malformed(named(text));
        let address = text.trim();
        let bare = address.parse::<std::net::Ipv6Addr>();
        let address = match bare {
            Ok(bare) => format!("https://[{bare}]"),
            Err(_) if address.contains("://") => address.to_owned(),
            Err(_) => format!("https://{address}"),
        };
        let url: Url = address.parse().map_err(|_| malformed())?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_name = url.host_str().is_some_and(has_short_labels);
        if !is_bare || !url.username().is_empty() || url.password().is_some() || !is_name {
            return Err(malformed());
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_in_the_clear(&url) => Err(NotAHost::Plain(named(text))),
            "http" => Ok(Self(url)),
            _ => Err(malformed()),
        }
    }
}

/// What a message repeats of a text that is no host: not what follows the host in a URL, where people copy the key along, nor
/// what stands before it, where a password may be.
fn named(text: &str) -> String {
    let (scheme, rest) = text.trim().split_once("://").map_or(("", text.trim()), |(scheme, rest)| (scheme, rest));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = if has_short_labels(host) { host } else { "" };
    let more = if rest.len() == host.len() { "" } else { "…" };
    clean(&if scheme.is_empty() { format!("{host}{more}") } else { format!("{scheme}://{host}{more}") })
}

/// No part of a name has more than 63 characters (RFC 1035, section 2.3.4). A key has, and is no host.
fn has_short_labels(host: &str) -> bool {
    host.split('.').all(|label| label.len() <= 63)
}

/// Whether whoever stands between can read and change what is sent there: plain http to another machine.
pub(crate) fn is_in_the_clear(url: &Url) -> bool {
    url.scheme() == "http" && !is_loopback(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address: Result<IpAddr, _> = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// Certificates cannot be verified as set.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP library refuses.
    #[error("no HTTPS client can be made: {0}")]
    Library(reqwest::Error),
}

/// The wire.
pub struct Https {
    client: Client,
    key: HeaderValue,
    units: Vec<Unit>,
    chosen: usize,
}

/// Where one unit takes requests, and its name.
struct Unit {
    url: Url,
    name: String,
}

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// Larger answers are refused: no firewall's configuration comes near it.
const ANSWER_MAX: usize = 256 * 1024 * 1024;
/// How the vendor documents that keys are sent; they never stand in a URL or a body.
const KEY: HeaderName = HeaderName::from_static("x-pan-key");

impl Panos<Https> {
    /// A client of this firewall. Nothing is sent yet.
    ///
    /// # Errors
    /// If certificates cannot be verified as the settings say.
    pub fn connect(endpoint: Endpoint) -> Result<Self, EndpointError> {
        Ok(Self::new(Https::new(&endpoint)?, endpoint.account))
    }

    /// Sends this key from here on, and says whether it is another one than before. Whose it is the firewall is asked again,
    /// unless the settings say it.
    pub(crate) fn use_key(&mut self, key: &ApiKey) -> bool {
        let is_new = self.transport.use_key(key);
        if is_new {
            self.told_admin = None;
        }
        is_new
    }
}

impl Https {
    fn new(endpoint: &Endpoint) -> Result<Self, EndpointError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        // A redirect would turn a POST into a GET and carry the key elsewhere; management traffic takes no proxy.
        let client = Client::builder()
            .user_agent(concat!("drawbridge/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(endpoint.timeout);
        let client = endpoint.tls.configure(client)?.build().map_err(EndpointError::Library)?;
        let units = endpoint.units.0.iter().map(Unit::of).collect();
        Ok(Self { client, key: header(&endpoint.key), units, chosen: 0 })
    }

    /// Sends this key from here on, and says whether it is another one than before.
    fn use_key(&mut self, key: &ApiKey) -> bool {
        let before = std::mem::replace(&mut self.key, header(key));
        before != self.key
    }
}

impl Unit {
    fn of(host: &Host) -> Self {
        let mut url = host.0.clone();
        url.set_path("/api/");
        Self { url, name: host.to_string() }
    }
}

fn header(key: &ApiKey) -> HeaderValue {
    let mut value =
        HeaderValue::from_str(key.expose()).expect("an API key is printable ASCII, as its type has checked");
    value.set_sensitive(true);
    value
}

impl Transport for Https {
    type Document = String;

    async fn send(&mut self, request: &Request) -> Result<Answer<String>, Failure> {
        let url = self.units[self.chosen].url.clone();
        let sent = self.client.post(url).header(KEY, self.key.clone()).body(request.encoded()).send().await;
        let response = sent.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let body = body(response, ANSWER_MAX).await?;
        tracing::debug!(request = request.kind(), status, bytes = body.len(), "the firewall answers");
        Ok(Answer { status, document: text(body)? })
    }

    fn units(&self) -> usize {
        self.units.len()
    }

    fn chosen(&self) -> usize {
        self.chosen
    }

    fn choose(&mut self, unit: usize) {
        self.chosen = unit;
    }

    fn unit_name(&self) -> String {
        self.units[self.chosen].name.clone()
    }
}

/// The whole body, as long as it has at most so many bytes.
async fn body(mut response: Response, max: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + chunk.len() > max {
            return Err(not_panos(&format!("its answer is longer than {max} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The text of a body. One that ends within a character has been cut, as answers of firewalls under load are.
fn text(body: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(body).map_err(|error| match error.utf8_error().error_len() {
        None => Trouble::NotPanos(Malformed::Cut.to_string()).transient(),
        Some(_) => not_panos("its answer is not UTF-8"),
    })
}

fn not_panos(why: &str) -> Failure {
    Trouble::NotPanos(why.to_owned()).permanent()
}

/// What a broken exchange means. What was sent may have taken effect all the same.
fn failure(error: &reqwest::Error) -> Failure {
    match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(_)) => Trouble::Certificate.permanent(),
        Some(error) if error_is_foreign(error) => not_panos(&clean(&format!("TLS: {error}"))),
        Some(_) | None if error.is_connect() => Trouble::Unreachable.transient(),
        Some(_) | None => Trouble::NoAnswer.transient(),
    }
}

/// Whether the other side does not speak TLS as we do; no other attempt will change that.
fn error_is_foreign(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::InvalidMessage(_)
            | rustls::Error::PeerIncompatible(_)
            | rustls::Error::NoCertificatesPresented
            | rustls::Error::UnsupportedNameType
    )
}

/// The TLS error somewhere among the causes; it travels in an I/O error.
fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(tls) = inner.and_then(|inner| inner.downcast_ref()).or_else(|| error.downcast_ref()) {
            return Some(tls);
        }
        cause = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_ends_within_a_character_is_cut() {
        let text = |body: &[u8]| text(body.to_vec());
        assert_eq!(text("zone für".as_bytes()), Ok("zone für".to_owned()));
        let cut = text(&"zone für".as_bytes()[..7]).unwrap_err();
        assert_eq!(cut, Trouble::NotPanos("the XML document ends early".to_owned()).transient());
        assert_eq!(text(b"zone f\xfcr"), Err(not_panos("its answer is not UTF-8")));
    }
    use crate::panos::xpath::Vsys;

    #[tokio::test]
    async fn an_answer_that_does_not_end_fills_no_memory() {
        let answered = |text: &'static str| Response::from(axum::http::Response::new(text));
        assert_eq!(body(answered("1234"), 4).await, Ok(b"1234".to_vec()));
        assert_eq!(body(answered("12345"), 4).await, Err(not_panos("its answer is longer than 4 bytes")));
    }

    #[test]
    fn a_host_is_https_unless_it_is_this_machine() {
        let url = |text: &str| text.parse::<Host>().map(|host| host.0.to_string());
        assert_eq!(url("fw.example.com").as_deref(), Ok("https://fw.example.com/"));
        assert_eq!(url(" 10.0.0.4:4443\n").as_deref(), Ok("https://10.0.0.4:4443/"));
        assert_eq!(url("2001:db8::4").as_deref(), Ok("https://[2001:db8::4]/"));
        assert_eq!(url("https://fw/").as_deref(), Ok("https://fw/"));
        for text in ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:8080"] {
            assert!(url(text).is_ok(), "{text}");
        }
        for text in ["http://10.0.0.4", "http://localhost.example.com", "http://127.0.0.1.example.com"] {
            assert!(matches!(url(text), Err(NotAHost::Plain(_))), "{text}");
        }
        for text in ["", "fw/api", "fw?x", "user@fw", "https://a:b@fw", "ftp://fw", "a b", "fw#x", "https://"] {
            assert!(matches!(url(text), Err(NotAHost::Malformed(_))), "{text}: {:?}", url(text));
        }
    }

    #[tokio::test]
    async fn another_key_may_be_another_accounts() {
        let account = Account { vsys: Vsys::default(), admin: None, owner: "aws".parse().unwrap() };
        let endpoint = Endpoint {
            units: "fw".parse::<Host>().unwrap().into(),
            key: "U0VDUkVU".parse().unwrap(),
            tls: Tls::SystemRoots,
            timeout: CONNECT,
            account,
        };
        let mut panos = Panos::connect(endpoint).unwrap();
        panos.told_admin = Some("fwsync".parse().unwrap());
        assert!(!panos.use_key(&"U0VDUkVU".parse().unwrap()));
        assert!(panos.told_admin.is_some());
        assert!(panos.use_key(&"T1RIRVI=".parse().unwrap()));
        assert_eq!(panos.told_admin, None);
        // What the settings say holds for every key.
        panos.account.admin = Some("fwsync".parse().unwrap());
        assert!(panos.use_key(&"VEhJUkQ=".parse().unwrap()));
        assert!(panos.account.admin.is_some());
    }

    #[test]
    fn what_people_copy_along_with_a_host_is_not_repeated() {
        let key = "LUFRPT1".repeat(20);
        for text in [
            format!("https://fw/api/?type=op&key={key}"),
            format!("fw?key={key}"),
            format!("https://admin:{key}@fw"),
            format!("http://fw/api/?key={key}"),
            key.clone(),
        ] {
            let said = text.parse::<Host>().unwrap_err().to_string();
            assert!(!said.contains("LUFRPT1LUFRPT1"), "{said}");
        }
        let said = |text: &str| text.parse::<Host>().unwrap_err().to_string();
        assert!(said("https://fw/api/").starts_with("`https://fw…` is not a host name"), "{}", said("https://fw/api/"));
    }
}
