//! Finds the records of a CloudTrail file in a stream of bytes without parsing them: most of a file is about other
//! services, one odd record must not cost the others, and memory must not grow with the file.

use super::block::{self, Block};

/// Longer records are not looked into. Trails write at most 256 KB per event (CloudTrail user guide, record contents).
const RECORD_MAX: usize = 4 << 20;

/// Longer than any label that matters.
const LABEL_MAX: usize = 16;

/// The depth within a record: below the root, and below the list of records.
const RECORD_DEPTH: usize = 3;

/// What the splitter found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// The bytes of one record, from brace to brace.
    Record(&'a [u8]),
    /// A record longer than any real one.
    TooLong,
}

/// The bytes are no JSON object with an array `Records`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotRecords;

/// Follows strings and brackets, chunk after chunk. Chunks may end anywhere.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    depth: usize,
    string: Text,
    root: Progress,
    records: Progress,
    /// The latest string directly in the root object: the label of what follows.
    label: Vec<u8>,
    /// What earlier chunks held of the record being followed.
    partial: Vec<u8>,
    record: Record,
    digest: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside,
    /// Inside, after a backslash.
    Escaped,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    Ahead,
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Record {
    #[default]
    None,
    Followed,
    TooLong,
}

enum Edge {
    None,
    Begin,
    End,
}

impl Splitter {
    /// Follows the next bytes and hands over every record that ends in them.
    pub(super) fn feed(&mut self, chunk: &[u8], mut each: impl FnMut(Found<'_>)) -> Result<(), NotRecords> {
        let (mut at, mut begin, mut next_block) = (0, 0, 0);
        while at < chunk.len() {
            if self.record != Record::None && at >= next_block {
                at += self.blocks(&chunk[at..]);
                next_block = at + block::BYTES;
            }
            let Some(byte) = chunk.get(at) else { break };
            match self.string {
                Text::Outside => match self.outside(*byte)? {
                    Edge::None => {}
                    Edge::Begin => (begin, next_block) = (at, 0),
                    Edge::End => self.hand_over(&chunk[begin..=at], &mut each),
                },
                Text::Inside => at += self.inside(&chunk[at..]),
                Text::Escaped => self.string = Text::Inside,
            }
            at += 1;
        }
        if self.record != Record::None {
            self.keep(&chunk[begin..]);
        }
        Ok(())
    }

    /// Ends the file: whether it was whole. A digest file has no records, which is as it should be.
    pub(super) fn finish(self) -> Result<(), NotRecords> {
        let whole = self.root == Progress::Closed && (self.records == Progress::Closed || self.digest);
        if whole { Ok(()) } else { Err(NotRecords) }
    }

    /// Passes over whole blocks within a record, up to one that has to be looked at byte by byte: it ends the record, or has
    /// escapes in it. Returns how many bytes lie before that.
    fn blocks(&mut self, rest: &[u8]) -> usize {
        let mut passed = 0;
        let (blocks, _) = rest.as_chunks();
        for bytes in blocks {
            if self.string == Text::Escaped {
                break;
            }
            let Some(block) = Block::of(bytes, self.string == Text::Inside) else { break };
            if let Some(end) = block.follow(&mut self.depth, RECORD_DEPTH) {
                self.string = Text::Outside;
                return passed + end;
            }
            self.string = if block.ends_inside { Text::Inside } else { Text::Outside };
            passed += block::BYTES;
        }
        passed
    }

    fn outside(&mut self, byte: u8) -> Result<Edge, NotRecords> {
        match byte {
            b'{' | b'[' => return self.open(byte),
            b'}' | b']' => return self.close(byte),
            b' ' | b'\n' | b'\r' | b'\t' => {}
            // A byte order mark, which whoever hands the file on may have put before it.
            0xef | 0xbb | 0xbf if self.root == Progress::Ahead => {}
            _ if self.depth == 0 => return Err(NotRecords),
            b'"' => {
                self.string = Text::Inside;
                if self.depth == 1 {
                    self.label.clear();
                }
            }
            _ => {}
        }
        Ok(Edge::None)
    }

    /// Skips to the end of a string or to its next escape; returns how many bytes lie before that.
    fn inside(&mut self, rest: &[u8]) -> usize {
        let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        let text = &rest[..end.unwrap_or(rest.len())];
        if self.depth == 1 {
            let room = LABEL_MAX - self.label.len();
            self.label.extend(&text[..text.len().min(room)]);
        }
        match end.map(|end| rest[end]) {
            Some(b'"') => self.string = Text::Outside,
            Some(_) => self.string = Text::Escaped,
            None => {}
        }
        text.len()
    }

    fn open(&mut self, byte: u8) -> Result<Edge, NotRecords> {
        let mut edge = Edge::None;
        match (self.depth, byte) {
            (0, b'{') if self.root == Progress::Ahead => self.root = Progress::Open,
            (0, _) => return Err(NotRecords),
            (1, b'[') if self.label == b"Records" && self.records == Progress::Ahead => self.records = Progress::Open,
            (1, b'[') if self.label == b"logFiles" => self.digest = true,
            (2, b'{') if self.records == Progress::Open => {
                self.record = Record::Followed;
                edge = Edge::Begin;
            }
            _ => {}
        }
        self.depth += 1;
        Ok(edge)
    }

    fn close(&mut self, byte: u8) -> Result<Edge, NotRecords> {
        self.depth = self.depth.checked_sub(1).ok_or(NotRecords)?;
        match (self.depth, byte) {
            (0, b'}') => self.root = Progress::Closed,
            (0, _) => return Err(NotRecords),
            (1, b']') if self.records == Progress::Open => self.records = Progress::Closed,
            (1, _) if self.records == Progress::Open => return Err(NotRecords),
            (2, _) if self.record != Record::None => return Ok(Edge::End),
            _ => {}
        }
        Ok(Edge::None)
    }

    /// Keeps what this chunk holds of a record that goes on in the next.
    fn keep(&mut self, part: &[u8]) {
        if self.partial.len() + part.len() > RECORD_MAX {
            self.record = Record::TooLong;
            self.partial = Vec::new();
        }
        if self.record == Record::Followed {
            self.partial.extend_from_slice(part);
        }
    }

    fn hand_over(&mut self, end: &[u8], each: &mut impl FnMut(Found<'_>)) {
        if !self.partial.is_empty() || end.len() > RECORD_MAX {
            self.keep(end);
        }
        each(match self.record {
            Record::TooLong => Found::TooLong,
            Record::None | Record::Followed if self.partial.is_empty() => Found::Record(end),
            Record::None | Record::Followed => Found::Record(&self.partial),
        });
        self.partial.clear();
        self.record = Record::None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str, chunk: usize) -> Result<Vec<String>, NotRecords> {
        let (mut splitter, mut found) = (Splitter::default(), Vec::new());
        for part in text.as_bytes().chunks(chunk) {
            splitter.feed(part, |piece| {
                found.push(match piece {
                    Found::Record(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                    Found::TooLong => "too long".into(),
                });
            })?;
        }
        splitter.finish().map(|()| found)
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        for chunk in 1..=text.len() {
            assert_eq!(split(text, chunk).unwrap(), expected, "in chunks of {chunk}");
        }
    }

    #[test]
    fn records_are_found_wherever_chunks_end() {
        check(r#"{"Records":[]}"#, &[]);
        check("\u{feff}{\"Records\":[{}]}", &["{}"]);
        check(r#" { "Records" : [ {"a":[{}]} , {} ] } "#, &[r#"{"a":[{}]}"#, "{}"]);
        check(
            r#"{"x":"Records","y":[{}],"z":{"Records":[{"no":1}]},"Records":[{"q":"]}\"{[\\"}]}"#,
            &[r#"{"q":"]}\"{[\\"}"#],
        );
        check(r#"{"Records":[1,"{",[{}],null,{"a":1}],"more":[{}]}"#, &[r#"{"a":1}"#]);
    }

    #[test]
    fn a_digest_has_no_records_and_other_files_are_refused() {
        check(r#"{"digestStartTime":"2026-11-02T08:00:00Z","logFiles":[{"hashValue":"0a"}]}"#, &[]);
        for text in [
            "",
            "<html>",
            "[]",
            r#"[{"Records":[]}]"#,
            "{}",
            r#"{"Records":{}}"#,
            r#"{"Records":"[]"}"#,
            r#"{"Records":[{}"#,
            r#"{"Records":[{}]"#,
            r#"{"Records":[{}}}"#,
            r#"{"Records":[{}]]"#,
            r#"{"Records":[{}]}{}"#,
            r#"{"Records":[{}]}x"#,
            "{\"Records\":[{}]}\u{feff}",
            "]",
        ] {
            assert_eq!(split(text, 3), Err(NotRecords), "{text}");
        }
    }

    #[test]
    fn a_record_that_never_ends_takes_no_memory() {
        let long = "x".repeat(RECORD_MAX);
        let text = format!(r#"{{"Records":[{{"a":"{long}"}},{{"b":1}}]}}"#);
        for chunk in [1 << 16, text.len()] {
            assert_eq!(split(&text, chunk).unwrap(), ["too long", r#"{"b":1}"#]);
        }
    }

    proptest! {
        /// In chunks of one byte there are no blocks.
        #[test]
        fn blocks_and_bytes_say_the_same(
            pieces in proptest::collection::vec(r#"[{}\[\]",\\\\a]{0,3}|a{60,70}|"[{}\[\]a,]{0,80}""#, 0..20),
            chunk in 1..300usize,
        ) {
            let text = format!(r#"{{"Records":[{{{}}},{{"b":1}}]}}"#, pieces.concat());
            let by_bytes = split(&text, 1);
            prop_assert_eq!(&split(&text, chunk), &by_bytes);
            prop_assert_eq!(&split(&text, text.len()), &by_bytes);
        }
    }
}
