//! The fuzz targets' entry points under proptest: the committed inputs as they are, damaged, spliced, and any bytes at all.
//! Deterministic; `PROPTEST_CASES` draws more, `PROPTEST_RNG_SEED` others.

#![allow(clippy::unwrap_used, reason = "what a test cannot go on without, it panics about")]

use std::{fs, path::Path};

use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};

/// How often each entry point is asked, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 400;

fn inputs(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no inputs for {target}");
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// What happens to bytes on the way.
#[derive(Clone, Debug)]
enum Damage {
    Cut(prop::sample::Index),
    Put(prop::sample::Index, Vec<u8>),
    Take(prop::sample::Index, usize),
    Copy(prop::sample::Index, prop::sample::Index, usize),
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        let place = any::<prop::sample::Index>;
        let tokens = prop::sample::select(vec![
            "<",
            ">",
            "</",
            "]]>",
            "<![CDATA[",
            "&#x0;",
            "&amp;",
            "\"",
            "'",
            "{",
            "}",
            "[",
            "]",
            ",",
            "\\u0000",
            "-1",
            "any",
            "\n",
            "99999999999999999999",
            "0.0.0.0/0",
            "::/0",
            "----",
            "\n----\n",
            "\u{feff}",
            "\u{1b}",
        ]);
        prop_oneof![
            1 => place().prop_map(Self::Cut),
            4 => (place(), tokens).prop_map(|(at, token)| Self::Put(at, token.as_bytes().to_vec())),
            2 => (place(), prop::collection::vec(any::<u8>(), 1..4)).prop_map(|(at, bytes)| Self::Put(at, bytes)),
            3 => (place(), 1_usize..40).prop_map(|(at, length)| Self::Take(at, length)),
            2 => (place(), place(), 1_usize..200).prop_map(|(at, from, length)| Self::Copy(at, from, length)),
        ]
    }

    fn apply(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len() + 1;
        match self {
            Self::Cut(at) => bytes.truncate(at.index(length)),
            Self::Put(at, more) => {
                let at = at.index(length);
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Take(at, taken) => {
                let at = at.index(length);
                bytes.drain(at..(at + taken).min(bytes.len()));
            }
            Self::Copy(at, from, copied) => {
                let (at, from) = (at.index(length), from.index(length));
                let copy: Vec<_> = bytes[from..(from + copied).min(bytes.len())].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
}

#[track_caller]
fn check(target: &str, read: fn(&[u8])) {
    let inputs = inputs(target);
    inputs.iter().for_each(|input| read(input));
    let damaged =
        (prop::sample::select(inputs), prop::collection::vec(Damage::any(), 0..6)).prop_map(|(mut bytes, all)| {
            all.iter().for_each(|damage| damage.apply(&mut bytes));
            bytes
        });
    let bytes = prop_oneof![9 => damaged, 1 => prop::collection::vec(any::<u8>(), 0..200)];
    TestRunner::new(settings())
        .run(&bytes, |bytes| {
            read(&bytes);
            Ok(())
        })
        .unwrap();
}

fn settings() -> ProptestConfig {
    let usual = ProptestConfig::default();
    let rng_seed = match usual.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_160_401),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { usual.cases } else { CASES };
    ProptestConfig { rng_seed, cases, failure_persistence: None, ..usual }
}

#[test]
fn a_log_is_read_or_refused() {
    check("cloudtrail", drawbridge_fuzz::cloudtrail);
}

#[test]
fn whatever_the_function_is_invoked_with_is_understood_or_unknown() {
    check("envelope", drawbridge_fuzz::envelope);
}

#[test]
fn an_answer_is_read_or_refused() {
    check("answer", drawbridge_fuzz::answer);
}

#[test]
fn whatever_the_firewall_answers_a_command_comes_to_an_end() {
    check("conversation", drawbridge_fuzz::conversation);
}

#[test]
fn a_configuration_is_read_or_refused() {
    check("configuration", drawbridge_fuzz::configuration);
}

#[test]
fn answers_of_the_command_line_are_read_or_refused() {
    check("inventory", drawbridge_fuzz::inventory);
}

#[test]
fn a_story_is_read_or_refused_and_written_as_it_was_meant() {
    check("scenario", drawbridge_fuzz::scenario);
}

/// A small file that unpacks to a large one ends at the limit.
#[test]
fn a_log_that_unpacks_to_too_much_is_refused() {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(b"{\"Records\":[").unwrap();
    let blank = vec![b' '; 1 << 16];
    (0..200).for_each(|_| encoder.write_all(&blank).unwrap());
    encoder.write_all(b"]}").unwrap();
    let packed = encoder.finish().unwrap();
    assert!(packed.len() < 20_000);
    assert!(drawbridge::aws::cloudtrail::read(&packed, 1 << 20).is_err());
}
