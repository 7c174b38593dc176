//! One story, told: its deeds are done, Drawbridge runs whenever it hears of something, and everything that happens is
//! written down block by block.

use drawbridge::driver;
use drawbridge_core::{
    config::Config,
    report::{Outcome, Report},
};
use drawbridge_simulator::{
    script::{Mistake, Script, Show},
    serve::SharedWorld,
    world::{DRAWBRIDGE, PendingRow, Performed, RuleRow, Tree, World},
};

use crate::{
    direct::Direct,
    judge::Witness,
    settings,
    settled::unsettled,
    stage::{Act, BUDGET, Cause, Stage, Watch},
    table,
    wire::{ByWire, Wire, WireError},
};

/// How a story is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// The real adapters over loopback HTTP.
    Wire,
    /// The core against the models, without sockets.
    Direct,
}

/// What happened, block by block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// The lines of each block.
    pub blocks: Vec<Vec<String>>,
    /// The rulebase around every run, for people who watch.
    pub runs: Vec<Watched>,
    /// Every URL that the firewall was asked for; none where there are no sockets.
    pub urls: Vec<String>,
}

/// One run with the rulebase before and after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// What Drawbridge heard of, as the story says it.
    pub deed: String,
    /// The block in which it ran.
    pub block: usize,
    /// The running rulebase before.
    pub before: Vec<String>,
    /// What the run did.
    pub lines: Vec<String>,
    /// The running rulebase after.
    pub after: Vec<String>,
    /// How it ended, unless the process died.
    pub outcome: Option<Outcome>,
}

/// Why a story cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Untellable {
    /// The file says something that makes no sense.
    #[error(transparent)]
    Mistake(#[from] Mistake),
    /// The servers do not start.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Drawbridge broke a promise.
    #[error("{file}:{line}: {violation}")]
    Violation {
        /// The story.
        file: String,
        /// The line of the deed.
        line: usize,
        /// Which promise, and how.
        violation: String,
    },
}

/// Tells a story.
///
/// # Errors
/// [`Untellable`]: a mistake in the file, servers that do not start, or a broken invariant.
pub async fn tell(script: &Script, medium: Medium) -> Result<Transcript, Untellable> {
    let world = SharedWorld::new(World::build(script)?);
    match medium {
        Medium::Direct => match settings::of_story(&world, &nowhere(&world), None) {
            Ok(settings) => {
                let actor = Direct::new(world.clone(), &settings);
                let units = settings.firewall.units.names();
                Teller::new(script, world, Drawbridge::Ready(Box::new(settings.config), actor), units).tell().await
            }
            Err(refusal) => Teller::<Direct>::new(script, world, Drawbridge::Refuses(refusal), Vec::new()).tell().await,
        },
        Medium::Wire => {
            let wire = Wire::serve(&world).await?;
            match settings::of_story(&world, &wire.firewall_urls, Some(&wire.aws_url)) {
                Ok(settings) => {
                    let (config, units) = (settings.config.clone(), settings.firewall.units.names());
                    let actor = wire.connect(settings).await?;
                    Teller::new(script, world, Drawbridge::Ready(Box::new(config), actor), units).tell().await
                }
                Err(refusal) => {
                    Teller::<ByWire>::new(script, world, Drawbridge::Refuses(refusal), Vec::new()).tell().await
                }
            }
        }
    }
}

/// Where nobody listens, for settings that want hosts all the same.
pub(crate) fn nowhere(world: &SharedWorld) -> Vec<String> {
    let units = if world.lock().is_pair() { 2 } else { 1 };
    (1..=units).map(|port| format!("http://127.0.0.1:{port}")).collect()
}

struct Teller<'s, A> {
    script: &'s Script,
    world: SharedWorld,
    drawbridge: Drawbridge<A>,
    /// What Drawbridge calls the units of the firewall: ports of loopback, which differ from telling to telling.
    units: Vec<String>,
    witness: Witness,
    /// Promises broken by the run that has just ended.
    broken: Vec<String>,
    transcript: Transcript,
    calls: Vec<String>,
}

/// Drawbridge in a story.
enum Drawbridge<A> {
    /// With the settings of the story, and whoever acts for it.
    Ready(Box<Config>, A),
    /// It refuses its settings, and says why whenever it would run.
    Refuses(Vec<String>),
}

impl<A> Drawbridge<A> {
    /// The tag of its rules.
    fn owner(&self) -> String {
        match self {
            Self::Ready(config, _) => config.owner.to_string(),
            Self::Refuses(_) => DRAWBRIDGE.to_owned(),
        }
    }
}

impl<'s, A: Act + Send + Sync> Teller<'s, A> {
    fn new(script: &'s Script, world: SharedWorld, drawbridge: Drawbridge<A>, units: Vec<String>) -> Self {
        Self {
            script,
            world,
            drawbridge,
            units,
            witness: Witness::default(),
            broken: Vec::new(),
            transcript: Transcript::default(),
            calls: Vec::new(),
        }
    }

    async fn tell(mut self) -> Result<Transcript, Untellable> {
        for (index, block) in self.script.blocks.iter().enumerate() {
            self.transcript.blocks.push(Vec::new());
            for deed in &block.deeds {
                let performed = self.world.lock().perform(&deed.what);
                let performed = performed.map_err(|what| self.script.mistake(deed.line, what))?;
                if let Some(cause) = Cause::of(&performed) {
                    self.run(cause, index, block.text_of(deed)).await;
                }
                match performed {
                    Performed::Settled => self.settled().await,
                    Performed::Asked(show) => self.show(show),
                    Performed::Done | Performed::Heard(_) | Performed::Applied(_) | Performed::Uninstalled => {}
                }
                if let Some(violation) = self.broken.first() {
                    let violation = self.world.lock().names().shorten(violation);
                    return Err(Untellable::Violation { file: self.script.file.clone(), line: deed.line, violation });
                }
            }
        }
        self.transcript.urls = self.world.lock().urls().to_vec();
        Ok(self.transcript)
    }

    async fn run(&mut self, cause: Cause, block: usize, deed: String) {
        let before = self.rules(Tree::Running);
        let (config, actor) = match &mut self.drawbridge {
            Drawbridge::Ready(config, actor) => (config, actor),
            Drawbridge::Refuses(why) => {
                let lines = why.iter().map(|line| self.world.lock().names().shorten(line)).collect();
                return self.write(lines);
            }
        };
        let settings = &**config;
        let budget = self.world.lock().time_limit().unwrap_or(BUDGET);
        self.witness.begin(cause.look(), &self.world);
        let (mut run, config) = cause.begin(settings, budget);
        let config = &*config;
        let outcome = {
            let watch = Watch { config, settings, witness: &mut self.witness };
            let mut stage = Stage::watched(self.world.clone(), actor, watch);
            let killed = stage.killed.clone();
            tokio::select! {
                outcome = driver::drive(&mut run, &mut stage) => Some(outcome),
                () = killed.notified() => None,
            }
        };
        let report = outcome.as_ref().map_or_else(|| run.report(), |outcome| &outcome.report);
        self.witness.end(&report.withheld, &self.world);
        self.broken = self.witness.violations(config, &self.world);
        let lines = self.lines(report, outcome.as_ref());
        self.calls = calls(report);
        let after = self.rules(Tree::Running);
        self.transcript.runs.push(Watched { deed, block, before, lines: lines.clone(), after, outcome });
        self.write(lines);
    }

    async fn settled(&mut self) {
        if let Drawbridge::Ready(config, actor) = &mut self.drawbridge {
            self.broken = self.witness.violations(config, &self.world);
            self.broken.extend(unsettled(actor, &self.world, config).await);
        }
    }

    /// A run as a transcript has it, with short ids.
    fn lines(&self, report: &Report, outcome: Option<&Outcome>) -> Vec<String> {
        let mut text: String = report.steps.iter().map(|step| format!("{step}\n")).collect();
        for note in &report.notes {
            text.push_str(&format!("note  {note}\n"));
        }
        for withheld in &report.withheld {
            text.push_str(&format!("withheld  {}: {}\n", withheld.change, withheld.why));
        }
        for line in report.others() {
            text.push_str(&format!("note  {line}\n"));
        }
        if let Some(unit) = &report.unit {
            text.push_str(&format!("note  `{unit}` is the active unit\n"));
        }
        match outcome {
            Some(outcome) => text.push_str(&format!("done  {outcome}")),
            None => text.push_str("killed"),
        }
        for (unit, name) in self.units.iter().zip(["`fw-a`", "`fw-b`"]) {
            text = text.replace(&format!("`{unit}`"), name);
        }
        self.world.lock().names().shorten(&text).lines().map(|line| line.trim_end().to_owned()).collect()
    }

    fn show(&mut self, show: Show) {
        let lines = match show {
            Show::Running => self.rules(Tree::Running),
            Show::Candidate => self.rules(Tree::Candidate),
            Show::Pending => {
                let mut world = self.world.lock();
                let rows = world.pending();
                let row = |row: PendingRow| format!("{}  {}  {}", row.admin, row.action, row.xpath);
                rows.into_iter().map(|pending| world.names().shorten(&row(pending))).collect()
            }
            Show::Calls => self.calls.clone(),
        };
        self.write(lines);
    }

    fn rules(&self, tree: Tree) -> Vec<String> {
        let world = self.world.lock();
        let short = |list: &mut Vec<String>| list.iter_mut().for_each(|text| *text = world.names().shorten(text));
        let shorten = |mut row: RuleRow| {
            row.name = world.names().shorten(&row.name);
            short(&mut row.tags);
            row
        };
        let rows: Vec<_> = world.rules(tree).into_iter().map(shorten).collect();
        table::rules(&rows, &self.drawbridge.owner())
    }

    fn write(&mut self, lines: Vec<String>) {
        if let Some(block) = self.transcript.blocks.last_mut() {
            block.extend(lines);
        }
    }
}

/// How often each command was given.
fn calls(report: &Report) -> Vec<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for step in &report.steps {
        match counts.iter_mut().find(|(known, _)| *known == step.command) {
            Some((_, count)) => *count += 1,
            None => counts.push((&step.command, 1)),
        }
    }
    counts.into_iter().map(|(command, count)| format!("{count} {command}")).collect()
}
