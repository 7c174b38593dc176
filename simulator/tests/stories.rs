//! Every story in the workspace can be told: it is read, printed back, its world is built, and its deeds can be done.

use std::{fs, path::Path};

use drawbridge_simulator::{script::Script, world::World};

#[test]
fn every_story_can_be_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut told = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "scenario") {
            continue;
        }
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        tell(&file, &fs::read_to_string(&path).unwrap());
        told += 1;
    }
    assert!(told > 0);
}

fn tell(file: &str, text: &str) {
    let script = Script::parse(file, text).unwrap_or_else(|mistake| panic!("{mistake}"));
    assert_eq!(script.to_string(), text, "{file} is not printed as it is written");
    assert!(!script.about.is_empty(), "{file} does not say why it exists");
    let mut world = World::build(&script).unwrap_or_else(|mistake| panic!("{mistake}"));
    for deed in script.blocks.iter().flat_map(|block| &block.deeds) {
        if let Err(what) = world.perform(&deed.what) {
            // Without Drawbridge its rules are not there, and administrators who change them are refused; nor has a unit died
            // under its commands that could come back.
            let words = deed.what.to_string();
            let needs_runs = words == "ha pair" || words.split_whitespace().any(is_ours);
            assert!(needs_runs, "{}", script.mistake(deed.line, what));
        }
    }
}

/// `sg-web-1`: the subject, and a number.
fn is_ours(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let subject = name.rsplit_once('-').filter(|(_, number)| is_number(number)).map(|(subject, _)| subject);
    subject.is_some_and(|subject| subject.starts_with("i-") || subject.starts_with("sg-"))
}
