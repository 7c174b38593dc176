//! Stories, told whole in a world of their own, for the page to show step by step.

use std::{fs, path::Path, thread};

use drawbridge_simulator::script::{self, Script};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::STACK;
use crate::replay::{Medium, Transcript, Watched, tell as tell_story};

/// The stories of a folder, each with the reason for which it exists.
pub(super) fn list(folder: &Path) -> Result<Value, String> {
    let entries = fs::read_dir(folder).map_err(|error| {
        format!("`{}` cannot be listed: {error}; say where the stories are with `--stories`", folder.display())
    })?;
    let mut stories = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".scenario"));
        if let (Some(name), Ok(text)) = (name, fs::read_to_string(&path)) {
            let comments = text.lines().map_while(|line| line.strip_prefix('#'));
            stories.push((name.to_owned(), comments.map(str::trim).collect::<Vec<_>>().join(" ")));
        }
    }
    stories.sort();
    Ok(stories.into_iter().map(|(file, about)| json!({ "file": file, "about": about })).collect())
}

/// A story of the folder. Whatever is no plain file name there is refused.
pub(super) fn read(folder: &Path, file: &str) -> Result<String, String> {
    let is_plain = file.ends_with(".scenario") && !file.contains(['/', '\\']) && !file.starts_with('.');
    if !is_plain {
        return Err(format!("`{file}` is no story: give the name of a `.scenario` file"));
    }
    fs::read_to_string(folder.join(file)).map_err(|error| format!("`{file}` cannot be read: {error}"))
}

/// Tells a story, in a thread of its own: the lab goes on meanwhile.
pub(super) async fn tell(file: String, text: String) -> Result<Value, String> {
    let (tell, told) = oneshot::channel();
    let work = move || {
        // Whoever asked may be gone by now.
        let _ = tell.send(tell_now(&file, &text));
    };
    let thread = thread::Builder::new().name("story".to_owned()).stack_size(STACK).spawn(work);
    thread.map_err(|error| format!("the story cannot be told: {error}"))?;
    told.await
        .unwrap_or_else(|_| Err("the story cannot be told: whoever tells it gave up; `replay` says why".to_owned()))
}

fn tell_now(file: &str, text: &str) -> Result<Value, String> {
    let script = Script::parse(file, text).map_err(|mistake| mistake.to_string())?;
    let medium = match script.medium {
        script::Medium::Any => Medium::Direct,
        script::Medium::Wire => Medium::Wire,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the story cannot be told: {error}"))?;
    let transcript = runtime.block_on(tell_story(&script, medium)).map_err(|error| error.to_string())?;
    Ok(document(&script, &transcript))
}

/// Block by block: what was said, what was expected, what happened, and the rulebase around every run.
fn document(script: &Script, transcript: &Transcript) -> Value {
    let of_block = |index: usize| transcript.runs.iter().filter(move |run| run.block == index).map(run);
    let blocks = script.blocks.iter().zip(&transcript.blocks).enumerate();
    let blocks = blocks.map(|(index, (block, happened))| {
        json!({
            "line": block.line, "input": block.input, "expected": block.expected, "happened": happened,
            "same": block.expected == *happened, "runs": of_block(index).collect::<Vec<_>>(),
        })
    });
    json!({ "file": script.file, "about": script.about, "blocks": blocks.collect::<Vec<_>>() })
}

fn run(run: &Watched) -> Value {
    json!({ "deed": run.deed, "before": run.before, "after": run.after })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_told_block_by_block() {
        let story = "cloud\nsg sg-1 allow tcp/443 from 0.0.0.0/0\ninstance i-1 10.0.1.10 sg-1\nfirewall\n\
                     rule clean-up any -> any deny\n----\n\ndeliver StartInstances i-1\n----\nsomething else\n";
        let told = tell_now("story", story).unwrap();
        assert_eq!(told["blocks"][0]["same"], true);
        let run = &told["blocks"][1];
        assert_eq!((&run["same"], &run["expected"][0]), (&json!(false), &json!("something else")));
        assert!(run["happened"].to_string().contains("in sync"), "{run}");
        assert!(run["runs"][0]["after"].to_string().contains("i-1-1"), "{run}");
        assert!(tell_now("story", "nonsense\n").unwrap_err().starts_with("story:1:"));
    }

    #[test]
    fn only_stories_of_the_folder_are_read() {
        for file in ["../Cargo.toml", "..", "/etc/passwd", ".hidden.scenario", "a/b.scenario", "Cargo.toml"] {
            assert!(read(Path::new("."), file).unwrap_err().contains("is no story"), "{file}");
        }
    }
}
