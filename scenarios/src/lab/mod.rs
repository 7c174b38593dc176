//! The lab: one world, Drawbridge at work in it, and a page on loopback that shows both.
//!
//! ```text
//!     browser ◄── server ◄── hub ◄── watch ──► World ◄── served on loopback ──► AWS CLI, pan-os-python, …
//!        │           │        ▲                 ▲  ▲
//!        └── deeds ──┴────────┼── deed ─────────┘  │ HTTP
//!                             └── drawbridge ── the real adapters
//! ```
//!
//! Time is real. `watch` notices what anybody has changed and tells the page the difference; `drawbridge` runs whenever
//! CloudTrail has written a file, as it would in Lambda. What the page says about rules and instances is what
//! `drawbridge explain` says, from a look of the lab's own (`eyes`).

mod deed;
mod drawbridge;
mod eyes;
mod guard;
mod hub;
mod server;
mod stories;
mod timeline;
mod view;
mod watch;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use ::drawbridge::settings::Settings;
use drawbridge_core::config::Config;
use drawbridge_simulator::{
    http::tls::{Identity, TlsError, TlsListener},
    script::{FirewallLine, Mistake, Script},
    serve::SharedWorld,
    world::{DRAWBRIDGE, World},
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc, oneshot},
    task::{JoinHandle, JoinSet},
};

use self::{drawbridge::News, eyes::Eyes, hub::Hub};
use crate::{
    replay::nowhere,
    settings,
    wire::{Wire, WireError},
};

/// The world that the lab begins with unless another one is given.
pub const FIRST_WORLD: &str = include_str!("../../lab/world.scenario");

/// The stack of our threads, as much as a program's first one has: the SDK's futures are deep where nothing is optimised.
const STACK: usize = 8 << 20;

/// How the lab is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port of the page, on loopback; 0 takes any free one.
    pub port: u16,
    /// How often CloudTrail writes what happened into a log file.
    pub deliver: Duration,
    /// How often Drawbridge looks without having heard of anything.
    pub schedule: Duration,
    /// Whether Drawbridge waits as long as its settings say.
    pub waits: Waits,
    /// Where the stories are.
    pub stories: PathBuf,
}

/// How long Drawbridge waits before it looks, looks again, and asks about a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// So short that one can watch.
    Short,
    /// As the settings say.
    AsSet,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            deliver: Duration::from_secs(1),
            schedule: Duration::from_secs(5 * 60),
            waits: Waits::Short,
            stories: PathBuf::from("scenarios"),
        }
    }
}

/// Why there is no lab.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The world makes no sense.
    #[error(transparent)]
    Mistake(#[from] Mistake),
    /// Drawbridge refuses the settings of the world.
    #[error("{}", .0.join("\n"))]
    Settings(Vec<String>),
    /// Somebody else has the port of the page.
    #[error("cannot listen at 127.0.0.1:{port}: {why}; choose another with `--port`, or 0 for any free one")]
    Port {
        /// Which port.
        port: u16,
        /// What the system says.
        why: io::Error,
    },
    /// The servers do not start.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The certificate says no.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl From<io::Error> for LabError {
    fn from(error: io::Error) -> Self {
        Self::Wire(error.into())
    }
}

/// A lab at work, until this is dropped.
pub struct Lab {
    /// Where the page is.
    pub page: SocketAddr,
    /// How other clients reach firewall and AWS.
    pub access: Access,
    /// The world itself.
    pub world: SharedWorld,
    server: JoinHandle<()>,
    /// Drawbridge stops when this is gone.
    _drawbridge: oneshot::Sender<()>,
    _others: JoinSet<()>,
}

/// How other clients reach firewall and AWS: everything here is made up, and worthless elsewhere.
#[derive(Clone, Debug)]
pub struct Access {
    /// The firewall's XML API.
    pub firewall: Vec<String>,
    /// The same with TLS, for clients that insist on it.
    pub firewall_tls: String,
    /// Its certificate.
    pub certificate: String,
    /// The API key of Drawbridge's administrator.
    pub key: String,
    /// Other administrators; the password of each is the name and `-password`.
    pub admins: Vec<String>,
    /// EC2 and S3.
    pub aws: String,
    /// The region.
    pub region: String,
}

/// What everything here has in common.
struct Shared {
    world: SharedWorld,
    config: Config,
    options: Options,
    hub: Hub,
    eyes: Mutex<Eyes>,
    news: mpsc::UnboundedSender<News>,
    access: Access,
}

impl Lab {
    /// Serves a world and begins to work in it. What happens in the story is left out. Must be called within a runtime.
    ///
    /// # Errors
    /// [`LabError`]: the world or its settings make no sense, or there are no ports.
    pub async fn open(script: &Script, options: Options) -> Result<Self, LabError> {
        let listener = page_listener(options.port).await?;
        let page = listener.local_addr()?;
        let mut world = World::build(script)?;
        world.run_in_real_time(OffsetDateTime::now_utc());
        world.watch_commits();
        let world = SharedWorld::new(world);

        let wire = Wire::serve(&world).await?;
        let set = settings::of_story(&world, &wire.firewall_urls, Some(&wire.aws_url)).map_err(LabError::Settings)?;
        let set = at_a_pace(set, options.waits);
        let mut others = JoinSet::new();
        let access = access(script, &world, &wire, &mut others).await?;
        let own = settings::of_story(&world, &nowhere(&world), None).map_err(LabError::Settings)?;
        let (news, heard) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            world: world.clone(),
            config: set.config.clone(),
            options,
            hub: Hub::default(),
            eyes: Mutex::new(Eyes::new(&world, &at_a_pace(own, Waits::AsSet))),
            news,
            access: access.clone(),
        });
        let drawbridge = drawbridge::start(shared.clone(), wire, set, heard).await?;
        others.spawn(watch::keep_watching(shared.clone()));
        let server = tokio::spawn(server::serve(listener, shared));
        Ok(Self { page, access, world, server, _drawbridge: drawbridge, _others: others })
    }

    /// Waits until the page is served no more, which does not happen by itself.
    pub async fn closed(&mut self) {
        let _ = (&mut self.server).await;
    }

    /// What a newcomer has to know, for a terminal.
    pub fn introduction(&self) -> String {
        let Access { firewall, firewall_tls, key, admins, aws, region, .. } = &self.access;
        let page = self.page;
        let certificate = format!("http://{page}/firewall.pem");
        let admins: Vec<_> = admins.iter().map(|admin| format!("{admin} / {admin}-password")).collect();
        format!(
            "the lab    http://{page}\n\n\
             firewall   {}   with TLS {firewall_tls}, certificate {certificate}\n\
             \x20 as       API key {key} ({DRAWBRIDGE}); {}\n\
             \x20 try      curl -H 'X-PAN-KEY: {key}' -d type=op -d 'cmd=<show><system><info/></system></show>' {}/api/\n\
             AWS        {aws}\n\
             \x20 as       AWS_ENDPOINT_URL={aws} AWS_ACCESS_KEY_ID=me AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION={region}\n\
             \x20 try      aws --region {region} --endpoint-url {aws} ec2 describe-instances\n\n\
             Ctrl-C ends all of it, and nothing is kept.",
            firewall.join(" and "),
            admins.join(", "),
            firewall[0],
        )
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Access {
    /// For the page.
    fn to_json(&self) -> Value {
        let Self { firewall, firewall_tls, key, admins, aws, region, .. } = self;
        json!({
            "firewall": firewall, "firewall_tls": firewall_tls, "key": key, "own": DRAWBRIDGE, "admins": admins,
            "aws": aws, "region": region,
        })
    }
}

async fn page_listener(port: u16) -> Result<TcpListener, LabError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|why| LabError::Port { port, why })
}

/// Shortens the waits, so that one can watch.
fn at_a_pace(mut settings: Settings, waits: Waits) -> Settings {
    let timing = &mut settings.config.timing;
    if waits == Waits::Short {
        timing.settle = timing.settle.min(Duration::from_secs(1));
        timing.poll = timing.poll.min(Duration::from_secs(1));
        timing.confirm_empty = timing.confirm_empty.min(Duration::from_secs(5));
    }
    settings
}

/// Opens a second door to the firewall, with TLS: some clients insist on it.
async fn access(
    script: &Script,
    world: &SharedWorld,
    wire: &Wire,
    others: &mut JoinSet<()>,
) -> Result<Access, LabError> {
    let identity = Identity::self_signed(&["localhost", "127.0.0.1"])?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let (listener, router) = (TlsListener::new(listener, &identity)?, world.panos());
    others.spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    let admins = script
        .setup
        .firewall
        .iter()
        .filter_map(|line| if let FirewallLine::Admin(name) = &line.what { Some(name.clone()) } else { None });
    let world = world.lock();
    Ok(Access {
        firewall: wire.firewall_urls.clone(),
        firewall_tls: format!("https://{address}"),
        certificate: identity.certificate_pem(),
        key: world.key().to_owned(),
        admins: std::iter::once("admin".to_owned()).chain(admins).collect(),
        aws: wire.aws_url.clone(),
        region: world.cloud().region().to_owned(),
    })
}
