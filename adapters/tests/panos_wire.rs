//! The wire to the firewall: what is sent, what broken answers become, and whom the client believes.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use drawbridge::panos::{
    client::{Account, Panos},
    https::{Endpoint, Host, Https, Units},
    tls::{Fingerprint, Tls},
    xpath::Vsys,
};
use drawbridge_core::{
    change::{Change, Columns, Direction, Extras, OwnedRule, Position, Spelling, WrittenService},
    command::{Failure, JobState, Lasting, Trouble},
    firewall::Status,
    id::{JobId, OwnedName, TagName},
    service::{Apps, L4, Service},
};
use drawbridge_simulator::{
    script::Script,
    serve::{Served, SharedWorld},
    world::World,
};
use proptest::prelude::*;
use rustls::{
    DEFAULT_VERSIONS, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use tokio::time::Instant;

const DONE: &str = "<response status=\"success\"><result><job><id>7</id><type>Commit</type><status>FIN</status><result>OK</result>\
                    <progress>100</progress></job></result></response>";

/// A server that gives every request the same bytes, and tells what was asked.
struct Server {
    address: SocketAddr,
    requests: mpsc::Receiver<String>,
}

/// What a server does with a connection.
#[derive(Clone)]
enum Behaviour {
    Answer(String),
    Silent,
}

fn answer(status: &str, body: &str) -> Behaviour {
    Behaviour::Answer(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

fn serve(behaviour: Behaviour, tls: Option<Arc<ServerConfig>>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (behaviour, sender) = (behaviour.clone(), sender.clone());
            match &tls {
                None => converse(stream, &behaviour, &sender),
                Some(config) => {
                    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                    converse(StreamOwned::new(connection, stream), &behaviour, &sender);
                }
            }
        }
    });
    Server { address, requests }
}

/// One request, one answer; a client that hangs up is nobody's concern.
fn converse(mut stream: impl Read + Write, behaviour: &Behaviour, requests: &mpsc::Sender<String>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&request) {
        match stream.read(&mut buffer) {
            Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
            Ok(_) | Err(_) => return,
        }
    }
    let _ = requests.send(String::from_utf8_lossy(&request).into_owned());
    match behaviour {
        Behaviour::Answer(bytes) => {
            let _ = stream.write_all(bytes.as_bytes()).and_then(|()| stream.flush());
        }
        Behaviour::Silent => thread::sleep(Duration::from_secs(2)),
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn client(host: &str, tls: Tls) -> Panos<Https> {
    let account = Account { vsys: Vsys::default(), admin: None, owner: "aws".parse().unwrap() };
    let (key, timeout) = ("U0VDUkVU".parse().unwrap(), Duration::from_millis(500));
    Panos::connect(Endpoint { units: host.parse::<Host>().unwrap().into(), key, tls, timeout, account }).unwrap()
}

async fn poll_plain(server: &Server) -> Result<JobState, Failure> {
    client(&format!("http://{}", server.address), Tls::SystemRoots).poll(JobId(7)).await
}

async fn poll_tls(server: &Server, tls: Tls) -> Result<JobState, Failure> {
    client(&server.address.to_string(), tls).poll(JobId(7)).await
}

#[tokio::test]
async fn the_key_travels_in_a_header_and_nowhere_else() {
    let server = serve(answer("200 OK", DONE), None);
    assert_eq!(poll_plain(&server).await, Ok(JobState::Succeeded));
    let request = server.requests.recv().unwrap();
    assert!(request.starts_with("POST /api/ HTTP/1.1\r\n"), "{request}");
    assert_eq!(request.matches("U0VDUkVU").count(), 1);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("x-pan-key: U0VDUkVU"), "{head}");
    assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
    assert_eq!(body, "type=op&cmd=%3Cshow%3E%3Cjobs%3E%3Cid%3E7%3C%2Fid%3E%3C%2Fjobs%3E%3C%2Fshow%3E");
}

#[tokio::test]
async fn broken_answers_are_told_apart() {
    let cases = [
        (
            answer(
                "403 Forbidden",
                "<response status = 'error' code = '403'><result><msg>Invalid Credential</msg></result></response>",
            ),
            Trouble::KeyRefused.permanent(),
        ),
        (answer("502 Bad Gateway", "<html>502</html>"), Trouble::Busy("HTTP 502".into()).transient()),
        (answer("302 Found\r\nLocation: http://127.0.0.1:1/", ""), Trouble::NotPanos("HTTP 302".into()).permanent()),
        (
            answer("200 OK", "<html><body>Sign in</body></html>"),
            Trouble::NotPanos("`html` instead of `response`".into()).permanent(),
        ),
        (answer("200 OK", &DONE[..60]), Trouble::NotPanos("the XML document ends early".into()).transient()),
        (answer("200 OK", ""), Trouble::NotPanos("the XML document ends early".into()).transient()),
        (
            Behaviour::Answer(format!("HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n{DONE}")),
            Trouble::NoAnswer.transient(),
        ),
        (Behaviour::Answer(String::new()), Trouble::NoAnswer.transient()),
        (Behaviour::Silent, Trouble::NoAnswer.transient()),
    ];
    for (behaviour, failure) in cases {
        assert_eq!(poll_plain(&serve(behaviour, None)).await, Err(failure));
    }
}

/// A unit of a pair that gives requests the answers that are fit for them, and hangs from the moment when it is told to.
#[derive(Clone, Default)]
struct Unit {
    hangs: Arc<AtomicBool>,
    is_active: Arc<AtomicBool>,
    /// What it does not answer although it does not hang.
    unanswered: &'static str,
}

impl Unit {
    async fn serve(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let unit = self.clone();
        let answer = move |request: String| async move { unit.answer(&request).await };
        tokio::spawn(
            axum::serve(listener, axum::Router::new().route("/api/", axum::routing::post(answer))).into_future(),
        );
        address
    }

    async fn answer(&self, request: &str) -> String {
        let is_unanswered = !self.unanswered.is_empty() && request.contains(self.unanswered);
        if self.hangs.load(Ordering::Relaxed) || is_unanswered {
            std::future::pending::<()>().await;
        }
        let state = if self.is_active.load(Ordering::Relaxed) { "active" } else { "passive" };
        let result = if request.contains("high-availability") {
            format!("<enabled>yes</enabled><group><local-info><state>{state}</state></local-info></group>")
        } else {
            "<system><sw-version>10.2.9</sw-version><time>Tue Feb  3 09:05:00 2026</time></system>\
             <job><id>7</id><type>Commit</type><status>ACT</status><progress>5</progress></job>"
                .to_owned()
        };
        format!("<response status='success'><result>{result}</result></response>")
    }
}

/// As the driver waits: not for ever, and not for as long as the client would.
async fn briefly<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let limit = tokio::time::timeout(Duration::from_millis(300), answer);
    limit.await.unwrap_or_else(|_| Err(Trouble::NoAnswer.transient()))
}

fn client_of(units: &[SocketAddr]) -> Panos<Https> {
    let account =
        Account { vsys: Vsys::default(), admin: Some("fwsync".parse().unwrap()), owner: "aws".parse().unwrap() };
    let hosts = units.iter().map(|address| format!("http://{address}").parse().unwrap()).collect();
    let (key, timeout) = ("U0VDUkVU".parse().unwrap(), Duration::from_secs(60));
    Panos::connect(Endpoint { units: Units::of(hosts).unwrap(), key, tls: Tls::SystemRoots, timeout, account }).unwrap()
}

/// It takes connections and says nothing: whoever waits gives up before the client does.
#[tokio::test]
async fn a_unit_that_hangs_under_a_job_is_given_up() {
    let (first, second) = (Unit::default(), Unit::default());
    first.is_active.store(true, Ordering::Relaxed);
    let mut panos = client_of(&[first.serve().await, second.serve().await]);
    assert_eq!(briefly(panos.poll(JobId(7))).await, Ok(JobState::Running(5)));

    // Slow once, and active still.
    first.hangs.store(true, Ordering::Relaxed);
    assert_eq!(briefly(panos.poll(JobId(7))).await, Err(Trouble::NoAnswer.transient()));
    first.hangs.store(false, Ordering::Relaxed);
    assert_eq!(briefly(panos.poll(JobId(7))).await, Ok(JobState::Running(5)));

    // It hangs, and the other one is not active yet: nobody asks that one about the job.
    first.hangs.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        assert_eq!(briefly(panos.poll(JobId(7))).await, Err(Trouble::NoAnswer.transient()));
    }
    second.is_active.store(true, Ordering::Relaxed);
    let mut polled = Vec::new();
    while polled.len() < 3 && !polled.contains(&Ok(JobState::Lost)) {
        polled.push(briefly(panos.poll(JobId(7))).await);
    }
    assert_eq!(polled.last(), Some(&Ok(JobState::Lost)), "{polled:?}");
}

fn new_rule() -> Change {
    Change::Put(Box::new(rule(&"aws".parse().unwrap(), "why")), Position::Above("theirs".parse().unwrap()))
}

/// Comments, and the return of locks, are for people: a write that took effect is told as one.
#[tokio::test]
async fn what_a_write_can_do_without_makes_no_failure_of_it() {
    for unanswered in ["audit-comment", "commit-locks"] {
        let unit = Unit { unanswered, ..Unit::default() };
        let mut panos = client_of(&[unit.serve().await]);
        let limit = Duration::from_millis(600);
        panos.give_up_at(Instant::now() + limit);
        let written = async {
            if unanswered == "audit-comment" { panos.apply(&[new_rule()]).await } else { panos.revert().await }
        };
        assert_eq!(tokio::time::timeout(limit, written).await, Ok(Ok(())), "{unanswered}");
    }
}

/// Whoever holds a lock may be slow to be told; that there is one is known.
#[tokio::test]
async fn a_lock_is_told_although_nobody_says_whose_it_is() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = async |request: String| {
        if request.contains("type=op") {
            std::future::pending::<()>().await;
        }
        "<response status='error'><msg><line>Configuration is locked by bob</line></msg></response>"
    };
    tokio::spawn(axum::serve(listener, axum::Router::new().route("/api/", axum::routing::post(answer))).into_future());
    let mut panos = client_of(&[address]);
    let limit = Duration::from_millis(600);
    panos.give_up_at(Instant::now() + limit);
    let refused = tokio::time::timeout(limit, panos.apply(&[new_rule()])).await.unwrap().unwrap_err();
    assert!(matches!(refused.what, Trouble::Locked(_)), "{refused:?}");
}

#[tokio::test]
async fn nobody_there() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failure = client(&address.to_string(), Tls::SystemRoots).poll(JobId(7)).await.unwrap_err();
    assert_eq!(failure, Trouble::Unreachable.transient());
}

/// Certificates made for these tests. Two have signed themselves: one for loopback, and one of another name, long expired. Three
/// are of one authority: `issued` for loopback, `late` for it too but expired, `elsewhere` for another name.
struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

fn identity(name: &str) -> Identity {
    let path = |end: &str| format!("{}/tests/tls/{name}.{end}", env!("CARGO_MANIFEST_DIR"));
    Identity {
        certificate: CertificateDer::from_pem_file(path("pem")).unwrap(),
        key: PrivateKeyDer::from_pem_file(path("key")).unwrap(),
    }
}

fn ca_file(name: &str) -> Tls {
    Tls::CaFile(format!("{}/tests/tls/{name}.pem", env!("CARGO_MANIFEST_DIR")).into())
}

/// Presents a certificate, and signs with whatever key it was given.
#[derive(Debug)]
struct Presents(Arc<CertifiedKey>);

impl ResolvesServerCert for Presents {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn tls_server(certificate: &Identity, key: &Identity) -> Server {
    tls_server_speaking(DEFAULT_VERSIONS, certificate, key)
}

fn tls_server_speaking(
    versions: &[&'static SupportedProtocolVersion],
    certificate: &Identity,
    key: &Identity,
) -> Server {
    let key = aws_lc_rs::sign::any_supported_type(&key.key).unwrap();
    let certified = CertifiedKey::new(vec![certificate.certificate.clone()], key);
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Presents(Arc::new(certified))));
    serve(answer("200 OK", DONE), Some(Arc::new(config)))
}

#[tokio::test]
async fn certificates_are_believed_as_set() {
    let (loopback, expired) = (identity("loopback"), identity("expired"));
    let refused = Err(Trouble::Certificate.permanent());
    let server = tls_server(&loopback, &loopback);
    assert_eq!(poll_tls(&server, Tls::SystemRoots).await, refused);
    assert_eq!(poll_tls(&server, ca_file("loopback")).await, Ok(JobState::Succeeded));
    assert_eq!(poll_tls(&server, ca_file("expired")).await, refused);
    assert_eq!(poll_tls(&server, Tls::Unverified).await, Ok(JobState::Succeeded));
    assert_eq!(server.requests.try_iter().count(), 2, "nothing is sent to a server that is not believed");

    let server = tls_server(&expired, &expired);
    assert_eq!(poll_tls(&server, ca_file("expired")).await, refused);
    let pin = |identity: &Identity| Tls::Fingerprints(vec![Fingerprint::of(&identity.certificate)]);
    assert_eq!(poll_tls(&server, pin(&expired)).await, Ok(JobState::Succeeded));
    assert_eq!(poll_tls(&server, pin(&loopback)).await, refused);
    assert_eq!(server.requests.try_iter().count(), 1);

    // Everybody can show the pinned certificate; only the firewall has its key. Either version of TLS proves it in a way of its own.
    for version in [&TLS12, &TLS13] {
        let firewall = tls_server_speaking(&[version], &expired, &expired);
        assert_eq!(poll_tls(&firewall, pin(&expired)).await, Ok(JobState::Succeeded), "{version:?}");
        let thief = tls_server_speaking(&[version], &expired, &loopback);
        assert_eq!(poll_tls(&thief, pin(&expired)).await, refused, "{version:?}");
        assert_eq!(thief.requests.try_iter().count(), 0, "{version:?}");
    }
}

#[tokio::test]
async fn an_authority_vouches_for_names_and_dates() {
    let refused = Err(Trouble::Certificate.permanent());
    for (name, expected) in [("issued", Ok(JobState::Succeeded)), ("late", refused.clone()), ("elsewhere", refused)] {
        let server = tls_server(&identity(name), &identity(name));
        assert_eq!(poll_tls(&server, ca_file("authority")).await, expected, "{name}");
        // Any certificate of a file may be the one.
        assert_eq!(poll_tls(&server, ca_file("authorities")).await, expected, "{name}");
        assert_eq!(poll_tls(&server, ca_file("loopback")).await, Err(Trouble::Certificate.permanent()), "{name}");
        assert_eq!(server.requests.try_iter().count(), if expected.is_ok() { 2 } else { 0 }, "{name}");
    }
}

/// Pieces that mean something to XML, XPath, forms or headers.
const HOSTILE: &[&str] = &[
    "'",
    "\"",
    "<",
    ">",
    "&",
    "&amp;",
    "]]>",
    "<![CDATA[",
    "<!--",
    "-->",
    "<?x?>",
    "</member>",
    "</entry>",
    "' or '1'='1",
    "\"]",
    "']",
    "|//*",
    "/../",
    "concat(",
    "%26",
    "%00",
    "+",
    "=",
    "element=",
    " ",
    "\r\n",
    "\r",
    "ü",
    "\u{1f525}",
    "a",
];

fn hostile(pieces: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(HOSTILE), 1..pieces).prop_map(|pieces| pieces.concat())
}

/// A rule of ours with this tag and description.
fn rule(tag: &TagName, description: &str) -> OwnedRule {
    let spelling = Spelling {
        direction: Direction::Ingress,
        locals: BTreeSet::from(["10.0.1.10".parse().unwrap()]),
        peers: BTreeSet::from(["0.0.0.0/0".parse().unwrap()]),
        service: Service { apps: Apps::Any, l4: L4::Any },
    };
    OwnedRule {
        name: OwnedName::parse("i-0123456789abcdef0-1").unwrap(),
        columns: Columns::of(&spelling, &BTreeSet::new()),
        spelling,
        from: "untrust".parse().unwrap(),
        to: "trust".parse().unwrap(),
        service: WrittenService::Any,
        status: Status::Enabled,
        profile_group: None,
        tags: BTreeSet::from([tag.clone()]),
        description: description.to_owned(),
        extras: Extras::Fresh { log_setting: None },
    }
}

/// A world whose firewall has one rule of ours and one of somebody else.
async fn written(tag: &TagName, description: &str) -> (Panos<Https>, SharedWorld, Served) {
    let story = Script::parse("hostile", "firewall\nrule theirs any -> any deny\n----\n").unwrap();
    let world = SharedWorld::new(World::build(&story).unwrap());
    let listen = async || tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let served = world.clone().serve(listen().await, listen().await, None).unwrap();
    let account = Account { vsys: Vsys::default(), admin: None, owner: tag.clone() };
    let (key, timeout) = (world.lock().key().parse().unwrap(), Duration::from_secs(20));
    let host: Host = format!("http://{}", served.panos).parse().unwrap();
    let endpoint = Endpoint { units: host.into(), key, tls: Tls::SystemRoots, timeout, account };
    let mut panos = Panos::connect(endpoint).unwrap();
    let above = Position::Above("theirs".parse().unwrap());
    panos.apply(&[Change::Tag(tag.clone()), Change::Put(Box::new(rule(tag, description)), above)]).await.unwrap();
    (panos, world, served)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Names of tags and texts are whatever people, or events, made them. They arrive as they were, and nothing else does.
    #[test]
    fn hostile_texts_arrive_as_they_were_and_change_nothing_else(
        tag in hostile(6).prop_filter_map("no tag", |text| text.trim().parse::<TagName>().ok()),
        text in prop_oneof![hostile(30), any::<String>()],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let seen = runtime.block_on(async {
            let (mut panos, world, _served) = written(&tag, &text).await;
            let theirs = world.lock().running_rules().map(ToString::to_string).collect::<Vec<_>>();
            prop_assert_eq!(theirs.len(), 1);
            Ok(panos.observe().await.unwrap())
        })?;
        let names: Vec<_> = seen.candidate.rules.iter().map(|rule| rule.name.as_str()).collect();
        prop_assert_eq!(names, ["i-0123456789abcdef0-1", "theirs"]);
        let [ours, theirs] = &seen.candidate.rules[..] else { unreachable!() };
        prop_assert_eq!(&ours.tags, &BTreeSet::from([tag.clone()]));
        // White space at either end and line breaks are XML's to change; what no XML holds is replaced.
        let bare = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let sent: String = text.chars().map(|c| if matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..) { c } else { '\u{fffd}' }).collect();
        prop_assert_eq!(bare(&ours.description), bare(&sent));
        prop_assert!(theirs.tags.is_empty() && theirs.description.is_empty());
        let unchanged = theirs == &seen.running.rules[0];
        prop_assert!(unchanged);
        prop_assert_eq!(seen.candidate.tags.keys().collect::<Vec<_>>(), [&tag]);
    }
}

#[tokio::test]
async fn what_does_not_speak_tls_is_no_firewall() {
    let server = serve(answer("200 OK", DONE), None);
    let address = server.address;
    // A plain server waits for a request that never comes; one that talks first is found out.
    let failure = poll_tls(&server, Tls::SystemRoots).await.unwrap_err();
    assert_eq!(failure.lasting, Lasting::Transient, "{address}: {failure:?}");
    let talker = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = talker.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in talker.incoming().map_while(Result::ok) {
            let _: Result<(), _> = TcpStream::write_all(&mut stream, b"220 mail.invalid ESMTP\r\n");
            thread::sleep(Duration::from_millis(100));
        }
    });
    let failure = client(&address.to_string(), Tls::SystemRoots).poll(JobId(7)).await.unwrap_err();
    assert!(matches!(&failure.what, Trouble::NotPanos(why) if why.starts_with("TLS: ")), "{failure:?}");
    assert_eq!(failure.lasting, Lasting::Permanent);
}
