//! What a user reads: tables that are made from the program, commands that it takes, links that lead somewhere.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use drawbridge::settings::{KEYS, Otherwise, Settings, SettingsFile};
use expect_test::expect_file;
use tempfile::NamedTempFile;

use crate::{stage::Stage, text::repository};

/// The documents, with their texts.
fn documents() -> Vec<(PathBuf, String)> {
    let directories = ["docs", "deploy", "deploy/panos", "deploy/systemd"].map(repository);
    let files = directories.iter().flat_map(|directory| fs::read_dir(directory).unwrap());
    let paths = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    let documents: Vec<_> = paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    assert!(documents.len() > 10, "{documents:?}");
    documents
}

/// The indented blocks of a document, without their indentation.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        match line.strip_prefix("    ") {
            Some(code) => writeln!(blocks.last_mut().unwrap(), "{code}").unwrap(),
            None if line.is_empty() => blocks.last_mut().unwrap().push('\n'),
            None => blocks.push(String::new()),
        }
    }
    blocks.into_iter().filter(|block| !block.trim().is_empty()).collect()
}

fn program(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_drawbridge")).args(arguments).env_clear().output().unwrap()
}

/// What the program says about a command, if it has it.
fn help(command: &str) -> Option<String> {
    let listed = String::from_utf8(program(&["--help"]).stdout).unwrap();
    let has = listed.lines().any(|line| line.split_whitespace().next() == Some(command) && line.starts_with("  "));
    has.then(|| String::from_utf8(program(&[command, "--help"]).stdout).unwrap())
}

/// The uses of the program in a document: the words after its name.
fn uses(text: &str) -> Vec<Vec<String>> {
    let code = blocks(text).concat().replace("\\\n", " ");
    let words = |line: &str| -> Option<Vec<String>> {
        let words: Vec<_> = line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
        let name = words.iter().position(|word| word.rsplit('/').next() == Some("drawbridge"))?;
        let is_run = words[..name].iter().all(|word| *word == "sudo" || word.contains('='));
        is_run.then(|| words[name + 1..].iter().map(ToString::to_string).collect())
    };
    code.lines().filter_map(words).collect()
}

#[test]
fn commands_and_options_are_those_of_the_program() {
    let mut found = 0;
    for (path, text) in documents() {
        for words in uses(&text) {
            let Some(command) = words.first() else { panic!("{path:?}: a command without a name") };
            let Some(help) = help(command) else { panic!("{path:?}: there is no `drawbridge {command}`") };
            found += 1;
            for option in words.iter().filter(|word| word.starts_with("--")) {
                let option = option.split('=').next().unwrap();
                let knows = help.split(|c: char| c.is_whitespace() || c == ',').any(|word| word == option);
                assert!(knows, "{path:?}: `drawbridge {command}` has no `{option}`");
            }
        }
    }
    assert!(found > 5, "only {found} commands were tried");
}

/// The settings that the documents give to a host, which say nothing of the key.
fn settings_of_a_host() -> String {
    let host = fs::read_to_string(repository("docs/host.md")).unwrap();
    blocks(&host).into_iter().find(|block| block.trim_start().starts_with("mode = ")).unwrap()
}

/// Against a firewall and an account that are there; the environment names them, and wins over the file.
#[tokio::test]
async fn commands_of_the_documents_run() {
    let stage = Stage::new().await.with_work();
    let (file, instance) = (NamedTempFile::new().unwrap(), stage.real("i-web-2"));
    fs::write(&file, settings_of_a_host()).unwrap();
    let name = file.path().to_str().unwrap();
    let mut ran = 0;
    for (path, text) in documents() {
        for words in uses(&text) {
            if !["plan", "explain", "apply", "settings"].contains(&words[0].as_str()) {
                continue;
            }
            let word = |word: &String| match word.as_str() {
                word if word.ends_with(".toml") => name.to_owned(),
                word if word.starts_with("i-") => instance.clone(),
                word => word.to_owned(),
            };
            let words: Vec<_> = words.iter().map(word).collect();
            let ended = stage.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).await;
            assert!(matches!(ended.status, Some(0 | 2)), "{path:?}: {words:?}: {ended:#?}");
            ran += 1;
        }
    }
    assert!(ran > 5, "only {ran} commands ran");
}

#[test]
fn whole_settings_files_can_be_used() {
    let mut found = 0;
    for (path, text) in documents() {
        for block in blocks(&text).iter().filter(|block| block.trim_start().starts_with("mode = ")) {
            let name = path.display().to_string();
            // On a host the unit says where the key is.
            let of_unit = ("DRAWBRIDGE_FIREWALL_API_KEY_FILE".to_owned(), "/run/credentials/key".to_owned());
            let environment = if block.contains("api_key") { None } else { Some(of_unit) };
            let file = SettingsFile { name: &name, text: block };
            Settings::read(Some(file), &environment.into_iter().collect()).unwrap();
            found += 1;
        }
    }
    assert!(found >= 3, "only {found} files were tried");
}

#[test]
fn links_lead_somewhere() {
    for (path, text) in documents() {
        for link in text.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap()) {
            let is_local = !link.is_empty() && !link.starts_with("http");
            let target = path.parent().unwrap().join(link);
            assert!(!is_local || target.exists(), "{path:?}: `{link}`");
        }
    }
}

/// The table of all settings. `UPDATE_EXPECT=1` writes it anew; what stands around it is written by hand.
#[test]
fn the_table_of_settings_is_up_to_date() {
    let path = repository("docs/settings.md");
    let text = fs::read_to_string(&path).unwrap();
    let is_row = |line: &&str| line.starts_with('|');
    let before: Vec<_> = text.lines().take_while(|line| !is_row(line)).collect();
    let after: Vec<_> = text.lines().skip_while(|line| !is_row(line)).skip_while(is_row).collect();
    assert!(!after.iter().any(is_row), "there is another table");
    let whole = format!("{}\n{}{}\n", before.join("\n"), table(), after.join("\n"));
    expect_file![Path::new(&path)].assert_eq(&whole);
}

fn table() -> String {
    let mut table = "| setting | variable | what it decides | without it |\n| --- | --- | --- | --- |\n".to_owned();
    for key in KEYS {
        let otherwise = match key.otherwise {
            Otherwise::Required => "must be given".to_owned(),
            Otherwise::Unset(meaning) => meaning.to_owned(),
            Otherwise::Default(value) => format!("`{value}`"),
        };
        let cells = [key.meaning, &otherwise].map(|cell| cell.replace('|', "\\|"));
        writeln!(table, "| `{}` | `{}` | {} | {} |", key.name, key.variable(), cells[0], cells[1]).unwrap();
    }
    table
}
