//! The API key is in nothing that anybody gets to see: every story is told by wire with the most verbose log there is, and
//! everything that comes out is searched.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use drawbridge::{print, render};
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
            let (text, error) = print::outcome(outcome);
            all.extend([text, format!("{outcome:?}"), render::outcome(outcome).to_string()]);
            all.extend(error);
        }
    }
    all.extend(transcript.urls.clone());
    all
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
        let key = World::build(&script).unwrap().key().to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let transcript = runtime.block_on(tell(&script, Medium::Wire)).unwrap();
        for text in everything(&transcript) {
            assert!(!text.contains(&key), "{}: {text}", file.display());
        }
        let logged = std::mem::take(&mut *log.0.lock().unwrap());
        let logged = String::from_utf8_lossy(&logged);
        let leaked = logged.lines().find(|line| line.contains(&key));
        assert_eq!(leaked, None, "{}", file.display());
        assert!(
            transcript.runs.iter().all(|run| run.lines.is_empty()) || logged.contains("TRACE"),
            "nothing is logged"
        );
        urls += transcript.urls.len();
    }
    assert!(urls > 1000, "only {urls} requests were seen");
}
