//! What administrators do on the firewall while Drawbridge looks after it.

use std::fmt;

use super::{
    firewall::Xml,
    rules::Rule,
    words::{List, Name, Parsed, Words},
};

/// What an administrator does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// `rule "x" any -> any deny above "y"`: adds a rule.
    Add(Box<Rule>, Place),
    /// `edit "x" disabled yes`, `edit "x" destination a,b`: sets one field of a rule.
    Edit {
        /// The rule.
        rule: String,
        /// The element of the rule, as PAN-OS names it.
        field: String,
        /// One value or several.
        values: Vec<String>,
    },
    /// `delete "x"`
    Delete(String),
    /// `move "x" before "y"`
    Move(String, Place),
    /// `rename "x" "y"`
    Rename(String, String),
    /// `xml "tag/entry[@name='x']" "<color>color1</color>"`: sets anything else.
    Xml(Xml),
    /// `commit`: their own changes; `commit all`: everybody's.
    Commit(Scope),
    /// `revert`: takes back their own uncommitted changes.
    Revert,
    /// `lock config "maintenance"`
    Lock(Lock, String),
    /// `unlock config`
    Unlock(Lock),
}

/// Where a rule goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `before "x"`
    Before(String),
    /// `after "x"`
    After(String),
    /// `top`
    Top,
    /// `bottom`
    Bottom,
}

/// Whose changes a commit takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The administrator's own.
    Own,
    /// Everybody's.
    All,
}

/// What a lock forbids to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Changing the configuration.
    Config,
    /// Committing it.
    Commit,
}

impl Act {
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let first = words.word("what the administrator does")?;
        let rule = "the name of a rule";
        match first.as_str() {
            "rule" => {
                let rule = Box::new(Rule::take(words)?);
                Ok(Self::Add(rule, if words.is_empty() { Place::Bottom } else { Place::take(words)? }))
            }
            "edit" => Ok(Self::Edit {
                rule: words.word(rule)?,
                field: words.word("a field such as `disabled`")?,
                values: words.list("a value")?,
            }),
            "delete" => Ok(Self::Delete(words.word(rule)?)),
            "move" => Ok(Self::Move(words.word(rule)?, Place::take(words)?)),
            "rename" => Ok(Self::Rename(words.word(rule)?, words.word("a new name")?)),
            "xml" => Ok(Self::Xml(Xml::take(words)?)),
            "commit" => Ok(Self::Commit(if words.keyword("all") { Scope::All } else { Scope::Own })),
            "revert" => Ok(Self::Revert),
            "lock" => {
                let lock = Lock::take(words)?;
                let comment = if words.is_empty() { String::new() } else { words.word("a comment in quotes")? };
                Ok(Self::Lock(lock, comment))
            }
            "unlock" => Ok(Self::Unlock(Lock::take(words)?)),
            other => Err(format!(
                "`{other}` is nothing an administrator does; known are rule, edit, delete, move, rename, xml, commit, revert, \
                 lock and unlock"
            )),
        }
    }
}

impl Place {
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let rule = "the name of a rule";
        match words.word("`before`, `after`, `top` or `bottom`")?.as_str() {
            "before" => Ok(Self::Before(words.word(rule)?)),
            "after" => Ok(Self::After(words.word(rule)?)),
            "top" => Ok(Self::Top),
            "bottom" => Ok(Self::Bottom),
            other => Err(format!("`{other}` is no place; say `before \"x\"`, `after \"x\"`, `top` or `bottom`")),
        }
    }
}

impl Lock {
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        match words.word("`config` or `commit`")?.as_str() {
            "config" => Ok(Self::Config),
            "commit" => Ok(Self::Commit),
            other => Err(format!("`{other}` is no lock; there are `config` and `commit`")),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(rule, place) => write!(f, "rule {rule} {place}"),
            Self::Edit { rule, field, values } => write!(f, "edit {} {} {}", Name(rule), Name(field), List(values)),
            Self::Delete(rule) => write!(f, "delete {}", Name(rule)),
            Self::Move(rule, place) => write!(f, "move {} {place}", Name(rule)),
            Self::Rename(rule, new) => write!(f, "rename {} {}", Name(rule), Name(new)),
            Self::Xml(xml) => write!(f, "xml {xml}"),
            Self::Commit(Scope::Own) => f.write_str("commit"),
            Self::Commit(Scope::All) => f.write_str("commit all"),
            Self::Revert => f.write_str("revert"),
            Self::Lock(lock, comment) if comment.is_empty() => write!(f, "lock {lock}"),
            Self::Lock(lock, comment) => write!(f, "lock {lock} {}", Name(comment)),
            Self::Unlock(lock) => write!(f, "unlock {lock}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(rule) => write!(f, "before {}", Name(rule)),
            Self::After(rule) => write!(f, "after {}", Name(rule)),
            Self::Top => f.write_str("top"),
            Self::Bottom => f.write_str("bottom"),
        }
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Config => "config",
            Self::Commit => "commit",
        })
    }
}
