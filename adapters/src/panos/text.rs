//! Text from outside, made fit for one line of ours, and text of ours, made fit for XML.

use quick_xml::escape;

/// How much of a foreign text a message of ours repeats.
const CHARACTERS_MAX: usize = 300;

/// The text on one line: control characters and runs of white space become one space, and what is too long is cut.
pub(super) fn clean(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(4 * CHARACTERS_MAX));
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let spaced = words.flat_map(|word| std::iter::once(' ').chain(word.chars())).skip(1);
    for (count, character) in spaced.enumerate() {
        if count == CHARACTERS_MAX {
            line.push('…');
            break;
        }
        line.push(character);
    }
    line
}

/// The text as XML has it, in content and in attributes alike. Characters that no XML document can hold are replaced, so that
/// one of them in a description cannot spoil a whole request.
pub(super) fn xml(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'..);
    if text.chars().all(allowed) {
        escape::escape(text).into_owned()
    } else {
        escape::escape(text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect::<String>()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_becomes_one_short_line() {
        assert_eq!(clean(" a \n\t b\u{1b}[31m\0c "), "a b [31m c");
        assert_eq!(clean(""), "");
        assert_eq!(clean(&"ä".repeat(500)).chars().count(), CHARACTERS_MAX + 1);
    }

    #[test]
    fn no_text_can_break_out_of_a_document() {
        assert_eq!(xml("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&apos;");
        assert_eq!(xml("a\0b\u{ffff}c\nd"), "a\u{fffd}b\u{fffd}c\nd");
    }
}
