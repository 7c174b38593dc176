//! Every story, both ways: each as its file says, and so the same.

use std::path::Path;

use drawbridge_scenarios::{
    expect,
    replay::{Medium, tell},
};
use drawbridge_simulator::script::{self, Script};

fn replay(path: &Path, medium: Medium) -> datatest_stable::Result<()> {
    let text = std::fs::read_to_string(path)?;
    let script = Script::parse(&path.display().to_string(), &text)?;
    if script.medium == script::Medium::Wire && medium == Medium::Direct {
        return Ok(());
    }
    assert!(!script.about.is_empty(), "a story opens with why it exists");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let transcript = runtime.block_on(tell(&script, medium))?;
    let told = expect::told(&text, &script, &transcript.blocks);
    match expect::difference(&text, &told) {
        None => Ok(()),
        Some(difference) => Err(difference.into()),
    }
}

fn by_wire(path: &Path) -> datatest_stable::Result<()> {
    replay(path, Medium::Wire)
}

fn direct(path: &Path) -> datatest_stable::Result<()> {
    replay(path, Medium::Direct)
}

datatest_stable::harness! {
    { test = by_wire, root = ".", pattern = r"^[^/]+\.scenario$" },
    { test = direct, root = ".", pattern = r"^[^/]+\.scenario$" },
}
