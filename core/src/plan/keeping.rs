//! What becomes of the rules of ours that are there.

use std::collections::{BTreeMap, BTreeSet};

use super::{Note, Planner, Reason};
use crate::{
    change::{Direction, Spelling},
    config::Config,
    firewall::{RuleFacts, RuleType},
    fit::{Doubts, Pairs, admitted, kept_or_admitted, shrunk, shrunk_by_share},
    id::AdminName,
    rulebase::{Owned, OwnedState, Wrong},
};

/// What somebody has closed by hand while nobody can tell whether all of it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    /// It still is.
    Still,
    /// A change that is not committed opens it again.
    Reopened,
}

/// Where a rule of ours stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    AboveBottom,
    Sunken,
}

impl Planner<'_> {
    /// Step 1: every rule of ours is kept, shrunk, replaced, moved or deleted.
    pub(super) fn keep_shrink_or_delete(&mut self, pairs: &Pairs<'_>) {
        let rulebase = self.rulebase;
        let running: BTreeMap<_, _> = rulebase.running.owned().map(|rule| (&rule.name, rule)).collect();
        let sunken = rulebase.candidate.sunken();
        for rule in rulebase.candidate.owned() {
            let held = running.get(&rule.name).copied();
            let depth = if sunken.contains(&rule.name) { Depth::Sunken } else { Depth::AboveBottom };
            match closed_in_doubt(rule, held, pairs) {
                Some(Closed::Reopened) => self.take_back(rule),
                // What is wanted for certain is said by a new rule.
                Some(Closed::Still) if depth == Depth::Sunken => self.lift(rule),
                Some(Closed::Still) => {}
                None => {
                    // What is disabled may keep what it has: it opens nothing.
                    let is_off = rule.state == OwnedState::Disabled;
                    let open = held.filter(|held| is_off || lets_through(held, self.config));
                    self.keep_or_give_up(rule, open, depth, pairs);
                }
            }
        }
        let (differing, below) = (rulebase.differing(), rulebase.running.sunken());
        let in_force = rulebase.running.owned().filter(|held| !below.contains(&held.name));
        for held in in_force.filter(|held| differing.binary_search(&held.name).is_ok()) {
            if self.is_taken_away_in_doubt(held, pairs) {
                self.draft.taken_back.insert(held.name.clone());
            }
        }
        self.leave_taken();
    }

    /// Whether what we have not committed takes away what a rule lets through in force, more than it would lose now, while nobody can
    /// tell whether that is wanted: it was written when one could.
    fn is_taken_away_in_doubt(&self, held: &Owned<'_>, pairs: &Pairs<'_>) -> bool {
        let rulebase = self.rulebase;
        if !lets_through(held, self.config) || rulebase.taken.contains_key(&held.name) {
            return false;
        }
        let Some((said, left)) = left_of(held, Some(held), pairs) else { return false };
        if left_of(held, None, pairs) == Some((said, left.clone())) {
            return false;
        }
        // Where there is no room for a rule beside it, less may be left.
        let in_force = held.reading(said);
        let least = [shrunk_by_share(said, in_force, pairs), kept_or_admitted(said, in_force, pairs, Doubts::Last)];
        let holds_enough = |now: &Spelling| now.holds(&left) || least.iter().flatten().any(|least| now.holds(least));
        match rulebase.candidate.owned().find(|rule| rule.name == held.name) {
            Some(rule) => lets_through(rule, self.config) && !rule.spellings().any(holds_enough),
            None => !rulebase.candidate.has(&held.name.rule_name()),
        }
    }

    /// `open` is the rule as it is in force, if it lets through what it says.
    fn keep_or_give_up(&mut self, rule: &Owned<'_>, open: Option<&Owned<'_>>, depth: Depth, pairs: &Pairs<'_>) {
        match (&rule.state, &rule.spelling) {
            (OwnedState::Held(admin), _) => self.leave_held(rule, admin),
            (OwnedState::Disabled, None) => self.draft.notes.push(Note::Disabled(rule.name.clone())),
            (_, None) => self.delete(rule, Reason::Unreadable { replaced_by: BTreeSet::new() }),
            (_, Some(_)) => match left_of(rule, open, pairs) {
                None => self.give_up(rule, pairs),
                Some((said, left)) => {
                    if let Some(held) = open {
                        self.keep_until_said(rule, held.reading(said), said, &left, pairs);
                    }
                    self.keep(rule, said, &left, depth);
                }
            },
        }
    }

    /// Rules that others have deleted, or made theirs, and not committed.
    fn leave_taken(&mut self) {
        let rulebase = self.rulebase;
        for (name, (admin, spellings)) in &rulebase.taken {
            let note = if rulebase.candidate.has(&name.rule_name()) { Note::Held } else { Note::DeletedBy };
            self.draft.notes.push(note(name.clone(), admin.clone()));
            self.spelled.extend(spellings.iter().map(|spelling| (name.clone(), spelling.clone())));
        }
    }

    fn leave_held(&mut self, rule: &Owned<'_>, admin: &AdminName) {
        self.draft.notes.push(Note::Held(rule.name.clone(), admin.clone()));
        self.spelled.extend(rule.spellings().map(|spelling| (rule.name.clone(), spelling.clone())));
    }

    /// A rule that lets through what somebody has closed, by a change that is not committed, while nobody can tell whether all of it
    /// is wanted: the change must not come into force.
    fn take_back(&mut self, rule: &Owned<'_>) {
        self.draft.taken_back.insert(rule.name.clone());
        self.delete(rule, Reason::Unwanted);
    }

    /// A rule that says nothing in the way in which it is wanted now. What of it is admitted all the same stays until that can be
    /// said as it is wanted.
    fn give_up(&mut self, rule: &Owned<'_>, pairs: &Pairs<'_>) {
        let rest = rule.spellings().find_map(|said| Some((said, admitted(said, pairs)?)));
        let Some((said, rest)) = rest.filter(|_| rule.state.allows_what_it_says()) else {
            return self.delete(rule, Reason::Unwanted);
        };
        if rest != *said {
            let written = self.rewritten(rule, &rest);
            self.draft.instead.insert(rule.name.clone(), written);
        }
        self.delete(rule, Reason::Respelled { replaced_by: BTreeSet::new() });
    }

    /// Of what a rule loses, what somebody wants in another way stays until that can be said. So does what addresses want that give way
    /// to what is in doubt: where that cannot be said elsewhere, it is what is in doubt that gives way.
    fn keep_until_said(
        &mut self,
        rule: &Owned<'_>,
        in_force: Option<&Spelling>,
        said: &Spelling,
        left: &Spelling,
        pairs: &Pairs<'_>,
    ) {
        if said == left || !rule.state.allows_what_it_says() {
            return;
        }
        let [first, last] = [Doubts::First, Doubts::Last].map(|doubts| kept_or_admitted(said, in_force, pairs, doubts));
        let (rest, to_be_said) = if first == last {
            // Where a product leaves something out, more that is wanted may cost something else.
            let is_more = |rest: &Spelling| rest != left && rest.holds(left);
            let Some(rest) = first.filter(is_more) else { return };
            (rest.clone(), vec![rest])
        } else {
            let Some(rest) = last.filter(|rest| !left.holds(rest)) else { return };
            let locals = Spelling { locals: &rest.locals - &left.locals, ..rest.clone() };
            let peers = Spelling { peers: &rest.peers - &left.peers, ..rest.clone() };
            (rest, vec![locals, peers])
        };
        if rest != *said {
            let written = self.rewritten(rule, &rest);
            self.draft.instead.insert(rule.name.clone(), written);
        }
        self.draft.respelled.insert(rule.name.clone(), (to_be_said, BTreeSet::new()));
    }

    fn delete(&mut self, rule: &Owned<'_>, why: Reason) {
        self.draft.deletes.push(rule.name.clone());
        self.draft.reasons.insert(rule.name.clone(), why);
    }

    /// A rule that says `said`, of which `left` is still wanted.
    fn keep(&mut self, rule: &Owned<'_>, said: &Spelling, left: &Spelling, depth: Depth) {
        self.spelled.push((rule.name.clone(), left.clone()));
        if self.config.goes_either_way() {
            self.spelled.push((rule.name.clone(), left.mirrored()));
        }
        if let OwnedState::Disabled = rule.state {
            self.draft.notes.push(Note::Disabled(rule.name.clone()));
        } else {
            self.kept.push((rule.facts.name.clone(), left.clone()));
        }
        let why = match &rule.state {
            // Shrinking comes first: whatever else is put right with it, it must not be withheld as an addition.
            _ if said != left => Some(Reason::Shrunk),
            OwnedState::Wrong(wrong) => Some(Reason::Wrong(wrong.clone())),
            OwnedState::Right | OwnedState::Disabled | OwnedState::Held(_) => None,
        };
        if let Some(why) = why {
            self.rewrite(rule, left);
            self.draft.reasons.insert(rule.name.clone(), why);
        }
        if depth == Depth::Sunken && rule.state != OwnedState::Disabled {
            self.lift(rule);
        }
    }

    fn lift(&mut self, rule: &Owned<'_>) {
        self.draft.lifts.push(rule.name.clone());
        self.draft.reasons.entry(rule.name.clone()).or_insert(Reason::Sunken);
    }
}

/// What is left of a rule that stands for `held` in force, with the reading that loses least.
fn left_of<'r>(rule: &'r Owned<'_>, held: Option<&Owned<'_>>, pairs: &Pairs<'_>) -> Option<(&'r Spelling, Spelling)> {
    let readings = rule.spellings().filter_map(|spelling| {
        let in_force = held.and_then(|held| held.reading(spelling));
        Some((spelling, shrunk(spelling, in_force, pairs)?))
    });
    readings.min_by_key(|(said, left)| *said != left)
}

/// Whether a rule lets nothing through in force because somebody has closed it, of what it says there all is wanted or may be, and
/// not all for certain: then it stays as they have left it. A deny does not, if some of it is wanted for certain: that would not
/// get past it.
fn closed_in_doubt(rule: &Owned<'_>, held: Option<&Owned<'_>>, pairs: &Pairs<'_>) -> Option<Closed> {
    let closed = held.filter(|held| rule.state != OwnedState::Disabled && is_closed(held))?;
    let (said, left) = left_of(rule, Some(closed), pairs)?;
    let is_whole = *said == left && closed.reading(said) == Some(said);
    let certain = left_of(rule, None, pairs);
    if !is_whole || certain == Some((said, left)) || (certain.is_some() && denies(closed)) {
        return None;
    }
    Some(if is_closed(rule) { Closed::Still } else { Closed::Reopened })
}

/// Whether somebody has closed a rule of ours. One that stands below the bottom rule does not count: it is lifted whatever it says, and
/// whoever wants it closed disables it. Nor does one that is narrowed, and about traffic of other zones as well: that is nobody's. What is
/// in somebody's hands is theirs.
fn is_closed(rule: &Owned<'_>) -> bool {
    match &rule.state {
        OwnedState::Disabled => true,
        OwnedState::Wrong(wrong) => {
            let is_of_others = wrong.contains(&Wrong::Zones) || wrong.contains(&Wrong::RuleType);
            denies(rule) || wrong.contains(&Wrong::Narrowed) && !is_of_others
        }
        OwnedState::Right | OwnedState::Held(_) => false,
    }
}

/// Whether a rule of ours lets through what it says, perhaps among more.
fn lets_through(rule: &Owned<'_>, config: &Config) -> bool {
    let RuleFacts { from, to, rule_type, .. } = rule.facts;
    let goes = |spelling: &Spelling| match spelling.direction {
        Direction::Ingress => from.include(&config.untrust) && to.include(&config.trust),
        Direction::Egress => from.include(&config.trust) && to.include(&config.untrust),
    };
    let is_open = |wrong: &Wrong| match wrong {
        Wrong::Zones => rule.spellings().any(goes),
        Wrong::RuleType => (*rule_type == RuleType::Intrazone) == (config.untrust == config.trust),
        Wrong::Action | Wrong::Narrowed | Wrong::Profiles | Wrong::Service => true,
    };
    match &rule.state {
        OwnedState::Right => true,
        OwnedState::Wrong(wrong) => !is_closed(rule) && wrong.iter().all(is_open),
        OwnedState::Disabled | OwnedState::Held(_) => false,
    }
}

/// Whether a rule keeps others below it from letting its traffic through.
fn denies(rule: &Owned<'_>) -> bool {
    matches!(&rule.state, OwnedState::Wrong(wrong) if wrong.contains(&Wrong::Action))
}
