//! Filters of dynamic address groups: quoted tags, `and`, `or`, parentheses.

use std::{iter::Peekable, str::Chars};

/// Which tags something must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Tag(String),
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// How deep parentheses may be nested.
const DEPTH_MAX: usize = 50;

impl Filter {
    /// Parses a filter; `and` binds more tightly than `or`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser { rest: text.chars().peekable(), depth: 0 };
        let filter = parser.any()?;
        parser.skip_spaces();
        parser.rest.peek().is_none().then_some(filter)
    }

    /// Whether something with these tags is meant.
    pub(super) fn admits(&self, has: &impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Tag(tag) => has(tag),
            Self::All(parts) => parts.iter().all(|part| part.admits(has)),
            Self::Any(parts) => parts.iter().any(|part| part.admits(has)),
        }
    }
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    depth: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Option<Filter> {
        self.joined("or", Self::all, Filter::Any)
    }

    fn all(&mut self) -> Option<Filter> {
        self.joined("and", Self::one, Filter::All)
    }

    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Option<Filter>,
        join: fn(Vec<Filter>) -> Filter,
    ) -> Option<Filter> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.takes_word(word) {
            parts.push(part(self)?);
        }
        if parts.len() == 1 { parts.pop() } else { Some(join(parts)) }
    }

    fn one(&mut self) -> Option<Filter> {
        self.skip_spaces();
        match *self.rest.peek()? {
            '(' if self.depth < DEPTH_MAX => {
                self.rest.next();
                self.depth += 1;
                let inner = self.any()?;
                self.depth -= 1;
                self.skip_spaces();
                self.rest.next_if_eq(&')').map(|_| inner)
            }
            quote @ ('\'' | '"') => {
                self.rest.next();
                let mut tag = String::new();
                loop {
                    match self.rest.next()? {
                        character if character == quote => return Some(Filter::Tag(tag)),
                        character => tag.push(character),
                    }
                }
            }
            _ => self.word().map(Filter::Tag),
        }
    }

    /// A tag without quotes ends at a blank or a parenthesis.
    fn word(&mut self) -> Option<String> {
        let mut word = String::new();
        while let Some(character) = self.rest.next_if(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '\'' | '"')) {
            word.push(character);
        }
        (!word.is_empty()).then_some(word)
    }

    fn takes_word(&mut self, wanted: &str) -> bool {
        self.skip_spaces();
        let mut ahead = self.rest.clone();
        let is_there = wanted.chars().all(|character| ahead.next().is_some_and(|c| c.eq_ignore_ascii_case(&character)));
        let ends = ahead.peek().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '\'' | '"'));
        if is_there && ends {
            self.rest = ahead;
        }
        is_there && ends
    }

    fn skip_spaces(&mut self) {
        while self.rest.next_if(|character| character.is_whitespace()).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(filter: &str, tags: &[&str]) -> bool {
        Filter::parse(filter).unwrap().admits(&|tag| tags.contains(&tag))
    }

    #[test]
    fn and_binds_more_tightly_than_or_and_parentheses_most() {
        assert!(admits("'web' and 'prod'", &["web", "prod", "other"]));
        assert!(!admits("'web' and 'prod'", &["web"]));
        assert!(admits("'a' or 'b' and 'c'", &["a"]));
        assert!(!admits("('a' or 'b') and 'c'", &["a"]));
        assert!(admits("(\"a b\" or orange) AND 'c'", &["orange", "c"]));
    }

    #[test]
    fn what_is_no_filter_is_none() {
        for text in ["", "'a' and", "'a", "('a'", "'a' 'b'", "'a')"] {
            assert_eq!(Filter::parse(text), None, "{text}");
        }
        assert_eq!(Filter::parse(&("(".repeat(DEPTH_MAX + 1) + "a")), None);
    }
}
