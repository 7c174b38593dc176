//! Expected transcripts: compare, show the difference, rewrite.

use std::{fmt::Write as _, fs, io, path::Path};

use anstyle::{AnsiColor, Style};
use drawbridge_simulator::script::Script;
use similar::{ChangeTag, TextDiff};

/// The story with what really happened in the place of what was expected: for comparison, and for rewriting the file.
pub fn told(text: &str, script: &Script, happened: &[Vec<String>]) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    let mut at = 0;
    for (block, happened) in script.blocks.iter().zip(happened) {
        // Input lines and the rule below them stay as they were written.
        let end = block.line - 1 + block.input.len() + 1;
        for line in &lines[at..end] {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        for line in happened {
            out.push_str(line);
            out.push('\n');
        }
        at = end + block.expected.len();
    }
    for line in lines[at..].iter().skip_while(|line| line.trim().is_empty()) {
        let _ = writeln!(out, "{line}");
    }
    out
}

/// The lines that differ, with their neighbours; nothing if the texts are equal.
pub fn difference(expected: &str, happened: &str) -> Option<String> {
    if expected == happened {
        return None;
    }
    let gone = Style::new().fg_color(Some(AnsiColor::Red.into()));
    let new = Style::new().fg_color(Some(AnsiColor::Green.into()));
    let diff = TextDiff::from_lines(expected, happened);
    let mut out = String::new();
    for group in diff.grouped_ops(2) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', gone),
                ChangeTag::Insert => ('+', new),
                ChangeTag::Equal => (' ', Style::new()),
            };
            let _ = writeln!(out, "{style}{sign} {}{style:#}", change.value().trim_end_matches('\n'));
        }
        out.push('\n');
    }
    Some(out)
}

/// Whether files are rewritten to what happened: `UPDATE_EXPECT=1`.
pub fn rewrites() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1")
}

/// Writes a story back.
///
/// # Errors
/// What the file system says.
pub fn rewrite(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORY: &str = "# Why.\n\ncloud\nsg sg-a\n----\n\nschedule\n----\nold\nlines\n\nschedule\n----\n";

    #[test]
    fn only_what_happened_is_rewritten() {
        let script = Script::parse("x", STORY).unwrap();
        let happened = [vec![], vec!["new".to_owned()], vec!["more".to_owned()]];
        let told = told(STORY, &script, &happened);
        assert_eq!(told, "# Why.\n\ncloud\nsg sg-a\n----\n\nschedule\n----\nnew\n\nschedule\n----\nmore\n");
        let expected: Vec<_> = script.blocks.iter().map(|block| block.expected.clone()).collect();
        assert_eq!(super::told(STORY, &script, &expected), STORY);
    }

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(difference("a\n", "a\n"), None);
        assert!(difference("a\n", "b\n").unwrap().contains("- a"));
    }
}
