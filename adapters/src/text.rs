//! Text from outside, made fit for one line of ours: of a log, of a report, on a terminal.

/// How much of a foreign text a message of ours repeats.
const CHARACTERS_MAX: usize = 300;

/// The text on one line: control characters and runs of white space become one space, and what is too long is cut.
pub(crate) fn clean(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_becomes_one_short_line() {
        assert_eq!(clean(" a \n\t b\u{1b}[31m\0c "), "a b [31m c");
        assert_eq!(clean(""), "");
        assert_eq!(clean(&"ä".repeat(500)).chars().count(), CHARACTERS_MAX + 1);
    }
}
