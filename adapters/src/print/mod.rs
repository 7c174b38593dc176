//! What the command line prints, for people. Texts are made whole, with colours, and go out in one piece: whether colours
//! are shown is decided where they go.

mod columns;
mod doctor;
mod explanation;
mod left_out;
mod outcome;
mod plan;
mod settings;

use std::{
    fmt,
    io::{self, ErrorKind, Write},
};

use anstyle::{AnsiColor, Style};

use crate::live::NotReady;

pub use doctor::doctor;
pub use explanation::explanation;
pub use outcome::{Purpose, outcome};
pub use plan::{plan, plan_without_aws};
pub use settings::settings;

/// How many columns a text takes at most, wherever words allow it.
const WIDTH: usize = 100;

/// How much of long lists is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// How many there are, and the first few.
    Brief,
    /// Everything.
    Whole,
}

/// Writes to standard output. Whoever reads it may have enough before the end; that is no failure.
///
/// # Errors
/// When it cannot be written for another reason.
pub fn out(text: &str) -> Result<(), NotReady> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(NotReady(format!("standard output cannot be written: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes one error to standard error. Nobody is left to tell if that fails.
pub fn error(error: &dyn fmt::Display) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    let _: io::Result<()> = writeln!(anstream::stderr(), "{style}error{style:#}: {error}");
}

/// `1 atom`, `2 atoms`.
fn counted(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// The words in lines of at most [`WIDTH`] columns, all but the first indented further.
fn wrapped(text: &str, indent: usize, hanging: usize) -> String {
    let (mut lines, mut line) = (String::new(), " ".repeat(indent));
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(&line);
            lines.push('\n');
            line = " ".repeat(hanging);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines + &line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_wrapped_between_words() {
        let text = ["word"; 40].join(" ");
        let lines = wrapped(&text, 2, 6);
        assert!(lines.lines().all(|line| line.len() <= WIDTH) && lines.lines().count() == 3);
        assert!(lines.lines().skip(1).all(|line| line.starts_with("      word")), "{lines}");
        assert_eq!(wrapped(&"x".repeat(120), 2, 6), format!("  {}", "x".repeat(120)));
        assert_eq!(lines.split_whitespace().count(), 40);
    }
}
