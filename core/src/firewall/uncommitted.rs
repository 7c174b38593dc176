//! What is changed in the candidate configuration and not committed.

use std::fmt;

use crate::id::{AdminName, RuleName, ServiceName, TagName};

/// An uncommitted change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pending {
    /// What it changes.
    pub node: Node,
    /// Who made it.
    pub admin: AdminName,
    /// Whether the node is gone from the candidate because of it.
    pub effect: Effect,
}

/// What an uncommitted change touches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// A security rule of the virtual system.
    Rule(RuleName),
    /// A service object.
    Service(ServiceName),
    /// A tag.
    Tag(TagName),
    /// Anything else, by its path.
    Other(String),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(name) => write!(f, "rule `{name}`"),
            Self::Service(name) => write!(f, "service `{name}`"),
            Self::Tag(name) => write!(f, "tag `{name}`"),
            Self::Other(path) => write!(f, "`{path}`"),
        }
    }
}

/// What an uncommitted change did to its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It is there, new or changed.
    Changed,
    /// It is gone from the candidate.
    Deleted,
}
