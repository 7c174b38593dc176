//! What comes between a caller and EC2: throttling, late answers, and calls that are made twice.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{Cloud, Resources, answer::Refusal, parameters::Parameters, shape::Record};
use crate::clock::Moment;

/// How many calls of an action are answered: a token bucket (EC2 developer guide, "Request throttling").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At once.
    pub bucket: u32,
    /// In every second after that.
    pub refill: u32,
}

/// How far each action's bucket is, and what there was earlier.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    /// Tokens in thousandths, and when they were counted.
    buckets: BTreeMap<String, (u64, Moment)>,
    /// What there was until each of those moments, the earliest one first.
    earlier: VecDeque<(Moment, Resources)>,
    /// The calls that can be repeated without effect, the earliest one first.
    done: VecDeque<Done>,
}

#[derive(Clone, Debug)]
struct Done {
    action: String,
    parameters: Parameters,
    answer: Record,
}

/// How many calls with client tokens are remembered.
const DONE_MAX: usize = 1000;

/// How many earlier states are kept. More changes than that within the delay are seen too early.
const EARLIER_MAX: usize = 1000;

impl Cloud {
    /// Counts a call of an action, and refuses it if there are too many.
    pub(super) fn admit(&mut self, action: &str, now: Moment) -> Result<(), Refusal> {
        let exceeded = || Refusal { status: 503, ..Refusal::new("RequestLimitExceeded", "Request limit exceeded.") };
        if self.settings.refused_next > 0 {
            self.settings.refused_next -= 1;
            return Err(exceeded());
        }
        let Some(Rate { bucket, refill }) = self.settings.rate else { return Ok(()) };
        let full = u64::from(bucket) * 1000;
        let (tokens, since) = self.limits.buckets.entry(action.to_owned()).or_insert((full, now));
        let passed = now.elapsed().saturating_sub(since.elapsed()).as_millis();
        let new = u64::try_from(passed).unwrap_or(u64::MAX).saturating_mul(refill.into());
        (*tokens, *since) = (tokens.saturating_add(new).min(full), now);
        if *tokens < 1000 {
            return Err(exceeded());
        }
        *tokens -= 1000;
        Ok(())
    }

    /// Keeps what there is, for those who read it later than it was.
    pub(super) fn remember(&mut self, now: Moment) {
        let delay = self.settings.reads_lag;
        if delay == Duration::ZERO {
            return;
        }
        self.limits.earlier.retain(|(until, _)| until.elapsed() + delay > now.elapsed());
        if self.limits.earlier.len() == EARLIER_MAX {
            self.limits.earlier.pop_front();
        }
        self.limits.earlier.push_back((now, self.resources.clone()));
    }

    /// Looks at what there was a while ago, if that is how this EC2 reads.
    pub(super) fn look_back<T>(&mut self, now: Moment, look: impl FnOnce(&Self) -> T) -> T {
        let delay = self.settings.reads_lag;
        let mut earlier = self.limits.earlier.iter_mut();
        let Some(place) = earlier.position(|(until, _)| until.elapsed() + delay > now.elapsed()) else {
            return look(self);
        };
        let there = std::mem::take(&mut self.limits.earlier[place].1);
        let here = std::mem::replace(&mut self.resources, there);
        let seen = look(self);
        self.limits.earlier[place].1 = std::mem::replace(&mut self.resources, here);
        seen
    }

    /// The answer of the same call with the same client token; another call with that token is refused.
    pub(super) fn done_before(&self, action: &str, parameters: &Parameters) -> Result<Option<Record>, Refusal> {
        let Some(token) = parameters.text("ClientToken") else { return Ok(None) };
        let same = |done: &&Done| done.action == action && done.parameters.text("ClientToken") == Some(token);
        match self.limits.done.iter().find(same) {
            None => Ok(None),
            Some(done) if done.parameters == *parameters => Ok(Some(done.answer.clone())),
            Some(_) => {
                let message =
                    "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";
                Err(Refusal::new("IdempotentParameterMismatch", message))
            }
        }
    }

    /// Remembers a call with a client token and its answer.
    pub(super) fn note_done(&mut self, action: &str, parameters: &Parameters, answer: &Record) {
        if parameters.text("ClientToken").is_none() {
            return;
        }
        if self.limits.done.len() == DONE_MAX {
            self.limits.done.pop_front();
        }
        let (action, parameters, answer) = (action.to_owned(), parameters.clone(), answer.clone());
        self.limits.done.push_back(Done { action, parameters, answer });
    }
}
