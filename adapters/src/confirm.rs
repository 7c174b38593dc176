//! Whether a person means it.

use std::io::{self, BufRead, IsTerminal as _, Write};

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
    if is_confirmed(question, stdin.lock(), io::stderr()) {
        Ok(())
    } else {
        Err(NotReady("not confirmed: nothing has been changed".to_owned()))
    }
}

/// Only a yes is one: not an empty line, not the end of what there is to read.
fn is_confirmed(question: &str, mut answers: impl BufRead, mut prompt: impl Write) -> bool {
    let _ = write!(prompt, "{question} [y/N] ").and_then(|()| prompt.flush());
    let mut answer = String::new();
    answers.read_line(&mut answer).is_ok() && ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_yes_is_one() {
        for (answer, expected) in [
            ("y\n", true),
            ("Yes\n", true),
            (" YES \r\n", true),
            ("y", true),
            ("\n", false),
            ("", false),
            ("n\n", false),
            ("yess\n", false),
            ("n\ny\n", false),
        ] {
            let mut prompt = Vec::new();
            assert_eq!(is_confirmed("remove all of this?", answer.as_bytes(), &mut prompt), expected, "{answer:?}");
            assert_eq!(prompt, b"remove all of this? [y/N] ");
        }
        assert!(!is_confirmed("?", &b"\xff\n"[..], Vec::new()));
    }
}
