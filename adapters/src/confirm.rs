//! Whether a person means it.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::live::NotReady;

/// How something that cannot be undone was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To see what would be done.
    DryRun,
    /// To do it, once somebody has confirmed it.
    Plainly,
    /// To do it; it is confirmed already.
    Confirmed,
}

impl Asked {
    /// From `--dry-run` and `--yes`.
    pub const fn of(dry_run: bool, yes: bool) -> Self {
        match (dry_run, yes) {
            (true, _) => Self::DryRun,
            (false, true) => Self::Confirmed,
            (false, false) => Self::Plainly,
        }
    }
}

/// Asks on the terminal.
///
/// # Errors
/// Where there is nobody to ask, or whoever is there does not say yes.
pub fn confirm(question: &str, command: &str) -> Result<(), NotReady> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Err(NotReady(format!(
            "nobody is there to confirm it: look at `drawbridge {command} --dry-run`, then give `--yes`"
        )));
    }
    let mut prompt = io::stderr();
    let _ = write!(prompt, "{question} [y/N] ").and_then(|()| prompt.flush());
    let mut answer = String::new();
    let read = stdin.lock().read_line(&mut answer);
    match (read, answer.trim().to_ascii_lowercase().as_str()) {
        (Ok(_), "y" | "yes") => Ok(()),
        _ => Err(NotReady("not confirmed: nothing has been changed".to_owned())),
    }
}
