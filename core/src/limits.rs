//! What a plan may not do: mode, and how much may change at once. Additions and removals are judged apart, so that a flood
//! of additions never keeps a revoked port open.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    change::{Change, OwnedRule, Position, Spelling, WrittenService},
    config::{Config, Limit, Mode},
    id::{OwnedName, ServiceName},
    plan::Reason,
    rulebase::{Owned, OwnedState, Rulebase},
};

/// A change that is not made, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// What would be done.
    pub change: Change,
    /// What is in the way.
    pub why: Hindrance,
}

/// What keeps a change from being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// The mode.
    Mode(Mode),
    /// Too many additions, replacements among them.
    Additions {
        /// How many there would be.
        number: usize,
        /// How many may be.
        allowed: usize,
    },
    /// Too many removals, shrinking among them.
    Removals {
        /// How many there would be.
        number: usize,
        /// How many may be.
        allowed: usize,
    },
    /// The firewall refused this rule, or its validation blamed it, in these words.
    Blamed(String),
    /// The firewall reads the rule in another way than it was written: a name in it means something else there.
    Misread,
}

/// How a person who has looked lets it happen.
const ONCE: &str = "`drawbridge apply --accept-limits` lets them happen once";

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode(Mode::Observe) => f.write_str("`mode = \"observe\"` changes nothing"),
            Self::Mode(Mode::AddOnly) => f.write_str("`mode = \"add-only\"` leaves our rules as they stand"),
            Self::Mode(Mode::Sync) => f.write_str("the mode"),
            Self::Additions { number, allowed } => {
                write!(
                    f,
                    "{number} additions are more than the {allowed} that `limits.additions` allows at once; {ONCE}"
                )
            }
            Self::Removals { number, allowed } => {
                write!(
                    f,
                    "{number} removals are more than the {allowed} that `limits.removals` allows at once; {ONCE}"
                )
            }
            Self::Blamed(words) => write!(f, "the firewall blamed it: {words}"),
            Self::Misread => f.write_str(
                "the firewall reads it in another way than it is written: an object bears the name of an address or application in it, rename that",
            ),
        }
    }
}

/// Which half of a plan a change belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Object,
    Addition,
    Replacement,
    Removal,
    /// Takes back what has never been in force.
    Undoing,
    /// Says again what a removal takes too much.
    Regaining,
    Move,
}

/// Rules whose changes are neither additions nor removals, although they look like them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Apart {
    /// Only what was never in force is taken back.
    undone: BTreeSet<OwnedName>,
    /// A commit would let them say more than in force, unless they are changed.
    more: BTreeSet<OwnedName>,
    /// What other rules give up although it is wanted, because they go or the rest of them is no product any more, is said anew.
    /// Nothing is opened by that, and without it somebody whose permissions nobody has touched would be cut off.
    regained: BTreeSet<OwnedName>,
    /// What becomes of rules whose replacements are not made: what of them is wanted stays.
    instead: BTreeMap<OwnedName, OwnedRule>,
}

impl Apart {
    /// Whether the rule must not be committed without what is planned for it: that takes back what was never in force.
    pub(crate) fn is_needed(&self, name: &OwnedName) -> bool {
        self.undone.contains(name) || self.more.contains(name)
    }
}

fn half(change: &Change, reasons: &BTreeMap<OwnedName, Reason>, apart: &Apart) -> Half {
    match change {
        Change::Tag(_) | Change::Service(_) | Change::Drop(_) | Change::Adopt(_) => Half::Object,
        Change::Put(rule, Position::Above(_)) if apart.regained.contains(&rule.name) => Half::Regaining,
        Change::Put(_, Position::Above(_)) => Half::Addition,
        Change::Put(rule, Position::InPlace) => match reasons.get(&rule.name) {
            _ if apart.undone.contains(&rule.name) => Half::Undoing,
            Some(Reason::Shrunk | Reason::Respelled { .. }) => Half::Removal,
            _ => Half::Replacement,
        },
        Change::Delete(name) => match reasons.get(name) {
            // It goes in the transaction that adds what is wanted in its place, or not at all.
            Some(Reason::Unreadable { replaced_by }) if !replaced_by.is_empty() => Half::Replacement,
            _ if apart.undone.contains(name) => Half::Undoing,
            _ => Half::Removal,
        },
        Change::Lift(..) => Half::Move,
    }
}

/// What stands in the candidate configuration and is not in force, by the names of our rules. Limits are about what a commit does
/// to the running configuration: what an earlier run has written counts as well, and what was never in force can be taken back
/// whatever they say. Otherwise a commit would open what nobody wants any more.
struct Uncommitted<'r> {
    running: BTreeMap<&'r OwnedName, &'r Owned<'r>>,
    candidate: BTreeMap<&'r OwnedName, &'r Owned<'r>>,
    /// Rules in force that bear names of the form of ours, and are not ours.
    foreign: BTreeSet<OwnedName>,
    /// Rules that are in force and not ours there: they are being adopted.
    adopted: BTreeSet<OwnedName>,
    /// Rules that stand below the bottom rule in force.
    sunken: BTreeSet<&'r OwnedName>,
    /// The rules that a commit would change, in order.
    differing: &'r [OwnedName],
}

impl<'r> Uncommitted<'r> {
    fn of(rulebase: &'r Rulebase<'r>, differing: &'r [OwnedName]) -> Self {
        let [running, candidate] = [&rulebase.running, &rulebase.candidate]
            .map(|policy| policy.owned().map(|rule| (&rule.name, rule)).collect());
        // Many names are asked about, and there may be tens of thousands of rules.
        let foreign = rulebase.running.foreign().filter_map(|(_, rule)| OwnedName::parse(rule.name.as_str())).collect();
        let (adopted, sunken) = (rulebase.adopting(), rulebase.running.sunken());
        Self { running, candidate, foreign, adopted, sunken, differing }
    }

    /// The changed rules that a commit would let say more than in force.
    fn more_before(&self, changes: &[Change]) -> BTreeSet<OwnedName> {
        let standing =
            changes.iter().filter(|change| matches!(change, Change::Delete(_) | Change::Put(_, Position::InPlace)));
        standing.filter_map(Change::rule).filter(|name| self.is_more(name)).cloned().collect()
    }

    /// The rules of which these changes take back what is not in force, and nothing of what is.
    fn undone_by(&self, changes: &[Change]) -> BTreeSet<OwnedName> {
        let undoes = |change: &Change| match change {
            Change::Delete(name) => self.is_new(name),
            Change::Put(rule, Position::InPlace) => {
                let has_lost = |said| {
                    self.candidate
                        .get(&rule.name)
                        .and_then(|now| now.spelling.as_ref())
                        .is_none_or(|now| !now.holds(said))
                };
                let in_force = self.in_force(&rule.name);
                self.is_more(&rule.name) || in_force.is_some_and(|said| rule.spelling.holds(said) && has_lost(said))
            }
            Change::Put(_, Position::Above(_))
            | Change::Tag(_)
            | Change::Service(_)
            | Change::Lift(..)
            | Change::Drop(_)
            | Change::Adopt(_) => false,
        };
        changes.iter().filter(|change| undoes(change)).filter_map(|change| change.rule().cloned()).collect()
    }

    /// Whether a commit would let a rule say what it does not say in force.
    fn is_more(&self, name: &OwnedName) -> bool {
        let now = self.candidate.get(name).and_then(|rule| says(rule));
        let is_within = self.in_force(name).zip(now).is_some_and(|(said, now)| said.holds(now));
        let is_off = self.candidate.get(name).is_none_or(|rule| rule.state == OwnedState::Disabled);
        let is_changed = self.running.contains_key(name) && self.differing.binary_search(name).is_ok();
        self.is_new(name) || (is_changed && !is_within && !is_off)
    }

    /// What a rule lets through now.
    fn in_force(&self, name: &OwnedName) -> Option<&'r Spelling> {
        self.running.get(name).filter(|_| !self.sunken.contains(name)).and_then(|rule| says(rule))
    }

    /// Whether it is in force under no name. What is being adopted is, and not ours there.
    fn is_new(&self, name: &OwnedName) -> bool {
        !self.running.contains_key(name) && !self.foreign.contains(name) && !self.adopted.contains(name)
    }

    /// Additions and removals that only wait for a commit.
    fn written(&self) -> [BTreeSet<OwnedName>; 2] {
        let is_less = |name: &OwnedName| match (self.running.get(name), self.candidate.get(name)) {
            (Some(_), None) => true,
            (Some(in_force), Some(rule)) => {
                says(in_force).zip(rule.spelling.as_ref()).is_some_and(|(said, now)| !now.holds(said))
            }
            (None, _) => false,
        };
        let is_added = |name: &OwnedName| self.candidate.contains_key(name) && self.is_new(name);
        let those =
            |which: &dyn Fn(&OwnedName) -> bool| self.differing.iter().filter(|name| which(name)).cloned().collect();
        [those(&is_added), those(&is_less)]
    }
}

/// What a rule lets through.
fn says<'r>(rule: &'r Owned<'_>) -> Option<&'r Spelling> {
    rule.spelling.as_ref().filter(|_| rule.state.allows_what_it_says())
}

/// What is left of a plan.
pub(crate) struct Left {
    /// What may be done.
    pub(crate) changes: Vec<Change>,
    /// What may not.
    pub(crate) withheld: Vec<Withheld>,
    /// The rules whose changes are judged by what else is done.
    pub(crate) apart: Apart,
}

/// Takes out what mode and limits do not let through, and what the firewall would not read as it is written. `differing` are the
/// rules of ours that wait for a commit, `regained` new ones that say what others lose, and `instead` is what becomes of those
/// whose replacements are not made. Shares are of what is in force: our own additions of a minute ago must not make room for
/// removals.
pub(crate) fn withhold(
    changes: Vec<Change>,
    reasons: &BTreeMap<OwnedName, Reason>,
    (regained, instead): (BTreeSet<OwnedName>, BTreeMap<OwnedName, OwnedRule>),
    rulebase: &Rulebase<'_>,
    differing: &[OwnedName],
    config: &Config,
) -> Left {
    let uncommitted = Uncommitted::of(rulebase, differing);
    let apart =
        Apart { undone: uncommitted.undone_by(&changes), more: uncommitted.more_before(&changes), regained, instead };
    let half = |change: &Change| half(change, reasons, &apart);
    let is_misread =
        |change: &Change| matches!(change, Change::Put(rule, _) if rule.is_misread_beside(&rulebase.names));
    let named = |wanted: &[Half]| -> BTreeSet<OwnedName> {
        changes
            .iter()
            .filter(|change| wanted.contains(&half(change)))
            .filter_map(|change| change.rule().cloned())
            .collect()
    };
    let [added, removed] = uncommitted.written();
    let additions = (&named(&[Half::Addition, Half::Replacement]) | &(&added - &named(&[Half::Undoing]))).len();
    let removals = (&named(&[Half::Removal]) | &removed).len();
    let live = uncommitted.running.len();
    let (most_additions, most_removals) =
        (allowed(config.limits.additions, live), allowed(config.limits.removals, live));
    let hindrance = |change: &Change| match (config.mode, half(change)) {
        (_, Half::Object) => None,
        (Mode::Observe, _) => Some(Hindrance::Mode(Mode::Observe)),
        (_, Half::Undoing) => None,
        (Mode::AddOnly, Half::Replacement | Half::Removal | Half::Regaining | Half::Move) => {
            Some(Hindrance::Mode(Mode::AddOnly))
        }
        (_, Half::Addition | Half::Replacement | Half::Regaining) if is_misread(change) => Some(Hindrance::Misread),
        (_, Half::Addition | Half::Replacement) if additions > most_additions => {
            Some(Hindrance::Additions { number: additions, allowed: most_additions })
        }
        (_, Half::Removal | Half::Regaining) if removals > most_removals => {
            Some(Hindrance::Removals { number: removals, allowed: most_removals })
        }
        (_, Half::Addition | Half::Replacement | Half::Removal | Half::Regaining | Half::Move) => None,
    };
    let (changes, withheld) = take_out(changes, reasons, &apart.instead, hindrance);
    Left { changes, withheld, apart }
}

/// Takes changes out, and with new rules those whose place they were to take: a rule that says something else than wanted goes in
/// the transaction that adds what is wanted, or not at all.
fn take_out(
    changes: Vec<Change>,
    reasons: &BTreeMap<OwnedName, Reason>,
    instead: &BTreeMap<OwnedName, OwnedRule>,
    mut hindrance: impl FnMut(&Change) -> Option<Hindrance>,
) -> (Vec<Change>, Vec<Withheld>) {
    let (mut made, mut withheld) = (Vec::new(), Vec::new());
    for change in changes {
        match hindrance(&change) {
            Some(why) => withheld.push(Withheld { change, why }),
            None => made.push(change),
        }
    }
    let new = withheld.iter().filter(|withheld| matches!(withheld.change, Change::Put(_, Position::Above(_))));
    let new: BTreeMap<_, _> =
        new.filter_map(|withheld| Some((withheld.change.rule()?.clone(), withheld.why.clone()))).collect();
    let keeps = |change: &Change| match (change, change.rule().and_then(|name| reasons.get(name))) {
        (Change::Delete(_), Some(Reason::Unreadable { replaced_by } | Reason::Respelled { replaced_by })) => {
            replaced_by.iter().find_map(|name| new.get(name)).cloned()
        }
        _ => None,
    };
    let (out, mut made): (Vec<_>, Vec<_>) = made.into_iter().partition(|change| keeps(change).is_some());
    let less = out.iter().filter_map(Change::rule).filter_map(|name| instead.get(name));
    let less: Vec<_> = less.map(|rule| Change::Put(Box::new(rule.clone()), Position::InPlace)).collect();
    let less = less.into_iter().filter(|change| hindrance(change).is_none()).collect::<Vec<_>>();
    let end =
        made.iter().position(|change| matches!(change, Change::Lift(..) | Change::Delete(_))).unwrap_or(made.len());
    made.splice(end..end, less);
    withheld.extend(out.into_iter().filter_map(|change| Some(Withheld { why: keeps(&change)?, change })));
    (without_idle_objects(made), withheld)
}

/// Takes out removals: what was withheld once stays so until the run is over.
pub(crate) fn withhold_removals(
    changes: Vec<Change>,
    reasons: &BTreeMap<OwnedName, Reason>,
    apart: &Apart,
    why: &Hindrance,
) -> (Vec<Change>, Vec<Withheld>) {
    let is_removal = |change: &Change| matches!(half(change, reasons, apart), Half::Removal | Half::Regaining);
    let (out, made): (Vec<_>, Vec<_>) = changes.into_iter().partition(is_removal);
    (without_idle_objects(made), out.into_iter().map(|change| Withheld { change, why: why.clone() }).collect())
}

/// Takes out new rules that would say what the firewall has read in another way before. What this run wrote goes all the same.
pub(crate) fn withhold_misread(changes: Vec<Change>, misread: &[Spelling]) -> (Vec<Change>, Vec<Withheld>) {
    let says = |change: &Change| matches!(change, Change::Put(rule, _) if misread.contains(&rule.spelling));
    let (out, made): (Vec<_>, Vec<_>) = changes.into_iter().partition(says);
    let withheld = out.into_iter().map(|change| Withheld { change, why: Hindrance::Misread }).collect();
    (without_idle_objects(made), withheld)
}

/// Rules that the firewall refused or its validation blamed, with its words about each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blamed {
    /// By the names that they were planned with.
    names: BTreeMap<OwnedName, String>,
    /// By what blamed rules say that do not stand any more: planned again, they bear another name as soon as their
    /// neighbours stand.
    said: BTreeMap<Spelling, String>,
    /// Those of them that are to blame for certain: others that only stand in the same transaction are left out with them.
    singled_out: BTreeSet<Spelling>,
    /// Of moves, which no rule says.
    moves: Option<String>,
}

impl Blamed {
    /// Blames rules of these names, as they are planned next.
    pub(crate) fn add(&mut self, names: BTreeSet<OwnedName>, words: &str) {
        self.names.extend(names.into_iter().map(|name| (name, words.to_owned())));
    }

    /// Blames a new rule that says this, under whatever name it is planned.
    pub(crate) fn add_saying(&mut self, spelling: Spelling, words: &str) {
        self.said.insert(spelling, words.to_owned());
    }

    /// Blames a new rule that says this, and no other: what it would have allowed needs rules of its own.
    pub(crate) fn single_out(&mut self, spelling: Spelling, words: &str) {
        self.singled_out.insert(spelling.clone());
        self.add_saying(spelling, words);
    }

    /// What new rules say that are to blame for certain.
    pub(crate) fn singled_out(&self) -> Vec<&Spelling> {
        self.singled_out.iter().collect()
    }

    /// Blames whatever is moved.
    pub(crate) fn add_moves(&mut self, words: &str) {
        self.moves = Some(words.to_owned());
    }

    /// Takes them out.
    pub(crate) fn withhold(
        &mut self,
        changes: Vec<Change>,
        reasons: &BTreeMap<OwnedName, Reason>,
        apart: &Apart,
    ) -> (Vec<Change>, Vec<Withheld>) {
        take_out(changes, reasons, &apart.instead, |change| self.words(change).map(Hindrance::Blamed))
    }

    /// The firewall's words about a change, if it is one of those.
    fn words(&mut self, change: &Change) -> Option<String> {
        match change {
            Change::Put(rule, Position::Above(_)) => {
                if let Some(words) = self.names.remove(&rule.name) {
                    self.said.insert(rule.spelling.clone(), words);
                }
                self.said.get(&rule.spelling).cloned()
            }
            Change::Put(rule, Position::InPlace) => self.names.get(&rule.name).cloned(),
            Change::Lift(name, _) => self.moves.as_ref().or_else(|| self.names.get(name)).cloned(),
            // What goes is nowhere that it could be in the way.
            Change::Delete(_) | Change::Tag(_) | Change::Service(_) | Change::Drop(_) | Change::Adopt(_) => None,
        }
    }
}

/// How many changes of one half may be made. The share counts only above the floor.
fn allowed(limit: Limit, owned: usize) -> usize {
    match limit.percent {
        Some(percent) => limit.number.min((owned * percent / 100).max(Limit::FLOOR)),
        None => limit.number,
    }
}

/// Objects are made together with the first rule that needs them.
fn without_idle_objects(changes: Vec<Change>) -> Vec<Change> {
    let used: BTreeSet<ServiceName> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Put(rule, _) => match &rule.service {
                WrittenService::Object(name) => Some(name.clone()),
                WrittenService::Any | WrittenService::ApplicationDefault => None,
            },
            Change::Tag(_)
            | Change::Service(_)
            | Change::Lift(..)
            | Change::Delete(_)
            | Change::Drop(_)
            | Change::Adopt(_) => None,
        })
        .collect();
    let writes = changes.iter().any(|change| matches!(change, Change::Put(..)));
    let adopts = changes.iter().any(|change| matches!(change, Change::Adopt(_)));
    changes
        .into_iter()
        .filter(|change| match change {
            Change::Tag(_) => writes || adopts,
            Change::Service(object) => used.contains(&object.name),
            Change::Put(..) | Change::Lift(..) | Change::Delete(_) | Change::Drop(_) | Change::Adopt(_) => true,
        })
        .collect()
}
