//! What EventBridge and S3 tell of, in the order in which it happened, each as soon as it is due.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::{Cloud, StateChange};
use crate::clock::Moment;

/// Messages for whoever asks for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    /// Each with its number and when it is due.
    messages: VecDeque<(u64, Moment, Value)>,
    sent: u64,
}

/// How many messages are kept for somebody who may never ask.
const MESSAGES_MAX: usize = 10_000;

impl Outbox {
    fn add(&mut self, due: Moment, message: Value) {
        if self.messages.len() == MESSAGES_MAX {
            self.messages.pop_front();
        }
        self.sent += 1;
        self.messages.push_back((self.sent, due, message));
    }
}

impl Cloud {
    /// Keeps events and notifications from here on, for [`Cloud::messages`].
    pub fn keep_messages(&mut self) {
        self.outbox.get_or_insert_default();
    }

    /// The events and notifications that are due and have a number above that one, each with its number.
    pub fn messages(&self, after: u64, now: Moment) -> Vec<(u64, Value)> {
        let all = self.outbox.iter().flat_map(|outbox| &outbox.messages);
        let due = all.filter(|(number, due, _)| *number > after && *due <= now);
        due.map(|(number, _, message)| (*number, message.clone())).collect()
    }

    /// EventBridge passes on what was written down, but for what only reads (EventBridge user guide, "AWS service events
    /// delivered via CloudTrail").
    pub(super) fn post_record(&mut self, record: &Value) {
        if self.outbox.is_none() || record["readOnly"] == true {
            return;
        }
        let now = self.last_seen;
        let event = self.api_call_event(record, now);
        self.post(now + self.settings.event_delay, event);
    }

    pub(super) fn post_state_change(&mut self, change: &StateChange) {
        if self.outbox.is_some() {
            let event = self.state_change_event(&change.instance, change.state, change.at);
            self.post(change.at + self.settings.event_delay, event);
        }
    }

    /// S3 tells of new objects in both of its ways.
    pub(super) fn post_objects(&mut self, keys: &[String], now: Moment) {
        if self.outbox.is_none() {
            return;
        }
        let due = now + self.settings.notification_delay;
        let notification = self.s3_notification(keys, now);
        self.post(due, notification);
        for key in keys {
            let event = self.object_created_event(key, now);
            self.post(due, event);
        }
    }

    fn post(&mut self, due: Moment, message: Value) {
        if let Some(outbox) = &mut self.outbox {
            outbox.add(due, message);
        }
    }

    /// The same messages as JSON, with the number to go on from.
    pub(super) fn messages_json(&self, after: u64, now: Moment) -> Value {
        let messages = self.messages(after, now);
        let last = messages.iter().map(|(number, _)| *number).max().unwrap_or(after);
        let messages: Vec<_> = messages.into_iter().map(|(_, message)| message).collect();
        json!({ "last": last, "messages": messages })
    }
}
