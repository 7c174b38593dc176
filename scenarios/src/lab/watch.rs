//! Notices what has changed, tells the page, and lets CloudTrail and the schedule wake Drawbridge.

use std::{sync::Arc, time::Duration};

use drawbridge_simulator::{script::Limits, xml::Element};
use serde_json::json;
use tokio::{
    runtime::Handle,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval},
};

use super::{
    Shared,
    drawbridge::News,
    eyes::Seen,
    timeline::{self, Before, clock},
    view,
};

/// How often the world is compared with what the page knows.
const TICK: Duration = Duration::from_millis(20);

/// How often while a commit job is at work or has failed, and what the firewall says of it depends on the time.
const AT_WORK: Duration = Duration::from_millis(200);

/// Watches for ever.
pub(super) async fn keep_watching(lab: Arc<Shared>) {
    let mut watch = Watch {
        lab: lab.clone(),
        before: Before::default(),
        told: None,
        marks: None,
        seen: Seen::default(),
        refreshed: Instant::now(),
        cost: Duration::ZERO,
        looking: None,
        recorded: None,
        looked: Instant::now(),
    };
    lab.hub.publish([("access", lab.access.to_json())]);
    let _ = lab.news.send(News::look("the lab opens: a first look", Limits::Kept));
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        watch.tick().await;
    }
}

struct Watch {
    lab: Arc<Shared>,
    before: Before,
    /// What the page knows.
    told: Option<Marks>,
    /// What was looked at last.
    marks: Option<Marks>,
    seen: Seen,
    refreshed: Instant,
    /// How long it took to look.
    cost: Duration,
    /// The look under way, and when it began.
    looking: Option<(JoinHandle<Seen>, Instant)>,
    /// When the first record came that no file holds yet.
    recorded: Option<Instant>,
    looked: Instant,
}

/// What is another one whenever anything may have changed.
#[derive(Clone, PartialEq)]
struct Marks {
    cloud: Option<u64>,
    firewall: Option<u64>,
    write: u64,
    running: Arc<Element>,
}

/// Whether the page knows how one side of the world is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Told,
    Changed,
}

impl Marks {
    fn are(&self, other: &Self) -> bool {
        self.cloud == other.cloud && self.are_of_firewall(other)
    }

    fn are_of_firewall(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.running, &other.running) && (self.firewall, self.write) == (other.firewall, other.write)
    }
}

impl Watch {
    async fn tick(&mut self) {
        self.deliver();
        let is_seen = self.take_look().await;
        let marks = self.marks();
        let is_at_work = marks.cloud.is_none() || marks.firewall.is_none();
        // In a large world less often: most of the time is everybody else's.
        let is_due = is_at_work && self.refreshed.elapsed() >= AT_WORK.max(self.cost * 5);
        let is_told = |of: &dyn Fn(&Marks) -> bool| !is_due && !is_seen && self.told.as_ref().is_some_and(of);
        let cloud = if is_told(&|told| told.cloud == marks.cloud) { Side::Told } else { Side::Changed };
        let firewall = if is_told(&|told| told.are_of_firewall(&marks)) { Side::Told } else { Side::Changed };
        if [cloud, firewall].contains(&Side::Changed) {
            self.tell_events(firewall);
            self.tell_state(cloud, firewall);
            self.told = Some(marks.clone());
        }
        let is_changed = is_due || self.marks.as_ref().is_none_or(|before| !before.are(&marks));
        // What is changed while somebody looks is looked at next.
        if is_changed && self.looking.is_none() {
            self.marks = Some(marks);
            self.refreshed = Instant::now();
            self.looking = Some((self.look(), Instant::now()));
        }
    }

    /// Looks, in another thread: in a large world it takes a while to work out what everything means.
    fn look(&self) -> JoinHandle<Seen> {
        let (lab, runtime) = (self.lab.clone(), Handle::current());
        tokio::task::spawn_blocking(move || runtime.block_on(async { lab.eyes.lock().await.look().await }))
    }

    /// Takes what was seen, if somebody has looked.
    async fn take_look(&mut self) -> bool {
        let Some((look, began)) = self.looking.take_if(|(look, _)| look.is_finished()) else { return false };
        self.cost = began.elapsed();
        if let Ok(seen) = look.await {
            self.seen = seen;
        }
        true
    }

    fn marks(&self) -> Marks {
        let mut world = self.lab.world.lock();
        Marks {
            cloud: world.cloud_generation(),
            firewall: world.firewall_generation(),
            write: world.firewall().latest_write(),
            running: world.firewall().kept_running().clone(),
        }
    }

    /// Tells the page what has happened. Names come first: what follows is full of them.
    fn tell_events(&mut self, firewall: Side) {
        let (at, names, entries) = {
            let mut world = self.lab.world.lock();
            let mut entries = timeline::of_cloud(&mut world);
            if firewall == Side::Changed {
                let (pending, locks) = (world.pending(), view::firewall::locks(&mut world));
                entries.extend(self.before.of_firewall(&mut world, &pending, &locks));
            }
            (clock(world.now()), view::names(&world), entries)
        };
        self.lab.hub.publish([("names", names)]);
        entries.into_iter().for_each(|entry| self.lab.hub.note(&at, entry));
    }

    /// Tells the page how everything is by now.
    fn tell_state(&self, cloud: Side, firewall: Side) {
        let Shared { config, access, .. } = &*self.lab;
        let mut sections = vec![("decision", json!({ "unfit": self.seen.unfit, "mode": view::mode(config) }))];
        if cloud == Side::Changed {
            let world = self.lab.world.lock();
            sections.push(("instances", view::cloud::instances(&world, &self.seen)));
            sections.push(("groups", view::cloud::groups(&world, &self.seen)));
        }
        if firewall == Side::Changed {
            let mut world = self.lab.world.lock();
            let (pending, locks) = (world.pending(), view::firewall::locks(&mut world));
            sections.push(("rules", view::rulebase::rows(&world, &pending, &self.seen, config)));
            sections.push(("firewall", view::firewall::state(&world, &locks, &pending, &access.admins)));
        }
        self.lab.hub.publish(sections);
    }

    /// Lets CloudTrail write its file when it is time, and the schedule come round.
    fn deliver(&mut self) {
        let Shared { options, world, news, .. } = &*self.lab;
        let heard = {
            let mut world = world.lock();
            if world.cloud().buffered().is_empty() {
                self.recorded = None;
                None
            } else if self.recorded.get_or_insert_with(Instant::now).elapsed() >= options.deliver {
                let keys = world.write_logs();
                Some(world.cloud().s3_notification(&keys, world.now()))
            } else {
                None
            }
        };
        if let Some(notification) = heard {
            self.lab.hear("CloudTrail wrote a log file".to_owned(), &notification);
        }
        if self.looked.elapsed() >= options.schedule {
            self.looked = Instant::now();
            let _ = news.send(News::look("the schedule", Limits::Kept));
        }
    }
}
