//! What every open page knows: the state in sections, and a timeline. Pages are told the differences.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use tokio::sync::mpsc;

/// How many entries the timeline keeps.
const TIMELINE_MAX: usize = 500;

/// How many messages a page may be behind. One that is further behind is cut off, and asks for everything again.
const BEHIND_MAX: usize = 256;

/// What kind of thing the timeline tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody called EC2.
    Event,
    /// An instance has reached a state.
    State,
    /// Drawbridge hears of something, or a run of it ends.
    Run,
    /// A command of Drawbridge's and its answer.
    Step,
    /// Somebody changes the candidate, or holds a lock.
    Change,
    /// A commit takes effect.
    Commit,
    /// Something is armed, or goes wrong.
    Fault,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::State => "state",
            Self::Run => "run",
            Self::Step => "step",
            Self::Change => "change",
            Self::Commit => "commit",
            Self::Fault => "fault",
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// What kind of thing.
    pub(super) kind: Kind,
    /// In one line.
    pub(super) text: String,
    /// In more lines.
    pub(super) more: Vec<String>,
    /// How a run ended, as the page colours it.
    pub(super) ending: Option<&'static str>,
}

impl Entry {
    /// One line.
    pub(super) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), more: Vec::new(), ending: None }
    }

    /// With more lines below it.
    pub(super) fn with(self, more: impl IntoIterator<Item = String>) -> Self {
        Self { more: more.into_iter().collect(), ..self }
    }
}

/// The state as pages have it, and the pages.
#[derive(Debug, Default)]
pub(super) struct Hub(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    sections: BTreeMap<&'static str, Value>,
    timeline: VecDeque<Value>,
    entries: u64,
    pages: Vec<mpsc::Sender<Arc<str>>>,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page that begins now: first everything, then the differences.
    pub(super) fn open(&self) -> mpsc::Receiver<Arc<str>> {
        let (page, messages) = mpsc::channel(BEHIND_MAX);
        let mut inside = self.lock();
        let mut all: serde_json::Map<_, _> =
            inside.sections.iter().map(|(name, value)| ((*name).to_owned(), json!({ "set": value }))).collect();
        all.insert("timeline".to_owned(), json!({ "set": inside.timeline }));
        let _ = page.try_send(Value::Object(all).to_string().into());
        inside.pages.push(page);
        messages
    }

    /// Sections as they are by now. What is as before is not told.
    pub(super) fn publish(&self, sections: impl IntoIterator<Item = (&'static str, Value)>) {
        let mut inside = self.lock();
        let mut message = serde_json::Map::new();
        for (name, value) in sections {
            let before = inside.sections.get(name);
            if before != Some(&value) {
                message.insert(name.to_owned(), difference(before, &value));
                inside.sections.insert(name, value);
            }
        }
        if !message.is_empty() {
            inside.tell(&Value::Object(message));
        }
    }

    /// Something has happened, at that date.
    pub(super) fn note(&self, at: &str, entry: Entry) {
        let mut inside = self.lock();
        inside.entries += 1;
        let Entry { kind, text, more, ending } = entry;
        let entry = json!({
            "id": inside.entries, "at": at, "kind": kind.name(), "text": text, "more": more, "ending": ending,
        });
        inside.tell(&json!({ "timeline": { "add": [entry] } }));
        inside.timeline.push_back(entry);
        if inside.timeline.len() > TIMELINE_MAX {
            inside.timeline.pop_front();
        }
    }
}

impl Inside {
    fn tell(&mut self, message: &Value) {
        let text: Arc<str> = message.to_string().into();
        self.pages.retain(|page| page.try_send(text.clone()).is_ok());
    }
}

/// How a section gets from one value to the next: of a list, the part that differs.
fn difference(before: Option<&Value>, after: &Value) -> Value {
    let (Some(Value::Array(before)), Value::Array(after)) = (before, after) else { return json!({ "set": after }) };
    let same = |(left, right): &(&Value, &Value)| left == right;
    let head = before.iter().zip(after).take_while(same).count();
    let rest = before.len().min(after.len()) - head;
    let tail = before.iter().rev().zip(after.iter().rev()).take(rest).take_while(same).count();
    let new = &after[head..after.len() - tail];
    json!({ "splice": [head, before.len() - tail - head, new] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(list: &mut Vec<Value>, message: &Value) {
        match message["splice"].as_array() {
            Some(splice) => {
                let (at, gone) = (splice[0].as_u64().unwrap() as usize, splice[1].as_u64().unwrap() as usize);
                list.splice(at..at + gone, splice[2].as_array().unwrap().clone());
            }
            None => *list = message["set"].as_array().unwrap().clone(),
        }
    }

    #[test]
    fn a_difference_leads_from_one_list_to_the_next() {
        let lists = ["", "a", "ab", "aab", "axb", "b", "abab", "abc"];
        for before in lists {
            for after in lists {
                let chars = |text: &str| text.chars().map(|c| json!(c.to_string())).collect::<Vec<_>>();
                let (mut list, wanted) = (chars(before), chars(after));
                let message = difference(Some(&Value::Array(list.clone())), &Value::Array(wanted.clone()));
                apply(&mut list, &message);
                assert_eq!(list, wanted, "{before} to {after}");
            }
        }
        let added = difference(Some(&json!([1, 2, 9])), &json!([1, 2, 3, 9]));
        assert_eq!(added, json!({ "splice": [2, 0, [3]] }));
    }

    #[test]
    fn a_page_is_told_everything_first_and_only_differences_then() {
        let hub = Hub::default();
        hub.publish([("rules", json!(["a"]))]);
        hub.note("08:00:00.000", Entry::new(Kind::Event, "<b>hi</b>"));
        let mut page = hub.open();
        let first: Value = serde_json::from_str(&page.try_recv().unwrap()).unwrap();
        assert_eq!(first["rules"], json!({ "set": ["a"] }));
        assert_eq!(first["timeline"]["set"][0]["text"], "<b>hi</b>");
        hub.publish([("rules", json!(["a"])), ("status", json!({ "doing": "commit" }))]);
        let next: Value = serde_json::from_str(&page.try_recv().unwrap()).unwrap();
        assert_eq!(next, json!({ "status": { "set": { "doing": "commit" } } }));
        hub.publish([("rules", json!(["a"]))]);
        assert!(page.try_recv().is_err());
    }

    #[test]
    fn a_page_that_does_not_listen_is_cut_off() {
        let hub = Hub::default();
        let mut page = hub.open();
        (0..=BEHIND_MAX).for_each(|_| hub.note("", Entry::new(Kind::State, "x")));
        let mut told = 0;
        while page.try_recv().is_ok() {
            told += 1;
        }
        assert_eq!(told, BEHIND_MAX);
        assert_eq!(page.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
    }
}
