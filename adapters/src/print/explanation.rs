//! An explanation: what is said, and further to the right what that rests on.

use std::fmt::Write as _;

use anstyle::Style;
use drawbridge_core::explain::Told;

use super::wrapped;

/// The whole text.
pub fn explanation(told: &[Told]) -> String {
    let mut text = String::new();
    write_lines(&mut text, told, 0);
    text
}

fn write_lines(text: &mut String, told: &[Told], depth: usize) {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    for Told { what, because } in told {
        let style = match depth {
            0 => bold,
            1 => Style::new(),
            _ => dim,
        };
        let _ = writeln!(text, "{style}{}{style:#}", wrapped(what, depth * 2, depth * 2 + 4));
        write_lines(text, because, depth + 1);
    }
}
