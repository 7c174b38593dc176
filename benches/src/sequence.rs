//! The sequence alone: a run that decides by facts in memory, without XML, JSON and HTTP.

use std::{sync::Arc, time::Duration};

use drawbridge_core::{
    command::{Command, JobState, Look, Reply},
    config::Config,
    firewall::Firewall,
    id::JobId,
    inventory::Inventory,
    report::Outcome,
    rulebase::Rulebase,
    run::{Input, Next, Run, Trigger, Wake},
};

use crate::story::BUDGET;

/// A cloud and a firewall of which nothing is left but what a look shows.
pub struct Sequence {
    pub(crate) config: Config,
    pub(crate) inventory: Inventory,
    pub(crate) firewall: Firewall,
}

impl Sequence {
    /// A whole run on them, in which nothing fails.
    pub fn run(&self) -> Outcome {
        let mut firewall = self.firewall.clone();
        let trigger = Trigger { logs: Vec::new(), events: Vec::new(), wake: Wake::Always };
        let mut run = Run::new(self.config.clone(), trigger, BUDGET, 1);
        let (mut elapsed, mut input) = (Duration::ZERO, Input::Begin);
        loop {
            input = match run.advance(elapsed, input) {
                Next::Do(command, _) => Input::Done(self.perform(&command, &mut firewall)),
                Next::Sleep(how_long) => {
                    elapsed += how_long;
                    Input::Woke
                }
                Next::Finish(outcome) => return *outcome,
            };
        }
    }

    fn perform(&self, command: &Command, firewall: &mut Firewall) -> Reply {
        match command {
            Command::Observe(look) => {
                let inventory = (*look == Look::Everything).then(|| Box::new(self.inventory.clone()));
                Reply::Facts(inventory, Box::new(firewall.clone()))
            }
            Command::Apply(changes) => {
                firewall.candidate = Arc::new(firewall.candidate.apply(changes));
                Reply::Applied
            }
            Command::Commit(_) | Command::CommitAll(_) => {
                let rulebase = Rulebase::read(firewall, &self.config).expect("it was fit a moment ago");
                firewall.running = Arc::new(rulebase.committed(&self.config));
                Reply::Job(JobId(1))
            }
            Command::PollJob(_) => Reply::Polled(JobState::Succeeded),
            Command::FetchLog(_) | Command::Revert => unreachable!("nothing is told in a log, and nothing fails"),
        }
    }
}
