//! What a campaign has seen.

use std::{collections::BTreeMap, fmt, time::Duration};

use drawbridge_core::report::{Ending, Report};

/// Counts.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Stories told.
    pub stories: usize,
    /// Runs.
    pub runs: usize,
    /// Runs that changed and committed something.
    pub changed: usize,
    /// Commits judged.
    pub judged: usize,
    /// How runs ended.
    pub endings: BTreeMap<&'static str, usize>,
    /// What was met during them, by kind.
    pub met: BTreeMap<String, usize>,
}

impl Tally {
    pub(super) fn ran(&mut self, ending: Option<Ending>, report: &Report) {
        self.runs += 1;
        self.changed += usize::from(!report.commits.is_empty());
        let ending = match ending {
            None => "killed",
            Some(Ending::Irrelevant) => "nothing relevant",
            Some(Ending::InSync) => "in sync",
            Some(Ending::Withheld) => "withheld",
            Some(Ending::Failed) => "failed",
            Some(Ending::OutOfTime) => "out of time",
        };
        *self.endings.entry(ending).or_default() += 1;
    }

    pub(super) fn met(&mut self, met: &BTreeMap<String, usize>) {
        for (kind, number) in met {
            match self.met.get_mut(kind) {
                Some(known) => *known += number,
                None => {
                    self.met.insert(kind.clone(), *number);
                }
            }
        }
    }

    /// Adds what somebody else has seen.
    pub(super) fn add(&mut self, other: &Self) {
        self.stories += other.stories;
        self.runs += other.runs;
        self.changed += other.changed;
        self.judged += other.judged;
        other.endings.iter().for_each(|(ending, number)| *self.endings.entry(ending).or_default() += number);
        self.met(&other.met);
    }

    /// One line: how far it has come.
    pub fn progress(&self, spent: Duration) -> String {
        let rate =
            |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX)) / spent.as_secs_f64().max(0.001);
        let Self { stories, runs, changed, judged, .. } = self;
        format!(
            "{stories} stories, {runs} runs, {changed} that changed something, {judged} commits judged; {:.0} runs/s, {:.0} changing/s",
            rate(*runs),
            rate(*changed)
        )
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("runs ended\n")?;
        for (ending, number) in &self.endings {
            writeln!(f, "  {number:>9}  {ending}")?;
        }
        f.write_str("met during runs\n")?;
        for (kind, number) in &self.met {
            writeln!(f, "  {number:>9}  {kind}")?;
        }
        Ok(())
    }
}
