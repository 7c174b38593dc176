//! Why a rule is changed.

use std::{collections::BTreeSet, fmt};

use crate::{
    allowed::{Packet, Why},
    id::{OwnedName, RuleName},
    rulebase::Wrong,
    wanted::Origins,
};

/// Why a rule is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is wanted, and this packet is not allowed without it. Foreign rules above it may block it all the same.
    Wanted {
        /// Evidence.
        gap: Packet,
        /// Who wants it.
        origins: Origins,
        /// Denies above it.
        overridden_by: BTreeSet<RuleName>,
        /// Allows that may let the packet through and count for nothing, with what narrows each.
        narrowed: Vec<(RuleName, Vec<Why>)>,
    },
    /// Part of what it says is not wanted any more.
    Shrunk,
    /// Nothing of what it says is wanted any more.
    Unwanted,
    /// What it says is wanted, in part or as a whole, and said in another way now: as another application, or within something wider.
    Respelled {
        /// The new rules for the same addresses, peers and ports. Without them it stays, as far as it is wanted.
        replaced_by: BTreeSet<OwnedName>,
    },
    /// All of ours goes, wanted or not.
    Leaving,
    /// It says nothing that can be kept: no product of addresses and peers for one service.
    Unreadable {
        /// The new rules that may say some of it: what is wanted of it, if anything is.
        replaced_by: BTreeSet<OwnedName>,
    },
    /// It is not as we write it.
    Wrong(BTreeSet<Wrong>),
    /// It stands below the bottom rule.
    Sunken,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wanted { gap, origins, overridden_by, narrowed } => {
                let groups: BTreeSet<_> = origins.iter().map(|origin| origin.group.as_str()).collect();
                let groups: Vec<_> = groups.into_iter().collect();
                write!(f, "{} wants it; nothing allows {gap}", groups.join(", "))?;
                for (name, by) in narrowed {
                    let by: Vec<_> = by.iter().map(ToString::to_string).collect();
                    write!(f, "; `{name}` may, but for {}", by.join(", "))?;
                }
                let above: Vec<_> = overridden_by.iter().map(|name| format!("`{name}`")).collect();
                if above.is_empty() { Ok(()) } else { write!(f, "; overridden by {}", above.join(", ")) }
            }
            Self::Shrunk => f.write_str("part of it is not wanted any more"),
            Self::Unwanted => f.write_str("nothing of it is wanted any more"),
            Self::Respelled { replaced_by } if replaced_by.is_empty() => {
                f.write_str("what is wanted of it is said or allowed otherwise")
            }
            Self::Respelled { replaced_by } => {
                let by: Vec<_> = replaced_by.iter().map(ToString::to_string).collect();
                write!(f, "what it says is said by {} now", by.join(", "))
            }
            Self::Leaving => f.write_str("nothing of ours is to stay"),
            Self::Unreadable { .. } => f.write_str("it is no product of addresses and peers for one service"),
            Self::Wrong(wrong) => {
                let words: Vec<_> = wrong.iter().map(|wrong| format!("{wrong:?}").to_lowercase()).collect();
                write!(f, "not as we write it: {}", words.join(", "))
            }
            Self::Sunken => f.write_str("it stands below the bottom rule"),
        }
    }
}
