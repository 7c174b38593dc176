//! Pauses and looks of a watch, and a run that is asked to stop at this moment or that.

use std::collections::BTreeMap;

use drawbridge_core::{
    command::{Command, Failure, Perform, Reply, Trouble},
    run::{Run, Wake},
};
use drawbridge_simulator::{
    script::{Deed, Script},
    serve::{Served, SharedWorld},
    world::{DRAWBRIDGE, World},
};
use tokio::{net::TcpListener, time::timeout};

use super::*;

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A rule of ours that is to go.
const STORY: &str = "firewall
tag drawbridge
rule i-a-1 untrust:any -> trust:10.0.1.11 allow tag drawbridge
rule clean-up any -> any deny
----
";

/// A world behind sockets.
async fn serve() -> (SharedWorld, Served) {
    let world = SharedWorld::new(World::build(&Script::parse("stopped", STORY).unwrap()).unwrap());
    let listen = async || TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let served = world.clone().serve(listen().await, listen().await, None).unwrap();
    (world, served)
}

async fn deployment(world: &SharedWorld, served: &Served) -> Deployment {
    let environment = [
        ("PANOS_HOSTNAME", format!("http://{}", served.panos)),
        ("PANOS_API_KEY", world.lock().key().to_owned()),
        ("DRAWBRIDGE_AWS_ENDPOINT_URL", format!("http://{}", served.aws)),
        ("DRAWBRIDGE_AWS_REGION", "eu-west-1".to_owned()),
        ("DRAWBRIDGE_MODE", "sync".to_owned()),
        ("DRAWBRIDGE_GATEWAYS", "i-0aaaaaaaaaaaaaaa1".to_owned()),
        ("DRAWBRIDGE_POLICY_OWNER", "drawbridge".to_owned()),
        ("DRAWBRIDGE_POLICY_BOTTOM_RULE", "clean-up".to_owned()),
        ("DRAWBRIDGE_POLICY_UNTRUST_ZONE", "untrust".to_owned()),
        ("DRAWBRIDGE_POLICY_TRUST_ZONE", "trust".to_owned()),
    ];
    let environment: BTreeMap<_, _> = environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let settings = Settings::read(None, &environment).unwrap();
    deployment::with_credentials(settings, DRAWBRIDGE, "secret").await.unwrap()
}

/// One that hears of nothing, and whose runs have no time for anything.
async fn idle() -> (Watch, Stopper) {
    let (world, served) = serve().await;
    let (stopper, stop) = Stopper::new();
    let deployment = deployment(&world, &served).await;
    let (every, within) = (Duration::from_secs(3600), Duration::ZERO);
    (Watch { deployment, listener: Listener::Nothing, every, within, stop, failures: 0 }, stopper)
}

#[tokio::test]
async fn pauses_grow_but_not_beyond_the_time_between_two_looks() {
    let (mut watch, _stopper) = idle().await;
    let mut pauses = |every: u64| {
        watch.every = Duration::from_secs(every);
        let pause = |failures| {
            watch.failures = failures;
            watch.pause().as_secs()
        };
        [1, 2, 3, 4, 5, 6, 7, 8, 100].map(pause)
    };
    assert_eq!(pauses(3600), [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    assert_eq!(pauses(60), [5, 10, 20, 40, 60, 60, 60, 60, 60]);
}

#[tokio::test]
async fn no_pause_keeps_it_from_stopping() {
    let (mut watch, stopper) = idle().await;
    watch.failures = 100;
    stopper.stop();
    let refused = Trouble::AwsDenied { call: "ReceiveMessage".to_owned() }.permanent();
    assert!(timeout(PATIENCE, watch.heard(Err(refused))).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_irrelevant_is_no_look_and_no_failure() {
    let (mut watch, _stopper) = idle().await;
    assert!(watch.see_to(News::schedule()).await);
    assert_eq!(watch.failures, 1, "there was no time");
    let mut irrelevant = News::schedule();
    irrelevant.trigger.wake = Wake::ByEvents;
    assert!(!watch.see_to(irrelevant).await);
    assert_eq!(watch.failures, 0);
}

#[tokio::test]
async fn whoever_is_gone_asks_for_nothing() {
    let (stopper, mut stop) = Stopper::new();
    drop(stopper);
    assert!(timeout(Duration::from_millis(20), stop.asked()).await.is_err());
    assert!(!stop.is_asked());
}

/// When somebody asks to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// While this command is under way.
    During(&'static str),
    /// When it has its answer.
    After(&'static str),
}

/// A firewall behind sockets, and a time that passes only where it is waited for.
struct Stopping<'d> {
    live: Live<'d>,
    world: SharedWorld,
    elapsed: Duration,
    stopper: Stopper,
    when: When,
    /// What was begun, and what of it was ended.
    begun: Vec<String>,
    ended: usize,
}

impl Stopping<'_> {
    fn stop_if(&self, now: When) {
        if self.when == now {
            self.stopper.stop();
        }
    }
}

impl Perform for Stopping<'_> {
    fn elapsed(&self) -> Duration {
        self.elapsed
    }

    async fn perform(&mut self, command: &Command, limit: Duration) -> Result<Reply, Failure> {
        let name = match command {
            Command::Observe(_) => "look",
            Command::Apply(_) => "write",
            Command::Commit(_) => "commit",
            Command::PollJob(_) => "poll",
            Command::Revert => "revert",
            Command::FetchLog(_) | Command::CommitAll(_) => panic!("{command}"),
        };
        self.begun.push(name.to_owned());
        self.stop_if(When::During(name));
        let reply = self.live.perform(command, limit).await;
        self.stop_if(When::After(name));
        self.ended += 1;
        reply
    }

    async fn sleep(&mut self, how_long: Duration) {
        self.elapsed += how_long;
        self.world.lock().advance(how_long);
        tokio::task::yield_now().await;
    }
}

impl driver::World for Stopping<'_> {
    async fn leave(&mut self) {
        driver::World::leave(&mut self.live).await;
    }
}

/// What a run does that is asked to stop then, whose commits take so long: what it begins, how it ends and after what time.
async fn stopped(when: When, commit_takes: Duration) -> (Vec<String>, Option<Ending>, Duration) {
    stopped_beside(when, commit_takes, "calm").await
}

/// The same, when this has happened before.
async fn stopped_beside(when: When, commit_takes: Duration, deed: &str) -> (Vec<String>, Option<Ending>, Duration) {
    let (world, served) = serve().await;
    world.lock().firewall_settings().commit_takes = commit_takes;
    world.lock().perform(&Deed::parse(deed).unwrap()).unwrap();
    let mut deployment = deployment(&world, &served).await;
    let (budget, (stopper, mut stop)) = (Duration::from_secs(900), Stopper::new());
    let mut run = Run::removal(deployment.settings.config.clone(), budget, 1);
    let live = Live::new(&mut deployment, budget);
    let mut stopping = Stopping { live, world, elapsed: Duration::ZERO, stopper, when, begun: Vec::new(), ended: 0 };
    let outcome = graceful::drive(&mut run, &mut stopping, budget, &mut stop).await;
    assert!(stop.is_asked(), "{when:?}: {:?}", stopping.begun);
    let broken_off = stopping.begun.get(stopping.ended).map(String::as_str);
    assert_eq!(broken_off, (when == When::During("look")).then_some("look"), "{when:?}");
    (stopping.begun, outcome.map(|outcome| outcome.ending), stopping.elapsed)
}

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn before_anything_is_changed_nothing_more_is_begun() {
    for when in [When::During("look"), When::After("look")] {
        let (begun, ending, _) = stopped(when, SOON).await;
        assert_eq!((begun.concat().as_str(), ending), ("look", None), "{when:?}");
    }
}

#[tokio::test]
async fn what_is_changed_is_committed_whenever_somebody_asks_to_stop() {
    for when in [When::During("write"), When::After("write"), When::During("commit"), When::During("poll")] {
        let (begun, ending, _) = stopped(when, SOON).await;
        assert!(begun.join(" ").contains("write look commit poll"), "{when:?}: {begun:?}");
        assert_eq!(ending, Some(Ending::InSync), "{when:?}: {begun:?}");
    }
}

#[tokio::test]
async fn what_failed_to_commit_is_taken_back_whenever_somebody_asks_to_stop() {
    for when in [When::During("write"), When::During("poll"), When::After("poll")] {
        let (begun, ending, _) = stopped_beside(when, SOON, "fault job 1 fail \"Commit failed\"").await;
        assert!(begun.join(" ").ends_with("poll look revert"), "{when:?}: {begun:?}");
        assert_eq!(ending, Some(Ending::Failed), "{when:?}: {begun:?}");
    }
}

#[tokio::test]
async fn a_commit_that_takes_too_long_is_left_to_the_next_run() {
    let (begun, ending, elapsed) = stopped(When::During("write"), Duration::from_secs(600)).await;
    assert_eq!(ending, Some(Ending::OutOfTime), "{begun:?}");
    assert!(elapsed <= GRACE, "{elapsed:?}");
}
