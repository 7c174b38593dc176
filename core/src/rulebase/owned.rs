//! A rule of ours: whether we may touch it, and whether it is as we write it.

use std::collections::BTreeSet;

use super::{ObjectNames, Others, objects::is_own_service, spelling::ways};
use crate::{
    change::Spelling,
    config::Config,
    firewall::{Action, Configuration, Profiles, RuleFacts, RuleType, Services, Status},
    id::{AdminName, OwnedName},
    translate::ServiceColumn,
};

/// A rule of ours.
#[derive(Debug)]
pub struct Owned<'a> {
    /// Its name.
    pub name: OwnedName,
    /// What it says, unless it is no product for one service any more.
    pub spelling: Option<Spelling>,
    /// What it says if it is read the other way round, where its zones do not tell which way it goes.
    pub mirrored: Option<Box<Spelling>>,
    /// Whether we may touch it, and whether it is as we write it.
    pub state: OwnedState,
    /// Everything about it.
    pub facts: &'a RuleFacts,
}

impl Owned<'_> {
    /// What it may say.
    pub fn spellings(&self) -> impl Iterator<Item = &Spelling> {
        self.spelling.iter().chain(self.mirrored.as_deref())
    }

    /// What this rule in force says, read in the way of what it says in the candidate; the same, where nobody can tell.
    pub(crate) fn reading<'s>(&'s self, candidate: &'s Spelling) -> Option<&'s Spelling> {
        if self.spelling.is_none() {
            return Some(candidate);
        }
        self.spellings().find(|said| said.direction == candidate.direction)
    }
}

/// In which state we find a rule of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedState {
    /// As we write it.
    Right,
    /// Something that decides traffic, or the profile group, is not as we write it.
    Wrong(BTreeSet<Wrong>),
    /// An administrator has switched it off: their override.
    Disabled,
    /// Another administrator has uncommitted work on it: theirs until they commit or revert.
    Held(AdminName),
}

impl OwnedState {
    /// Whether the rule lets through what it says. Other profiles let the same packets through, and so does another way to write
    /// the same service: what a rule says is read from its columns, whatever object they name.
    pub(crate) fn allows_what_it_says(&self) -> bool {
        match self {
            Self::Right => true,
            Self::Wrong(wrong) => wrong.iter().all(|one| match one {
                Wrong::Profiles | Wrong::Service => true,
                Wrong::Zones | Wrong::RuleType | Wrong::Action | Wrong::Narrowed => false,
            }),
            Self::Disabled | Self::Held(_) => false,
        }
    }
}

/// What is not as we write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// Source or destination zones.
    Zones,
    /// Not a universal rule.
    RuleType,
    /// Not allow.
    Action,
    /// Users, categories, HIP, schedule or an unknown element narrow it.
    Narrowed,
    /// The security profiles.
    Profiles,
    /// The service column: another way of writing the same ports, or an object that is not ours.
    Service,
}

pub(super) fn state(
    facts: &RuleFacts,
    config: &Config,
    configuration: &Configuration,
    spelling: Option<&Spelling>,
    others: &Others<'_>,
    names: &ObjectNames<'_>,
) -> OwnedState {
    if let Some(by) = others.holder(&facts.name) {
        return OwnedState::Held(by.clone());
    }
    if facts.status == Status::Disabled {
        return OwnedState::Disabled;
    }
    let wrong = wrong(facts, config, configuration, spelling, names);
    if wrong.is_empty() { OwnedState::Right } else { OwnedState::Wrong(wrong) }
}

fn wrong(
    facts: &RuleFacts,
    config: &Config,
    configuration: &Configuration,
    spelling: Option<&Spelling>,
    names: &ObjectNames<'_>,
) -> BTreeSet<Wrong> {
    let profiles = config.profile_group.clone().map_or(Profiles::None, Profiles::Group);
    let service_is_ours = spelling.is_some_and(|spelling| match (names.column(&spelling.service), &facts.service) {
        (ServiceColumn::Any, Services::Any) => true,
        (ServiceColumn::ApplicationDefault, Services::ApplicationDefault) => true,
        (ServiceColumn::Object(_), Services::Ports { objects, .. }) => {
            objects.len() == 1 && objects.iter().all(|name| is_own_service(configuration, name, &config.owner))
        }
        (ServiceColumn::Any | ServiceColumn::ApplicationDefault | ServiceColumn::Object(_), _) => false,
    });
    let checks = [
        (Wrong::Zones, !ways(facts, config).is_empty()),
        (Wrong::RuleType, facts.rule_type == RuleType::Universal),
        (Wrong::Action, facts.action == Action::Allow),
        (Wrong::Narrowed, facts.narrowed_by.is_empty()),
        (Wrong::Profiles, facts.profiles == profiles),
        (Wrong::Service, service_is_ours),
    ];
    checks.into_iter().filter(|(_, right)| !right).map(|(wrong, _)| wrong).collect()
}
