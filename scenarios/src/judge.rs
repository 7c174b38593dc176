//! Whether Drawbridge keeps its promises. It is watched while it runs, and every commit of it is judged by the invariants;
//! what administrators made is compared byte for byte besides, without asking the core whose it is.

use drawbridge_core::{
    command::{Command, Reply},
    config::Config,
    firewall::Firewall,
    id::OwnedName,
    invariants::{self, Commit},
    inventory::Inventory,
    limits::Withheld,
};
use drawbridge_simulator::{serve::SharedWorld, xml::Element};

/// What was seen of one run after another.
#[derive(Default)]
pub(crate) struct Witness {
    inventory: Option<Box<Inventory>>,
    firewall: Option<Box<Firewall>>,
    /// What was known when the last commit was asked for.
    asked: Option<Known>,
    commits: Vec<(Known, Box<Firewall>)>,
}

/// What a run knew when it committed.
#[derive(Clone)]
struct Known {
    inventory: Box<Inventory>,
    firewall: Box<Firewall>,
}

impl Witness {
    /// A command and its answer.
    pub(crate) fn see(&mut self, command: &Command, reply: Option<&Reply>) {
        if let Command::Commit(_) | Command::CommitAll(_) = command
            && let (Some(inventory), Some(firewall)) = (&self.inventory, &self.firewall)
        {
            self.asked = Some(Known { inventory: inventory.clone(), firewall: firewall.clone() });
        }
        if let Some(Reply::Facts(inventory, firewall)) = reply {
            if firewall.unfinished_commit.is_none()
                && let Some(known) = self.asked.take()
                && known.firewall.running != firewall.running
            {
                self.commits.push((known, firewall.clone()));
            }
            self.inventory = inventory.clone().or(self.inventory.take());
            self.firewall = Some(firewall.clone());
        }
    }

    /// What the commits seen so far have broken.
    pub(crate) fn violations(&mut self, config: &Config, withheld: &[Withheld]) -> Vec<String> {
        let judged = self.commits.drain(..).flat_map(|(known, after)| {
            let commit = Commit {
                before: &known.firewall,
                after: &after.running,
                inventory: &known.inventory,
                config,
                withheld,
            };
            invariants::check(&commit)
        });
        judged.map(|violation| violation.to_string()).collect()
    }
}

/// What administrators have in the running rulebase, as it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Theirs(Vec<String>);

impl Theirs {
    /// Every rule but those named in our form that carry our tag.
    pub(crate) fn of(world: &SharedWorld, owner: &str) -> Self {
        let world = world.lock();
        let is_ours = |rule: &Element| {
            let tagged = rule.child("tag").is_some_and(|tags| tags.members().any(|tag| tag == owner));
            tagged && rule.attribute("name").is_some_and(|name| OwnedName::parse(name).is_some())
        };
        let rules = world.running_rules().filter(|rule| !is_ours(rule));
        Self(rules.map(ToString::to_string).collect())
    }

    /// What a run has done to them; it must not have done anything.
    pub(crate) fn violation(&self, after: &Self) -> Option<String> {
        (self != after).then(|| {
            let missing: Vec<_> = self.0.iter().filter(|rule| !after.0.contains(rule)).map(String::as_str).collect();
            let new: Vec<_> = after.0.iter().filter(|rule| !self.0.contains(rule)).map(String::as_str).collect();
            format!("I1: administrators' rules have changed: gone {missing:?}, new {new:?}, or their order")
        })
    }
}
