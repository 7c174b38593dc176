//! What a query of logs asks for: `(subtype eq audit-comment) and (path contains 'rules')`.

use std::{cmp::Ordering, iter::Peekable, str::Chars};

/// Which lines of a log are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Query {
    All(Vec<Self>),
    Any(Vec<Self>),
    Field { name: String, relation: Relation, value: String },
}

/// How a field and a value are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Contains,
    AtLeast,
    AtMost,
}

/// How deep parentheses may be nested.
const DEPTH_MAX: usize = 50;

impl Query {
    /// Parses a query; an empty one means everything.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return Some(Self::All(Vec::new()));
        }
        let mut parser = Parser { rest: text.chars().peekable(), depth: 0 };
        let query = parser.any()?;
        parser.skip_spaces();
        parser.rest.peek().is_none().then_some(query)
    }

    /// Whether a line with these fields is meant. What has no such field is not.
    pub(super) fn admits<'a>(&self, field: impl Fn(&str) -> Option<&'a str> + Copy) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.admits(field)),
            Self::Any(parts) => parts.iter().any(|part| part.admits(field)),
            Self::Field { name, relation, value } => field(name).is_some_and(|found| relation.holds(found, value)),
        }
    }
}

impl Relation {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Self::Equal,
            "neq" => Self::NotEqual,
            "contains" => Self::Contains,
            "geq" => Self::AtLeast,
            "leq" => Self::AtMost,
            _ => return None,
        })
    }

    fn holds(self, found: &str, value: &str) -> bool {
        let order = || match (found.parse::<u64>(), value.parse::<u64>()) {
            (Ok(found), Ok(value)) => found.cmp(&value),
            // Dates are written so that their order is that of their texts.
            _ => found.cmp(value),
        };
        match self {
            Self::Equal => found == value,
            Self::NotEqual => found != value,
            Self::Contains => found.contains(value),
            Self::AtLeast => order() != Ordering::Less,
            Self::AtMost => order() != Ordering::Greater,
        }
    }
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    depth: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Option<Query> {
        let mut parts = vec![self.all()?];
        while self.takes_word("or") {
            parts.push(self.all()?);
        }
        if parts.len() == 1 { parts.pop() } else { Some(Query::Any(parts)) }
    }

    fn all(&mut self) -> Option<Query> {
        let mut parts = vec![self.one()?];
        while self.takes_word("and") {
            parts.push(self.one()?);
        }
        if parts.len() == 1 { parts.pop() } else { Some(Query::All(parts)) }
    }

    fn one(&mut self) -> Option<Query> {
        self.skip_spaces();
        if self.rest.next_if_eq(&'(').is_none() {
            let (name, relation) = (self.word()?, Relation::parse(&self.word()?)?);
            return Some(Query::Field { name, relation, value: self.value()? });
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let inner = self.any()?;
        self.depth -= 1;
        self.skip_spaces();
        self.rest.next_if_eq(&')').map(|_| inner)
    }

    fn value(&mut self) -> Option<String> {
        self.skip_spaces();
        let Some(quote) = self.rest.next_if(|c| matches!(c, '\'' | '"')) else { return self.word() };
        let mut value = String::new();
        loop {
            match self.rest.next()? {
                '\\' => value.push(self.rest.next()?),
                character if character == quote => return Some(value),
                character => value.push(character),
            }
        }
    }

    /// A word ends at a blank or a parenthesis.
    fn word(&mut self) -> Option<String> {
        self.skip_spaces();
        let mut word = String::new();
        while let Some(character) = self.rest.next_if(|c| !c.is_whitespace() && !matches!(c, '(' | ')')) {
            word.push(character);
        }
        (!word.is_empty()).then_some(word)
    }

    fn takes_word(&mut self, wanted: &str) -> bool {
        self.skip_spaces();
        let mut ahead = Parser { rest: self.rest.clone(), depth: 0 };
        let is_there = ahead.word().is_some_and(|word| word.eq_ignore_ascii_case(wanted));
        if is_there {
            self.rest = ahead.rest;
        }
        is_there
    }

    fn skip_spaces(&mut self) {
        while self.rest.next_if(|character| character.is_whitespace()).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(query: &str) -> bool {
        let field = |name: &str| match name {
            "cmd" => Some("delete"),
            "path" => Some("/rules/entry[@name='web in']"),
            "seqno" => Some("10"),
            "receive_time" => Some("2026/11/02 08:00:00"),
            _ => None,
        };
        Query::parse(query).unwrap().admits(field)
    }

    #[test]
    fn fields_are_compared_as_the_query_says() {
        for yes in [
            "",
            "( cmd eq delete )",
            "cmd neq set",
            r"(path contains '\'web in\'') and (path contains rules)",
            "(cmd eq set) or (seqno geq 9) and (seqno leq 10)",
            "(receive_time geq '2026/11/01 00:00:00')",
        ] {
            assert!(admits(yes), "{yes}");
        }
        for no in ["(cmd eq set)", "(cmd eq delete) and (nothing neq x)", "((cmd eq delete) and (seqno leq 9))"] {
            assert!(!admits(no), "{no}");
        }
    }

    #[test]
    fn what_is_no_query_is_none() {
        for text in ["(", "cmd", "cmd is delete", "(cmd eq delete", "cmd eq 'delete", "cmd eq a cmd eq b", r"cmd eq '\"]
        {
            assert_eq!(Query::parse(text), None, "{text}");
        }
        assert_eq!(Query::parse(&("(".repeat(DEPTH_MAX + 1) + "a eq b")), None);
    }
}
