//! Exit statuses: what each command's mean, in the one place that each command's help, the README's
//! table and the tests take them from.

use std::{fmt::Write as _, process::ExitCode};

/// How a command ends, for whoever started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Nothing is left to do.
    Done = 0,
    /// It could not be done; a mistake of usage counts as well.
    Failed = 1,
    /// It is done, and somebody should look at what it says.
    Attention = 2,
}

impl Exit {
    /// The number.
    pub const fn status(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}

use Exit::{Attention, Done, Failed};

/// Every command with all that it can end with, and what that means there.
pub const MEANINGS: &[(&str, &[(Exit, &str)])] = &[
    ("plan", &[(Done, "there is nothing to do"), (Attention, "there are changes"), (Failed, "an error")]),
    ("explain", &[(Done, "it is explained"), (Failed, "an error")]),
    ("apply", &[(Done, "in sync"), (Attention, "something was withheld"), (Failed, "failed or out of time")]),
    ("watch", &[(Done, "it was asked to stop"), (Failed, "it cannot begin")]),
    ("doctor", &[(Done, "all is well"), (Attention, "there are warnings"), (Failed, "there are failures")]),
    (
        "uninstall",
        &[
            (Done, "nothing of ours is left"),
            (Attention, "something had to stay (with `--dry-run`: there is something to remove, or has to stay)"),
            (Failed, "an error"),
        ],
    ),
    (
        "adopt",
        &[
            (Done, "done"),
            (Attention, "something was left (with `--dry-run`: there is something to adopt, or is left)"),
            (Failed, "an error"),
        ],
    ),
    ("settings", &[(Done, "they are listed"), (Failed, "an error")]),
    ("completions", &[(Done, "they are printed"), (Failed, "an error")]),
];

/// `0 in sync, 2 something was withheld, 1 failed or out of time`; nothing for what is no command.
pub fn meanings(command: &str) -> String {
    let mut text = String::new();
    let statuses = MEANINGS.iter().find(|(name, _)| *name == command).map_or(&[][..], |(_, statuses)| statuses);
    for (exit, meaning) in statuses {
        let separator = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{separator}{} {meaning}", exit.status());
    }
    text
}

/// The last paragraph of a command's help.
pub(crate) fn help(command: &str) -> String {
    format!("Exit status: {}.", meanings(command))
}
