//! Drawbridge at work: a run whenever there is news, one at a time, with every step on the timeline.

use std::{io, sync::Arc, thread, time::Duration};

use drawbridge::{driver, settings::Settings};
use drawbridge_core::{
    command::{Command, Failure, Reply},
    config::{self, Config},
    report::{Ending, Outcome, Report},
    run::{Input, Next, Trigger, Wake},
};
use drawbridge_simulator::{faults::Moment, script::Limits, world::Performed};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    STACK, Shared,
    hub::{Entry, Kind},
};
use crate::{
    stage::{Act, BUDGET, kind},
    wire::{ByWire, Wire, WireError},
};

/// Something for which Drawbridge is woken.
#[derive(Clone, Debug)]
pub(super) struct News {
    /// As a person would say it.
    pub(super) what: String,
    /// What the run begins with.
    pub(super) trigger: Trigger,
    /// What becomes of the limits.
    pub(super) limits: Limits,
}

impl News {
    /// A run without any event.
    pub(super) fn look(what: &str, limits: Limits) -> Self {
        let trigger = Trigger { logs: Vec::new(), events: Vec::new(), wake: Wake::Always };
        Self { what: what.to_owned(), trigger, limits }
    }

    /// What comes while Drawbridge is busy is one run.
    fn add(&mut self, more: Self) {
        self.what = format!("{}; {}", self.what, more.what);
        self.trigger.logs.extend(more.trigger.logs);
        self.trigger.events.extend(more.trigger.events);
        if more.trigger.wake == Wake::Always {
            self.trigger.wake = Wake::Always;
        }
        if more.limits == Limits::Accepted {
            self.limits = Limits::Accepted;
        }
    }
}

/// Starts it in a thread of its own, because deciding about a large world takes a while and the page is not to wait. It stops
/// when what is returned is dropped.
///
/// # Errors
/// If it cannot be put together.
pub(super) async fn start(
    lab: Arc<Shared>,
    wire: Wire,
    settings: Settings,
    heard: mpsc::UnboundedReceiver<News>,
) -> Result<oneshot::Sender<()>, WireError> {
    let (stop, stopped) = oneshot::channel();
    let (tell, told) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let work = async move {
        match wire.connect(settings).await {
            Ok(actor) => {
                let _ = tell.send(Ok(()));
                tokio::select! {
                    () = keep_running(lab, actor, heard) => {}
                    _ = stopped => {}
                }
            }
            Err(error) => drop(tell.send(Err(error))),
        }
    };
    thread::Builder::new().name("drawbridge".to_owned()).stack_size(STACK).spawn(move || runtime.block_on(work))?;
    let ended = |_| Err(io::Error::other("Drawbridge's thread ended before it began").into());
    told.await.unwrap_or_else(ended).map(|()| stop)
}

/// Runs for ever.
async fn keep_running(lab: Arc<Shared>, mut actor: ByWire, mut heard: mpsc::UnboundedReceiver<News>) {
    lab.status(json!({ "doing": null, "last": "has not run yet", "ending": null }));
    while let Some(mut news) = heard.recv().await {
        while let Ok(more) = heard.try_recv() {
            news.add(more);
        }
        run(&lab, &mut actor, news).await;
        lab.world.lock().end();
    }
}

async fn run(lab: &Shared, actor: &mut ByWire, news: News) {
    lab.note(Entry::new(Kind::Run, format!("Drawbridge hears: {}", news.what)));
    let accepting = Config { limits: config::Limits::ACCEPTED, ..lab.config.clone() };
    let config = if news.limits == Limits::Accepted { &accepting } else { &lab.config };
    let began = Instant::now();
    let mut run = driver::begin(news.trigger, config, BUDGET, u64::from(std::process::id()));
    let mut steps = Steps { lab, told: 0 };
    let mut input = Input::Begin;
    loop {
        match run.advance(began.elapsed(), input) {
            Next::Do(command, limit) => {
                steps.tell(run.report());
                lab.doing(&command.to_string(), &detail(&command));
                input = match carry_out(lab, actor, &command, limit).await {
                    Some(Ok(reply)) => Input::Done(reply),
                    Some(Err(failure)) => Input::Failed(failure),
                    None => return died(lab),
                };
            }
            Next::Sleep(how_long) => {
                steps.tell(run.report());
                lab.doing("wait", &format!("{:.1} s", how_long.as_secs_f64()));
                tokio::time::sleep(how_long).await;
                input = Input::Woke;
            }
            Next::Finish(outcome) => {
                steps.tell(&outcome.report);
                return ended(lab, &outcome);
            }
        }
    }
}

/// Steps that have been told already.
struct Steps<'l> {
    lab: &'l Shared,
    told: usize,
}

impl Steps<'_> {
    /// One entry for each command that has its answer.
    fn tell(&mut self, report: &Report) {
        for step in report.steps.iter().skip(self.told) {
            let Some((first, more)) = step.said.split_first() else { return };
            self.told += 1;
            let text = format!("{}: {first}", step.command);
            self.lab.note(Entry::new(Kind::Step, text).with(more.iter().cloned()));
        }
    }
}

/// Carries out a command with everything that is to happen meanwhile; nothing if the process dies.
async fn carry_out(
    lab: &Shared,
    actor: &mut ByWire,
    command: &Command,
    limit: Duration,
) -> Option<Result<Reply, Failure>> {
    let kind = kind(command);
    let (dies_before, dies_after, met) = {
        let mut world = lab.world.lock();
        world.begin(kind);
        let met: Vec<_> = world.troubles().iter().map(ToString::to_string).collect();
        (world.kills(Moment::Before), world.kills(Moment::After), met)
    };
    met.iter().for_each(|trouble| lab.note(Entry::new(Kind::Fault, format!("{} meets: {trouble}", kind.name()))));
    meanwhile(lab, Moment::Before);
    if dies_before {
        return None;
    }
    let reply = actor.act(command, limit).await;
    // Whoever else asks now is not Drawbridge.
    let met = {
        let mut world = lab.world.lock();
        world.end();
        world.take_met()
    };
    met.iter().for_each(|trouble| lab.note(Entry::new(Kind::Fault, format!("a request meets: {trouble}"))));
    meanwhile(lab, Moment::After);
    if dies_after { None } else { Some(reply) }
}

/// What other people do at this moment. What cannot be done by now is not done.
fn meanwhile(lab: &Shared, moment: Moment) {
    let deeds = lab.world.lock().meanwhile(moment);
    for deed in deeds {
        let performed = lab.world.lock().perform(&deed);
        match performed {
            Ok(Performed::Heard(event)) => lab.hear(deed.to_string(), &event),
            Ok(_) => lab.note(Entry::new(Kind::Fault, format!("meanwhile: {deed}"))),
            Err(why) => lab.note(Entry::new(Kind::Fault, format!("meanwhile: {deed}: not done, {why}"))),
        }
    }
}

fn died(lab: &Shared) {
    let text = "the process died: the next run goes on from what it finds";
    lab.note(Entry { ending: Some("bad"), ..Entry::new(Kind::Run, text) });
    lab.status(json!({ "doing": null, "last": text, "ending": "bad" }));
}

fn ended(lab: &Shared, outcome: &Outcome) {
    let ending = match outcome.ending {
        Ending::InSync | Ending::Irrelevant => "good",
        Ending::Withheld => "held",
        Ending::Failed | Ending::OutOfTime => "bad",
    };
    let Report { withheld, notes, foreign, .. } = &outcome.report;
    let withheld = withheld.iter().map(|held| format!("withheld: {}: {}", held.change, held.why));
    let notes = notes.iter().map(ToString::to_string);
    let foreign = foreign.iter().map(|pending| format!("uncommitted work of {}: {}", pending.admin, pending.node));
    let text = outcome.to_string();
    let more = withheld.chain(notes).chain(foreign);
    lab.note(Entry { ending: Some(ending), ..Entry::new(Kind::Run, format!("done: {text}")).with(more) });
    lab.status(json!({ "doing": null, "last": text, "ending": ending }));
}

/// What a command is about.
fn detail(command: &Command) -> String {
    match command {
        Command::Apply(changes) => changes.first().map(ToString::to_string).unwrap_or_default(),
        Command::PollJob(job) => job.to_string(),
        Command::FetchLog(log) => log.key.rsplit('/').next().unwrap_or_default().to_owned(),
        Command::Observe(_) | Command::Commit(_) | Command::CommitAll(_) | Command::Revert => String::new(),
    }
}

impl Shared {
    fn doing(&self, command: &str, detail: &str) {
        self.status(json!({ "doing": command, "detail": detail }));
    }

    fn status(&self, status: Value) {
        self.hub.publish([("status", status)]);
    }

    /// Notes something that happens now.
    pub(super) fn note(&self, entry: Entry) {
        let at = self.world.lock().now();
        self.hub.note(&super::timeline::clock(at), entry);
    }

    /// Drawbridge hears of an event, as Lambda would be given it.
    pub(super) fn hear(&self, what: String, event: &Value) {
        let trigger = drawbridge::envelope::Envelope::open(event).trigger();
        // Nobody listens any more only when the lab is being closed.
        let _ = self.news.send(News { what, trigger, limits: Limits::Kept });
    }
}
