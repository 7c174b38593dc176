//! CloudTrail's log files as events. Pure: bytes in, events out, in memory that does not grow with the file.
//!
//! Forms per the CloudTrail user guide (`cloudtrail-log-file-examples`, `cloudtrail-event-reference-record-contents`).

mod block;
mod record;
mod splitter;

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

use drawbridge_core::{command::LogTrouble, event::Event};

pub(crate) use record::event_of;
use splitter::{Found, Splitter};

/// Whether an object of a trail's bucket is a log of events. Digests, insights, network activity and aggregates lie in
/// sibling folders (CloudTrail user guide, `cloudtrail-find-log-files`).
pub fn is_event_log(key: &str) -> bool {
    let mut segments = key.rsplit('/');
    let name = segments.next().unwrap_or_default();
    name.ends_with(".json.gz") && name.contains("_CloudTrail_") && segments.any(|segment| segment == "CloudTrail")
}

/// What a log file held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Successful writes to EC2.
    pub events: Vec<Event>,
    /// How many records are none: other services, reads, failed calls and dry runs.
    pub dropped: usize,
}

/// Reads a whole log file, gzipped or plain, of at most `limit` bytes when unpacked.
///
/// # Errors
/// [`LogTrouble`] says why the file yields nothing; one odd record among others is no reason.
pub fn read(bytes: &[u8], limit: u64) -> Result<Log, LogTrouble> {
    let mut reader = LogReader::new(limit);
    reader.feed(bytes)?;
    reader.finish()
}

/// Reads a log file as its bytes arrive.
#[derive(Debug)]
pub struct LogReader {
    packing: Packing,
    limit: u64,
    fed: u64,
}

/// How the file is packed: told by its first two bytes, because whoever hands it over may have unpacked it already.
#[derive(Debug)]
enum Packing {
    Unknown(Vec<u8>),
    Gzip(Box<MultiGzDecoder<Records>>),
    Plain(Box<Records>),
}

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How many events of a file are kept. CloudTrail writes a file every few minutes, and no account makes so many changes in
/// them; whoever fills one with more fills no memory of ours.
const EVENTS_MAX: usize = 10_000;

impl LogReader {
    /// A reader that refuses more than `limit` bytes, packed or unpacked.
    pub const fn new(limit: u64) -> Self {
        Self { packing: Packing::Unknown(Vec::new()), limit, fed: 0 }
    }

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// The file is of no use, and no more of it need be read.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), LogTrouble> {
        self.fed += bytes.len() as u64;
        if self.fed > self.limit {
            return Err(LogTrouble::TooLarge);
        }
        match &mut self.packing {
            Packing::Gzip(decoder) => decoder.write_all(bytes).map_err(|_| decoder.get_ref().trouble()),
            Packing::Plain(records) => records.take(bytes),
            Packing::Unknown(head) => {
                head.extend_from_slice(bytes);
                let head = std::mem::take(head);
                if head.len() < GZIP_MAGIC.len() {
                    self.packing = Packing::Unknown(head);
                    return Ok(());
                }
                let records = Records::new(self.limit);
                self.packing = match head.starts_with(&GZIP_MAGIC) {
                    true => Packing::Gzip(Box::new(MultiGzDecoder::new(records))),
                    false => Packing::Plain(Box::new(records)),
                };
                self.fed = 0;
                self.feed(&head)
            }
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The file was not whole.
    pub fn finish(self) -> Result<Log, LogTrouble> {
        let records = match self.packing {
            Packing::Unknown(_) => return Err(LogTrouble::NotCloudTrail),
            Packing::Plain(records) => *records,
            Packing::Gzip(mut decoder) => {
                if decoder.try_finish().is_err() {
                    return Err(decoder.get_ref().trouble());
                }
                decoder.finish().map_err(|_| LogTrouble::Gzip)?
            }
        };
        records.splitter.finish().map_err(|_| LogTrouble::NotCloudTrail)?;
        Ok(records.log)
    }
}

/// Takes unpacked bytes and keeps the events in them.
#[derive(Debug)]
struct Records {
    splitter: Splitter,
    log: Log,
    left: u64,
    trouble: Option<LogTrouble>,
}

impl Records {
    fn new(limit: u64) -> Self {
        Self { splitter: Splitter::default(), log: Log::default(), left: limit, trouble: None }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), LogTrouble> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(LogTrouble::TooLarge)?;
        let log = &mut self.log;
        let split = self.splitter.feed(bytes, |found| {
            let event = match found {
                Found::Record(record) => record::event_in(record),
                Found::TooLong => Some(record::unreadable()),
            };
            match event {
                Some(event) if log.events.len() < EVENTS_MAX => log.events.push(event),
                // It may be anything, too.
                Some(_) if log.events.len() == EVENTS_MAX => log.events.push(record::unreadable()),
                Some(_) | None => log.dropped += 1,
            }
        });
        split.map_err(|_| LogTrouble::NotCloudTrail)
    }

    /// Why the decoder could not go on: what was wrong with the unpacked bytes, or else the packing.
    fn trouble(&self) -> LogTrouble {
        self.trouble.clone().unwrap_or(LogTrouble::Gzip)
    }
}

impl Write for Records {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.take(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(trouble) => Err(io::Error::other(self.trouble.insert(trouble).clone())),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write as _, path::PathBuf};

    use drawbridge_core::{
        config::{InstanceTag, Scope},
        event::EventKind,
        id::Subject,
    };
    use expect_test::expect;
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    const LIMIT: u64 = 1 << 20;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn start(number: u32) -> String {
        format!(
            r#"{{"eventVersion":"1.11","eventSource":"ec2.amazonaws.com","eventName":"StartInstances","eventID":"e-{number}",
            "readOnly":false,"requestParameters":{{"instancesSet":{{"items":[{{"instanceId":"i-0aaaaaaaaaaaa{number:04}"}}]}}}}}}"#
        )
    }

    fn file(records: &[String]) -> String {
        format!(r#"{{"Records":[{}]}}"#, records.join(","))
    }

    fn names(log: &Log) -> String {
        log.events.iter().fold(String::new(), |mut text, event| {
            write!(text, "{event}; ").unwrap();
            text
        })
    }

    #[test]
    fn gzip_or_plain_in_one_member_or_many() {
        let text = file(&[start(1), r#"{"eventSource":"s3.amazonaws.com"}"#.into(), start(2)]);
        let plain = read(text.as_bytes(), LIMIT).unwrap();
        assert_eq!(names(&plain), "StartInstances i-0aaaaaaaaaaaa0001; StartInstances i-0aaaaaaaaaaaa0002; ");
        assert_eq!((plain.dropped, plain.events[0].kind), (1, EventKind::Call));
        assert_eq!(read(&gzip(&text), LIMIT).unwrap(), plain);
        let (one, two) = text.split_at(text.len() / 2);
        assert_eq!(read(&[gzip(one), gzip(two)].concat(), LIMIT).unwrap(), plain);
    }

    #[test]
    fn one_odd_record_does_not_cost_the_others() {
        let odd = r#"{"eventSource":"ec2.amazonaws.com","eventName":"\q"}"#.to_owned();
        let deep = format!(
            r#"{{"eventSource":"ec2.amazonaws.com","requestParameters":{}{}}}"#,
            "[".repeat(500),
            "]".repeat(500)
        );
        let log = read(file(&[start(1), odd, start(2), deep]).as_bytes(), LIMIT).unwrap();
        assert_eq!(
            names(&log),
            "StartInstances i-0aaaaaaaaaaaa0001; unreadable record; StartInstances i-0aaaaaaaaaaaa0002; unreadable record; "
        );
    }

    #[test]
    fn a_record_that_is_too_long_may_be_anything() {
        let long = format!(r#"{{"eventSource":"ec2.amazonaws.com","eventName":"{}"}}"#, "x".repeat(5 << 20));
        let log = read(file(&[start(1), long]).as_bytes(), 1 << 30).unwrap();
        assert_eq!(names(&log), "StartInstances i-0aaaaaaaaaaaa0001; unreadable record; ");
    }

    #[test]
    fn a_file_full_of_events_is_kept_in_part() {
        let records: Vec<_> = (0..u32::try_from(EVENTS_MAX).unwrap() + 5).map(|number| start(number % 9_999)).collect();
        let log = read(file(&records).as_bytes(), 1 << 30).unwrap();
        assert_eq!((log.events.len(), log.dropped), (EVENTS_MAX + 1, 4));
        assert_eq!(log.events.last(), Some(&record::unreadable()));
    }

    #[test]
    fn files_that_yield_nothing_say_why() {
        let whole = gzip(&file(&[start(1)]));
        let mut damaged = whole.clone();
        let last = damaged.len() - 6;
        damaged[last] ^= 1;
        for (bytes, trouble) in [
            (&whole[..whole.len() - 1], LogTrouble::Gzip),
            (&whole[..whole.len() / 2], LogTrouble::Gzip),
            (&whole[..2], LogTrouble::Gzip),
            (&damaged, LogTrouble::Gzip),
            (b"", LogTrouble::NotCloudTrail),
            (b"{", LogTrouble::NotCloudTrail),
            (b"<html></html>", LogTrouble::NotCloudTrail),
            (&gzip("[1,2]"), LogTrouble::NotCloudTrail),
            (&gzip(r#"{"Records":[{}"#), LogTrouble::NotCloudTrail),
            (&gzip(&format!(r#"{{"Records":[{}]}}"#, " ".repeat(1 << 21))), LogTrouble::TooLarge),
            (file(&[" ".repeat(1 << 21)]).as_bytes(), LogTrouble::TooLarge),
            // Parts in which there is nothing.
            (&gzip("").repeat(1 << 17), LogTrouble::TooLarge),
        ] {
            assert_eq!(read(bytes, LIMIT), Err(trouble), "{:?}", &bytes[..bytes.len().min(20)]);
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let zeros = gzip(&file(&[" ".repeat(64 << 20)]));
        let mut reader = LogReader::new(LIMIT);
        let fed = zeros.chunks(256).take_while(|chunk| reader.feed(chunk).is_ok()).count();
        assert!(fed < zeros.len() / 256 / 8, "{fed} of {} chunks taken", zeros.len() / 256);
    }

    #[test]
    fn only_logs_of_events_are_logs() {
        let key = |folder: &str, name: &str| format!("AWSLogs/o-1/111122223333/{folder}/eu-west-1/2026/11/02/{name}");
        let name = "111122223333_CloudTrail_eu-west-1_20261102T0820Z_AbCdEfGhIjKlMnOp.json.gz";
        assert!(is_event_log(&key("CloudTrail", name)));
        for folder in ["CloudTrail-Digest", "CloudTrail-Insight", "CloudTrail-NetworkActivity", "CloudTrail-Aggregated"]
        {
            assert!(!is_event_log(&key(folder, name)), "{folder}");
        }
        assert!(!is_event_log(&key("CloudTrail", "readme.txt")));
        assert!(!is_event_log(name));
    }

    /// Real records lie beside the project, not in it; without them the tests of these files say nothing.
    fn real_files(folder: &str) -> Vec<PathBuf> {
        let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/cloudtrail-samples");
        let samples = std::env::var_os("DRAWBRIDGE_SAMPLES").map_or(beside, PathBuf::from);
        let Ok(files) = std::fs::read_dir(samples.join(folder)) else { return Vec::new() };
        let files = files.map(|file| file.unwrap().path());
        let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
        files.sort();
        files
    }

    #[test]
    fn real_records_all_parse_and_failed_ones_are_dropped() {
        let mut seen = 0;
        let files = [real_files(""), real_files("whole-log-files")].concat();
        for path in &files {
            let text = std::fs::read_to_string(path).unwrap();
            let log = read(&gzip(&text), LIMIT).unwrap_or_else(|trouble| panic!("{}: {trouble}", path.display()));
            let records: serde_json::Value = serde_json::from_str(&text).unwrap();
            let counts = |record: &&serde_json::Value| {
                record["eventSource"] == "ec2.amazonaws.com"
                    && record["errorCode"].is_null()
                    && record["readOnly"] != true
                    && !record["eventName"].as_str().unwrap().starts_with("Describe")
            };
            let records = records["Records"].as_array().unwrap();
            assert_eq!(log.events.len(), records.iter().filter(counts).count(), "{}", path.display());
            assert_eq!(log.events.len() + log.dropped, records.len());
            assert!(log.events.iter().all(|event| event.name != "unreadable record"));
            seen += records.len();
        }
        assert!(files.is_empty() || seen > 100, "{seen} records");
    }

    /// What a run makes of a record: `look`, and what it names rules after.
    fn verdict(record: &serde_json::Value) -> String {
        let Some(event) = event_of(record) else { return "dropped".to_owned() };
        let tag = InstanceTag { key: "firewall".to_owned(), value: None };
        let by_tag = Scope { instance_tags: [tag].into(), ..Scope::default() };
        let kinds = event.causes().into_iter().map(|cause| match cause.subject {
            Subject::Instance(_) => " i",
            Subject::Group(_) => " sg",
        });
        match [Scope::default(), by_tag].map(|scope| event.is_worth_a_look(&scope)) {
            [true, _] => format!("look{}", kinds.collect::<String>()),
            [false, true] => format!("look by tag{}", kinds.collect::<String>()),
            [false, false] => "harmless".to_owned(),
        }
    }

    #[test]
    fn real_records_lead_to_the_right_look() {
        let mut told = String::new();
        for path in real_files("") {
            let file: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let verdicts: Vec<_> = file["Records"].as_array().unwrap().iter().map(verdict).collect();
            writeln!(told, "{}: {}", path.file_stem().unwrap().display(), verdicts.join(", ")).unwrap();
        }
        if !told.is_empty() {
            expect![[r#"
                AllocateAddress: look
                AssociateRouteTable: look
                AttachInternetGateway: look, dropped
                AuthorizeSecurityGroupEgress: look sg
                AuthorizeSecurityGroupIngress: look sg, look, look sg, dropped, look sg
                CreateInternetGateway: look
                CreateNatGateway: look
                CreateNetworkAclEntry: look, look, look
                CreateNetworkInterface: look
                CreateRoute: look, look
                CreateRouteTable: look
                CreateSecurityGroup: harmless
                CreateSubnet: look
                CreateTags: look by tag i
                CreateVpc: look, dropped, dropped
                DeleteFlowLogs: harmless
                DeleteNetworkInterface: look
                DeleteSecurityGroup: look
                DeleteSubnet: look
                DeleteVpc: look
                ModifyInstanceAttribute: look
                RevokeSecurityGroupEgress: look sg
                RunInstances: dropped, look i, look i, look i, look i, dropped, look i, look i i, look i
                SharedSnapshotVolumeCreated: harmless
                StartInstances: look, look i
                StopInstances: look, dropped
                TerminateInstances: look i
            "#]]
            .assert_eq(&told);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), head in any::<bool>()) {
            let bytes = if head { [&GZIP_MAGIC[..], &[8, 0], &bytes].concat() } else { bytes };
            let _ = read(&bytes, LIMIT);
        }

        #[test]
        fn no_damage_makes_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), pack in any::<bool>(), chunk in 1..64usize) {
            let text = file(&[start(1), start(2)]);
            let mut bytes = if pack { gzip(&text) } else { text.into_bytes() };
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let mut reader = LogReader::new(LIMIT);
            let fed = bytes.chunks(chunk).try_for_each(|part| reader.feed(part));
            // Which of two troubles is met first may depend on the chunks; whether there is one may not.
            prop_assert_eq!(fed.and_then(|()| reader.finish()).ok(), read(&bytes, LIMIT).ok());
        }
    }
}
