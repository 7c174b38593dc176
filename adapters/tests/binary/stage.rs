//! A world to run the program in, and the program.

use std::{
    collections::BTreeMap,
    env, fs,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use drawbridge_simulator::{
    clock::EPOCH,
    firewall::Request,
    http::tls::Identity,
    script::Script,
    serve::{Served, SharedWorld, Standby},
    world::{Performed, Tree, World},
    xml::Element,
};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::{net::TcpListener, time::sleep};

/// The set-up of the first story: one web server behind the firewall, stopped.
const STORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/first-day.scenario");

/// Nothing here takes longer, not even on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a running program is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// How much time passes in the world meanwhile.
const TICK: Duration = Duration::from_millis(200);

/// Must not be seen in any output, as little as the firewall's API key.
const AWS_SECRET: &str = "the-secret-of-the-aws-account";

/// A world behind sockets and the environment in which the program finds it.
pub(crate) struct Stage {
    pub(crate) world: SharedWorld,
    _served: Served,
    _standby: Option<Standby>,
    variables: BTreeMap<String, String>,
}

impl Stage {
    /// The world of the first story.
    pub(crate) async fn new() -> Self {
        Self::served(&story(), None).await
    }

    /// The same, the firewall being two units of which the first is active.
    pub(crate) async fn with_pair() -> Self {
        let mut stage = Self::served(&story().replace("\nfirewall\n", "\nfirewall\nha pair\n"), None).await;
        let standby = stage.world.serve_standby(TcpListener::bind(("127.0.0.1", 0)).await.unwrap()).unwrap();
        let units = format!("{},http://{}", stage.variable("PANOS_HOSTNAME"), standby.address);
        stage._standby = Some(standby);
        stage.set("PANOS_HOSTNAME", &units)
    }

    /// The same, the firewall behind TLS with this certificate.
    pub(crate) async fn with_certificate(identity: &Identity) -> Self {
        Self::served(&story(), Some(identity)).await
    }

    async fn served(story: &str, identity: Option<&Identity>) -> Self {
        let story = Script::parse("first-day", story).unwrap();
        let world = SharedWorld::new(World::build(&story).unwrap());
        let listen = || TcpListener::bind(("127.0.0.1", 0));
        let served = world.clone().serve(listen().await.unwrap(), listen().await.unwrap(), identity).unwrap();
        let scheme = if identity.is_some() { "https" } else { "http" };
        let variables = environment(&world.lock(), &format!("{scheme}://{}", served.panos), served.aws);
        Self { world, _served: served, _standby: None, variables }
    }

    /// The same world, with the web server started: there is something to change.
    pub(crate) fn with_work(self) -> Self {
        self.tell("deliver StartInstances i-web-2");
        self.tell("wait 1m");
        self
    }

    /// Sets a variable of the environment.
    pub(crate) fn set(mut self, variable: &str, value: &str) -> Self {
        self.variables.insert(variable.to_owned(), value.to_owned());
        self
    }

    /// What a variable is.
    pub(crate) fn variable(&self, name: &str) -> &str {
        &self.variables[name]
    }

    /// Takes a variable away.
    pub(crate) fn unset(mut self, variable: &str) -> Self {
        self.variables.remove(variable).unwrap();
        self
    }

    /// Does a deed, in the words of a story.
    pub(crate) fn tell(&self, deed: &str) -> Performed {
        let story = Script::parse("deed", &format!("{deed}\n----\n")).unwrap();
        self.world.lock().perform(&story.blocks[0].deeds[0].what).unwrap()
    }

    /// Does a deed that wakes Drawbridge, and says with what.
    pub(crate) fn event(&self, deed: &str) -> Value {
        match self.tell(deed) {
            Performed::Heard(event) => event,
            Performed::Done
            | Performed::Settled
            | Performed::Applied(_)
            | Performed::Uninstalled
            | Performed::Asked(_) => {
                panic!("nobody hears of `{deed}`")
            }
        }
    }

    /// The id that a story's short one stands for.
    pub(crate) fn real(&self, text: &str) -> String {
        self.world.lock().names().lengthen(text)
    }

    /// A text with the short ids of the story.
    pub(crate) fn short(&self, text: &str) -> String {
        self.world.lock().names().shorten(text)
    }

    /// The names of the rules that are in force, with the short ids of the story.
    pub(crate) fn running_rules(&self) -> Vec<String> {
        let world = self.world.lock();
        world.rules(Tree::Running).iter().map(|rule| world.names().shorten(&rule.name)).collect()
    }

    /// What the firewall answers to an operational command of its administrator's.
    pub(crate) fn asked(&self, command: &str) -> String {
        self.asked_by("admin", &[("type", "op"), ("cmd", command)])
    }

    /// What the firewall answers to a request of this administrator's.
    pub(crate) fn asked_by(&self, admin: &str, parameters: &[(&str, &str)]) -> String {
        let mut world = self.world.lock();
        let key = world.firewall().key_of(admin);
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        world.panos(&Request { parameters, key, basic: None }).text()
    }

    /// Does to the firewall what only those can who run the world: `refuse-next` and the like.
    pub(crate) fn control(&self, deed: &str, fields: &[(&str, &str)]) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.world.lock().control_firewall(deed, &fields).unwrap();
    }

    /// Candidate and running configuration.
    pub(crate) fn trees(&self) -> [Element; 2] {
        let world = self.world.lock();
        [world.firewall().candidate().clone(), world.firewall().running().clone()]
    }

    /// Runs the program to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).end(self).await
    }

    /// Runs the program to its end, which must be one line about what is wrong; the firewall must stand as it did.
    #[track_caller]
    pub(crate) fn fails(&self, arguments: &[&str]) -> impl Future<Output = String> {
        let before = self.trees();
        async move {
            let ended = self.run(arguments).await;
            assert_eq!((ended.status, ended.stderr.lines().count()), (Some(1), 1), "{arguments:?}: {ended:#?}");
            assert!(self.trees() == before, "{arguments:?} changed the firewall");
            ended.stderr.trim_end().strip_prefix("error: ").unwrap().to_owned()
        }
    }

    /// Starts the program in its environment, and in no other.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let (stdout, stderr) = (NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_drawbridge"))
            .args(arguments)
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::null())
            .stdout(stdout.reopen().unwrap())
            .stderr(stderr.reopen().unwrap())
            .spawn()
            .unwrap();
        Running { child, stdout, stderr }
    }

    /// Lets time pass, here and in the world.
    pub(crate) async fn idle(&self) {
        self.world.lock().advance(TICK);
        sleep(LOOK).await;
    }
}

fn story() -> String {
    fs::read_to_string(STORY).unwrap()
}

/// What must be set, and times that make nobody wait.
fn environment(world: &World, firewall_url: &str, aws: SocketAddr) -> BTreeMap<String, String> {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "drawbridge"),
        ("AWS_SECRET_ACCESS_KEY", AWS_SECRET),
        ("AWS_REGION", world.cloud().region()),
        ("AWS_ENDPOINT_URL", &format!("http://{aws}")),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("PANOS_HOSTNAME", firewall_url),
        ("PANOS_API_KEY", world.key()),
        ("DRAWBRIDGE_MODE", "sync"),
        ("DRAWBRIDGE_GATEWAYS", &world.names().lengthen("i-fw")),
        ("DRAWBRIDGE_POLICY_OWNER", "drawbridge"),
        ("DRAWBRIDGE_POLICY_BOTTOM_RULE", "Clean up"),
        ("DRAWBRIDGE_POLICY_UNTRUST_ZONE", "untrust"),
        ("DRAWBRIDGE_POLICY_TRUST_ZONE", "trust"),
        ("DRAWBRIDGE_TIMING_SETTLE", "0s"),
        ("DRAWBRIDGE_TIMING_CONFIRM_EMPTY", "10ms"),
        ("DRAWBRIDGE_TIMING_POLL", "20ms"),
        ("DRAWBRIDGE_TIMING_RESERVE", "1s"),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// The program while it runs. It does not outlive this.
pub(crate) struct Running {
    child: Child,
    stdout: NamedTempFile,
    stderr: NamedTempFile,
}

/// What is left of a program that has run.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Running {
    /// Waits for the end. Whatever the program said, it kept its secrets and wrote no escape codes into a file.
    pub(crate) async fn end(mut self, stage: &Stage) -> Ended {
        let began = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status.code(),
                None if began.elapsed() > PATIENCE => panic!("it does not end: {:#?}", self.said(stage, None)),
                None => stage.idle().await,
            }
        };
        self.said(stage, status)
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub(crate) fn said(&self, stage: &Stage, status: Option<i32>) -> Ended {
        let text = |file: &NamedTempFile| fs::read_to_string(file).unwrap();
        let ended = Ended { status, stdout: text(&self.stdout), stderr: text(&self.stderr) };
        for secret in [stage.world.lock().key(), AWS_SECRET, "\u{1b}["] {
            assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret), "{secret:?} in {ended:#?}");
        }
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lets the world's clock show the real time.
pub(crate) fn in_real_time(stage: &Stage) {
    behind(stage, Duration::ZERO);
}

/// Lets the world's clock show what the real one showed so long ago.
pub(crate) fn behind(stage: &Stage, ago: Duration) {
    let began = SystemTime::UNIX_EPOCH + Duration::from_secs(EPOCH.unix_timestamp().try_into().unwrap());
    let date = match (SystemTime::now() - ago).duration_since(began) {
        Ok(since) => EPOCH + since,
        Err(before) => EPOCH - before.duration(),
    };
    stage.world.lock().run_in_real_time(date);
}
