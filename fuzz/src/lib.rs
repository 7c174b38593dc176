//! Whatever comes from outside, read as it comes.
//!
//! ```text
//!     bytes ──► cloudtrail      a log file, packed or not
//!               envelope        what the function is invoked with
//!               answer          what the firewall's XML API answers
//!               conversation    its answers to all the questions of a command
//!               configuration   an exported configuration
//!               inventory       what the AWS CLI prints
//!               scenario        a story
//! ```
//!
//! Each function takes any bytes, must not panic, and must not take more memory than the bytes are worth. Two callers: the
//! targets of cargo-fuzz in `fuzz_targets`, and the properties in `tests`, which need nothing installed.

use drawbridge::{
    aws::cloudtrail,
    envelope::Envelope,
    offline,
    panos::{
        client::{Account, Panos, Transport},
        exported::exported,
        request::Request,
        response::{self, Answer},
        xpath::Vsys,
    },
};
use drawbridge_core::{
    change::Change,
    command::{Failure, JobState, LogTrouble},
    firewall::{CommitNote, Digest},
    id::{AdminName, JobId},
};
use drawbridge_simulator::script::Script;
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use std::{
    io::Write as _,
    pin::pin,
    task::{Context, Poll, Waker},
};

/// The most that a log may unpack to here. A real one may have a gigabyte; this is what must bound it.
const UNPACKED_MAX: u64 = 1 << 20;

/// Reads a log file, as it is and packed, whole and in pieces: it makes no difference where the pieces end.
pub fn cloudtrail(bytes: &[u8]) {
    let whole = cloudtrail::read(bytes, UNPACKED_MAX);
    assert_eq!(in_pieces(bytes), whole, "read in pieces");
    let packed = packed(bytes);
    if !bytes.starts_with(&[0x1f, 0x8b]) && !bytes.is_empty() {
        assert_eq!(cloudtrail::read(&packed, UNPACKED_MAX).is_ok(), whole.is_ok(), "packed");
    }
}

fn in_pieces(bytes: &[u8]) -> Result<cloudtrail::Log, LogTrouble> {
    let mut reader = cloudtrail::LogReader::new(UNPACKED_MAX);
    for piece in bytes.chunks(7) {
        reader.feed(piece)?;
    }
    reader.finish()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("a list takes everything");
    encoder.finish().expect("a list takes everything")
}

/// Opens what the function is invoked with, as far as it is JSON: anything else never reaches it.
pub fn envelope(bytes: &[u8]) {
    if let Ok(payload) = serde_json::from_slice::<Value>(bytes) {
        let _ = Envelope::open(&payload).trigger();
    }
}

/// Reads what the firewall answers; a refusal has words that fit into one line.
pub fn answer(bytes: &[u8]) {
    let document = String::from_utf8_lossy(bytes).into_owned();
    for status in [200, 403, 502] {
        match response::tree(&Answer { status, document: document.clone() }) {
            Ok(_) => {}
            Err(rejection) => assert!(!format!("{rejection:?}").contains('\u{1b}'), "control characters get through"),
        }
    }
}

/// Between the answers of a conversation.
const BETWEEN: &str = "\n----\n";

/// More questions than any command has here: what is asked must come to an end, whatever the answers are.
const QUESTIONS_MAX: usize = 100;

/// Gives each command, and each question of the doctor's, to a firewall that answers with these texts one after another, and
/// with the last for ever. What is told of failures, jobs and locks fits into one line.
pub fn conversation(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let answers: Vec<_> = text.split(BETWEEN).map(str::to_owned).collect();
    let us: AdminName = "drawbridge".parse().expect("a name");
    let note = CommitNote { owner: "drawbridge".parse().expect("a tag"), digest: Digest(7), run: None, naming: None };
    let account = Account { vsys: Vsys::default(), admin: Some(us.clone()), owner: note.owner.clone() };
    let firewall = || Panos::new(Said { answers: &answers, asked: 0 }, account.clone());
    said(firewall().observe());
    said(firewall().apply(&[Change::Tag(note.owner.clone())]));
    said(firewall().commit(&note));
    said(firewall().commit_all(&note));
    if let Some(JobState::Failed(lines)) = said(firewall().poll(JobId(1))) {
        lines.iter().for_each(|line| check_line(line));
    }
    said(firewall().revert());
    said(firewall().asks_as());
    said(firewall().may_read());
    said(firewall().may_write());
    said(firewall().may_commit(&us));
    said(async { Ok(firewall().check_units().await) });
    if let Some(locks) = said(firewall().locks_of_others(Some(&us))) {
        locks.iter().for_each(|lock| check_line(lock));
    }
}

/// What comes of a command, if anything does.
fn said<T>(command: impl Future<Output = Result<T, Failure>>) -> Option<T> {
    let Poll::Ready(done) = pin!(command).poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("everything is said already");
    };
    done.map_err(|failure| check_line(&failure.what.to_string())).ok()
}

fn check_line(text: &str) {
    assert!(!text.contains(char::is_control), "control characters get through: {text:?}");
}

/// A firewall that has made up its mind.
struct Said<'a> {
    answers: &'a [String],
    asked: usize,
}

impl Transport for Said<'_> {
    type Document = String;

    async fn send(&mut self, _: &Request) -> Result<Answer<String>, Failure> {
        assert!(self.asked < QUESTIONS_MAX, "the questions do not end");
        let document = self.answers[self.asked.min(self.answers.len() - 1)].clone();
        self.asked += 1;
        Ok(Answer { status: 200, document })
    }
}

/// Reads an exported configuration, twice alike.
pub fn configuration(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = || exported(&text, &Vsys::default());
    assert_eq!(read().ok(), read().ok(), "one text has one meaning");
}

/// Reads what the AWS CLI prints: the bytes are an object with one answer for each name.
pub fn inventory(bytes: &[u8]) {
    if let Ok(Value::Object(answers)) = serde_json::from_slice::<Value>(bytes) {
        let _ = offline::from_answers(answers, None);
    }
}

/// Reads a story; what is understood is written in a way that is understood as the same.
pub fn scenario(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(script) = Script::parse("fuzzed", &text) {
        let written = script.to_string();
        let again = Script::parse("fuzzed", &written).expect("what was written can be read");
        assert_eq!(again.to_string(), written, "written again");
    }
}
