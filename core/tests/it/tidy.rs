//! What must not creep in.

/// The core has no IO, no clock and no codecs: whoever needs a crate for one of those is in the wrong crate.
#[test]
fn the_core_depends_on_next_to_nothing() {
    let manifest = include_str!("../../Cargo.toml");
    let section = manifest.split("\n[").find_map(|section| section.strip_prefix("dependencies]\n")).unwrap();
    let crates = section.lines().filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|name| !name.is_empty());
    assert_eq!(crates.collect::<Vec<_>>(), ["ipnet", "sha2", "thiserror"]);
}
