//! `type=log`: the configuration log, asked for by one request and fetched by the next, as the documentation has it
//! (`docs.paloaltonetworks.com`, "Retrieve Logs (API)"). No traffic flows here, so that there are no other logs.

mod query;

use std::collections::BTreeMap;

use time::macros::format_description;

use super::{
    Call, Firewall,
    answer::{Refusal, enqueued, response},
};
use crate::{clock::Moment, xml::Element};
use query::Query;

/// One line of the configuration log.
#[derive(Clone, Debug)]
struct Entry {
    number: u64,
    time: Moment,
    subtype: &'static str,
    command: String,
    admin: String,
    outcome: &'static str,
    path: String,
    comment: String,
}

/// What a query asks for.
#[derive(Clone, Debug)]
struct Wanted {
    asked: Moment,
    query: Query,
    oldest_first: bool,
    skip: usize,
    most: usize,
}

/// The configuration log, the oldest line first, and the queries whose answers nobody has fetched.
#[derive(Clone, Debug, Default)]
pub(super) struct Logs {
    entries: Vec<Entry>,
    queries: BTreeMap<u64, Wanted>,
    asked: u64,
}

/// How many lines are sent to somebody who does not say.
const USUAL: usize = 20;

/// How many lines are sent at most.
const MOST: usize = 5000;

impl Logs {
    /// Notes a write that succeeded.
    pub(super) fn note_write(&mut self, call: &Call<'_>, command: &str, path: &str) {
        self.note(call, Entry::new("0", command, "Succeeded", path));
    }

    /// Notes a commit that was asked for.
    pub(super) fn note_commit(&mut self, call: &Call<'_>) {
        self.note(call, Entry::new("0", "commit", "Submitted", ""));
    }

    /// Notes a comment on a rule.
    pub(super) fn note_comment(&mut self, call: &Call<'_>, path: &str, comment: &str) {
        let entry = Entry::new("audit-comment", "audit-comment", "Succeeded", path);
        self.note(call, Entry { comment: comment.to_owned(), ..entry });
    }

    fn note(&mut self, call: &Call<'_>, entry: Entry) {
        let number = self.entries.len() as u64 + 1;
        self.entries.push(Entry { number, time: call.now, admin: call.admin.to_owned(), ..entry });
    }

    fn found(&self, wanted: &Wanted, serial: &str) -> Vec<Element> {
        let meant = |entry: &Element| wanted.query.admits(|field| entry.child_text(field));
        let all = self.entries.iter().map(|entry| entry.to_xml(serial)).filter(meant);
        let mut found: Vec<Element> = all.collect();
        if !wanted.oldest_first {
            found.reverse();
        }
        found.into_iter().skip(wanted.skip).take(wanted.most).collect()
    }
}

impl Entry {
    fn new(subtype: &'static str, command: &str, outcome: &'static str, path: &str) -> Self {
        let (number, time, admin, comment) = (0, Moment::default(), String::new(), String::new());
        let (command, path) = (command.to_owned(), path.to_owned());
        Self { number, time, subtype, command, admin, outcome, path, comment }
    }

    fn to_xml(&self, serial: &str) -> Element {
        let (number, time) = (self.number.to_string(), self.time.panos());
        let fields = [
            ("domain", "1"),
            ("receive_time", &time),
            ("serial", serial),
            ("seqno", &number),
            ("actionflags", "0x0"),
            ("type", "CONFIG"),
            ("subtype", self.subtype),
            ("config_ver", "1"),
            ("time_generated", &time),
            ("cmd", &self.command),
            ("admin", &self.admin),
            ("result", self.outcome),
            ("path", &self.path),
            ("comment", &self.comment),
        ];
        let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let entry = Element::new("entry").with_attribute("logid", &number);
        entry.with_all(fields.map(|(name, value)| Element::text(name, value)))
    }
}

impl Firewall {
    /// Asks for logs, fetches them or gives up.
    pub(super) fn log(&mut self, call: &Call<'_>) -> Result<Element, Refusal> {
        match call.parameter("action") {
            None => self.enqueue_query(call),
            Some("get") => self.fetch_logs(call),
            Some("finish") => {
                let id = self.query_of(call)?;
                self.logs.queries.remove(&id);
                Ok(response("success", None).with(Element::text("msg", format!("Job {id} removed."))))
            }
            Some(unknown) => Err(Refusal::illegal_parameter("action", unknown)),
        }
    }

    fn enqueue_query(&mut self, call: &Call<'_>) -> Result<Element, Refusal> {
        match call.required("log-type")? {
            "config" => {}
            unknown => return Err(Refusal::illegal_parameter("log-type", unknown)),
        }
        let number = |name: &str, otherwise: usize| match call.parameter(name) {
            None => Ok(otherwise),
            Some(text) => text.parse().map_err(|_| Refusal::illegal_parameter(name, text)),
        };
        let query = call.parameter("query").unwrap_or_default();
        let wanted = Wanted {
            asked: call.now,
            query: Query::parse(query).ok_or_else(|| Refusal::illegal_parameter("query", query))?,
            oldest_first: match call.parameter("dir") {
                None | Some("backward") => false,
                Some("forward") => true,
                Some(unknown) => return Err(Refusal::illegal_parameter("dir", unknown)),
            },
            skip: number("skip", 0)?,
            most: number("nlogs", USUAL)?.min(MOST),
        };
        self.logs.asked += 1;
        self.logs.queries.insert(self.logs.asked, wanted);
        Ok(enqueued("query", self.logs.asked))
    }

    /// The answer to a query, which is forgotten with that.
    fn fetch_logs(&mut self, call: &Call<'_>) -> Result<Element, Refusal> {
        let id = self.query_of(call)?;
        let Some(wanted) = self.logs.queries.remove(&id) else { return Err(no_such_job(&id.to_string())) };
        let found = self.logs.found(&wanted, &self.settings.serial);
        let time = |moment: Moment| moment.formatted(format_description!("[hour]:[minute]:[second]"));
        let job = Element::new("job").with_all([
            Element::text("tenq", time(wanted.asked)),
            Element::text("tdeq", time(wanted.asked)),
            Element::text("tlast", time(call.now)),
            Element::text("status", "FIN"),
            Element::text("id", id.to_string()),
        ]);
        let logs = Element::new("logs").with_attribute("count", found.len().to_string());
        let logs = logs.with_attribute("progress", "100").with_all(found);
        let result = Element::new("result").with(job).with(Element::new("log").with(logs));
        Ok(response("success", Some(19)).with(result))
    }

    fn query_of(&self, call: &Call<'_>) -> Result<u64, Refusal> {
        let id = call.required("job-id")?;
        let known = id.parse().ok().filter(|id| self.logs.queries.contains_key(id));
        known.ok_or_else(|| no_such_job(id))
    }
}

fn no_such_job(id: &str) -> Refusal {
    Refusal::new(7, format!("job {id} not found"))
}
