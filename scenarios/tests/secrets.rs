//! The API key is in nothing that anybody gets to see: every story is told by wire with the most verbose log there is, and
//! everything that comes out is searched.

use std::{
    fs,
    io::{self, Write},
    iter::successors,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use drawbridge::{
    print::{self, Purpose},
    render,
};
use drawbridge_scenarios::replay::{Medium, Transcript, tell};
use drawbridge_simulator::{script::Script, world::World};
use tracing::level_filters::LevelFilter;

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What comes of a story: what it prints, every outcome in every form, and every URL that the firewall was asked for.
fn everything(transcript: &Transcript) -> Vec<String> {
    let mut all = transcript.blocks.concat();
    for run in &transcript.runs {
        all.extend(run.lines.clone());
        if let Some(outcome) = &run.outcome {
            let (text, error) = print::outcome(outcome, Purpose::InStep, Duration::ZERO);
            all.extend([text, format!("{outcome:?}"), render::outcome(outcome).to_string()]);
            all.extend(error);
        }
    }
    all.extend(transcript.urls.clone());
    all
}

/// Every form in which the key can stand in a text. The `=` at its end is in none of them: whoever escapes it writes
/// something else in its place, and what comes before gives the key away all the same.
fn forms(key: &str) -> Vec<String> {
    let bare = key.trim_end_matches('=');
    // The firewall makes its keys of texts, and those of texts again.
    let decode = |text: &String| String::from_utf8(STANDARD.decode(text).ok()?).ok();
    let behind = successors(Some(key.to_owned()), decode).map(|text| text.trim_end_matches('=').to_owned());
    let written = [
        escaped(bare, |byte| format!("%{byte:02X}")),
        escaped(bare, |byte| format!("%{byte:02x}")),
        bare.replace('+', "-").replace('/', "_"),
        // In groups of three, so that what follows changes none of it.
        STANDARD.encode(&bare[..bare.len() / 3 * 3]),
    ];
    behind.chain(written).collect()
}

/// A text in ASCII with everything escaped that may be.
fn escaped(text: &str, escape: fn(u8) -> String) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).into() } else { escape(byte) }).collect()
}

/// Whether a text gives the key away.
fn leaks(text: &str, forms: &[String]) -> bool {
    forms.iter().any(|form| text.contains(form))
}

#[test]
fn a_key_is_found_however_it_is_written() {
    let key = "MDphYjo+Pj4/Pz9+fg==";
    let forms = forms(key);
    for leak in [
        key,
        "key=MDphYjo%2BPj4%2FPz9%2Bfg%3D%3D&type=op",
        "key=MDphYjo%2bPj4%2fPz9%2bfg%3d%3d&type=op",
        "key=MDphYjo-Pj4_Pz9-fg&type=op",
        "made of 0:ab:>>>???~~",
        "Basic TURwaFlqbytQajQvUHo5K2ZnPT0=",
    ] {
        assert!(leaks(leak, &forms), "{leak}");
    }
    assert!(!leaks("key=&type=op, by ab", &forms));
}

#[test]
fn no_output_of_any_story_holds_the_api_key() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(move || writer.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    let mut urls = 0;
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_none_or(|extension| extension != "scenario") {
            continue;
        }
        let script = Script::parse(&file.display().to_string(), &fs::read_to_string(&file).unwrap()).unwrap();
        let forms = forms(World::build(&script).unwrap().key());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let transcript = runtime.block_on(tell(&script, Medium::Wire)).unwrap();
        for text in everything(&transcript) {
            assert!(!leaks(&text, &forms), "{}: {text}", file.display());
        }
        let logged = std::mem::take(&mut *log.0.lock().unwrap());
        let logged = String::from_utf8_lossy(&logged);
        let leaked = logged.lines().find(|line| leaks(line, &forms));
        assert_eq!(leaked, None, "{}", file.display());
        assert!(
            transcript.runs.iter().all(|run| run.lines.is_empty()) || logged.contains("TRACE"),
            "nothing is logged"
        );
        urls += transcript.urls.len();
    }
    assert!(urls > 1000, "only {urls} requests were seen");
}
