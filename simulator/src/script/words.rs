//! One line of a scenario as words, and a cursor that reads them with errors a person can act on.

use std::{fmt, str::FromStr, time::Duration};

/// What is wrong with a line, and the remedy.
pub(super) type Parsed<T> = Result<T, String>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// A word. Only one without quotes can be a keyword.
    Word {
        text: String,
        quoted: bool,
    },
    Comma,
    Semicolon,
}

/// The words of one line, read from left to right.
#[derive(Debug)]
pub(super) struct Words {
    tokens: Vec<Token>,
    at: usize,
}

impl Words {
    /// Cuts a line into words; blanks separate them, quotes hold them together, two blanks and `#` end the line.
    pub(super) fn of(line: &str) -> Parsed<Self> {
        let mut tokens = Vec::new();
        let mut rest = line.trim_end();
        loop {
            let blanks = rest.len() - rest.trim_start().len();
            rest = rest.trim_start();
            match rest.chars().next() {
                None => break,
                Some('#') if blanks >= 2 || tokens.is_empty() => break,
                Some(',') => {
                    tokens.push(Token::Comma);
                    rest = &rest[1..];
                }
                Some(';') => {
                    tokens.push(Token::Semicolon);
                    rest = &rest[1..];
                }
                Some(_) => {
                    let (token, after) = word(rest)?;
                    tokens.push(token);
                    rest = after;
                }
            }
        }
        Ok(Self { tokens, at: 0 })
    }

    /// Takes the next word if it is this keyword.
    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.peek() == Some(keyword);
        self.at += usize::from(found);
        found
    }

    /// Takes the next word, which must be this keyword.
    pub(super) fn expect(&mut self, keyword: &str) -> Parsed<()> {
        if self.keyword(keyword) {
            return Ok(());
        }
        Err(format!("expected `{keyword}`, found {}", self.found()))
    }

    /// Takes a semicolon if it is next.
    pub(super) fn semicolon(&mut self) -> bool {
        let found = self.tokens.get(self.at) == Some(&Token::Semicolon);
        self.at += usize::from(found);
        found
    }

    /// The next word without quotes, left where it is.
    pub(super) fn peek(&self) -> Option<&str> {
        match self.tokens.get(self.at) {
            Some(Token::Word { text, quoted: false }) => Some(text),
            _ => None,
        }
    }

    /// Whether every word was taken.
    pub(super) fn is_empty(&self) -> bool {
        self.at == self.tokens.len()
    }

    /// Takes the next word, which is `what`.
    pub(super) fn word(&mut self, what: &str) -> Parsed<String> {
        match self.tokens.get(self.at) {
            Some(Token::Word { text, .. }) => {
                self.at += 1;
                Ok(text.clone())
            }
            _ => Err(format!("expected {what}, found {}", self.found())),
        }
    }

    /// Takes the next word and reads it as `what`.
    pub(super) fn value<T: FromStr>(&mut self, what: &str) -> Parsed<T> {
        let word = self.word(what)?;
        word.parse().map_err(|_| format!("`{word}` is not {what}"))
    }

    /// Takes words with commas between them.
    pub(super) fn list(&mut self, what: &str) -> Parsed<Vec<String>> {
        let mut words = vec![self.word(what)?];
        while self.tokens.get(self.at) == Some(&Token::Comma) {
            self.at += 1;
            words.push(self.word(what)?);
        }
        Ok(words)
    }

    /// Takes words with commas between them and reads each as `what`.
    pub(super) fn values<T: FromStr>(&mut self, what: &str) -> Parsed<Vec<T>> {
        let parse = |word: String| word.parse().map_err(|_| format!("`{word}` is not {what}"));
        self.list(what)?.into_iter().map(parse).collect()
    }

    /// Takes a span of time such as `30s` or `1h30m`.
    pub(super) fn span(&mut self) -> Parsed<Duration> {
        let word = self.word("a span of time such as `30s`")?;
        humantime::parse_duration(&word).map_err(|_| format!("`{word}` is not a span of time such as `30s` or `1h30m`"))
    }

    /// Checks that nothing is left.
    pub(super) fn end(&self) -> Parsed<()> {
        if self.is_empty() {
            return Ok(());
        }
        Err(format!("did not expect {} here; quote names that hold blanks", self.found()))
    }

    fn found(&self) -> String {
        match self.tokens.get(self.at) {
            None => "the end of the line".to_owned(),
            Some(Token::Word { text, .. }) => format!("`{text}`"),
            Some(Token::Comma) => "`,`".to_owned(),
            Some(Token::Semicolon) => "`;`".to_owned(),
        }
    }
}

/// The word at the beginning of `rest`, and what follows it.
fn word(rest: &str) -> Parsed<(Token, &str)> {
    let mut text = String::new();
    let (mut quoted, mut open) = (false, false);
    let mut characters = rest.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => (quoted, open) = (true, !open),
            '\\' if open => text.extend(characters.next().map(|(_, escaped)| escaped)),
            ',' | ';' if !open => return Ok((Token::Word { text, quoted }, &rest[at..])),
            blank if !open && blank.is_whitespace() => return Ok((Token::Word { text, quoted }, &rest[at..])),
            other => text.push(other),
        }
    }
    if open {
        return Err("a quoted name is not closed; add the missing `\"`".to_owned());
    }
    Ok((Token::Word { text, quoted }, ""))
}

/// Prints a name as a scenario has it: in quotes where it would not be read as one word otherwise.
pub(super) struct Name<'a>(pub(super) &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let special = |character: char| character.is_whitespace() || ",;\"#\\".contains(character);
        if !self.0.is_empty() && !self.0.contains(special) {
            return f.write_str(self.0);
        }
        f.write_str("\"")?;
        for character in self.0.chars() {
            if matches!(character, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{character}")?;
        }
        f.write_str("\"")
    }
}

/// Prints names with commas between them.
pub(super) struct List<'a>(pub(super) &'a [String]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, ",", self.0.iter().map(|name| Name(name)))
    }
}

/// Prints things with commas between them.
pub(super) struct Commas<'a, T>(pub(super) &'a [T]);

impl<T: fmt::Display> fmt::Display for Commas<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, ", ", self.0)
    }
}

/// Prints things with a separator between them.
pub(super) fn write_list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    separator: &str,
    things: impl IntoIterator<Item = T>,
) -> fmt::Result {
    for (n, thing) in things.into_iter().enumerate() {
        write!(f, "{}{thing}", if n == 0 { "" } else { separator })?;
    }
    Ok(())
}

/// Prints a span of time as one word.
pub(super) struct Span(pub(super) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&humantime::format_duration(self.0).to_string().replace(' ', ""))
    }
}

/// The most lines that one line with ranges may stand for.
const RANGE_MAX: u32 = 20_000;

/// The lines that a line with ranges stands for: `i-{1..3} 10.0.0.{7..9}` is three lines. Without a range, the line itself.
///
/// All ranges of a line advance together and have the same length.
pub(super) fn expand(line: &str) -> Parsed<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = line;
    while let Some((before, first, last, after)) = next_range(rest) {
        if last < first || last - first >= RANGE_MAX {
            return Err(format!("range `{{{first}..{last}}}` must go upwards by fewer than {RANGE_MAX} steps"));
        }
        parts.push((before, first, last - first));
        rest = after;
    }
    let Some(&(_, _, steps)) = parts.first() else { return Ok(vec![line.to_owned()]) };
    if parts.iter().any(|part| part.2 != steps) {
        return Err("the ranges of one line must have the same length".to_owned());
    }
    let nth = |step| {
        let mut text: String = parts.iter().map(|(before, first, _)| format!("{before}{}", first + step)).collect();
        text.push_str(rest);
        text
    };
    Ok((0..=steps).map(nth).collect())
}

/// The first `{a..b}` of a text: what is before it, `a`, `b`, and what is after it.
fn next_range(text: &str) -> Option<(&str, u32, u32, &str)> {
    text.match_indices('{').find_map(|(at, _)| {
        let (inside, after) = text[at + 1..].split_once('}')?;
        let (first, last) = inside.split_once("..")?;
        Some((&text[..at], first.parse().ok()?, last.parse().ok()?, after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_a_word_together_and_two_blanks_begin_a_comment() {
        let mut words = Words::of(r##"rule "web, access \"in\"" a,b , c#d  # why"##).unwrap();
        assert!(words.keyword("rule"));
        assert_eq!(words.word("a name").unwrap(), r#"web, access "in""#);
        assert_eq!(words.list("names").unwrap(), ["a", "b", "c#d"]);
        assert_eq!(words.end(), Ok(()));
    }

    #[test]
    fn a_quoted_word_is_no_keyword() {
        assert!(!Words::of("\"any\"").unwrap().keyword("any"));
    }

    #[test]
    fn names_are_printed_so_that_they_are_read_back() {
        for name in ["plain", "two words", "", "a,b", "a;b", "say \"hi\"", "back\\slash", "a # b"] {
            let mut words = Words::of(&format!("  {}", Name(name))).unwrap();
            assert_eq!(words.word("a name").as_deref(), Ok(name));
            assert_eq!(words.end(), Ok(()));
        }
    }

    #[test]
    fn mistakes_name_the_remedy() {
        assert_eq!(Words::of("\"open").unwrap_err(), "a quoted name is not closed; add the missing `\"`");
        let mut words = Words::of("x, ; y").unwrap();
        assert_eq!(words.list("a zone").unwrap_err(), "expected a zone, found `;`");
    }

    #[test]
    fn ranges_advance_together() {
        assert_eq!(expand("i-{1..3} 10.0.0.{7..9}x").unwrap(), ["i-1 10.0.0.7x", "i-2 10.0.0.8x", "i-3 10.0.0.9x"]);
        assert_eq!(expand("a {b} {..} {1..}").unwrap(), ["a {b} {..} {1..}"]);
        assert!(expand("{1..3} {1..2}").is_err());
        assert!(expand("{3..1}").is_err());
    }
}
