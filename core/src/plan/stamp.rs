//! Whose rule it is, as its description says.

use std::fmt;

use crate::id::{AccountId, Region};

/// Account and region, as every description of ours begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Whose inventory; unknown if it lists nothing.
    pub account: Option<AccountId>,
    /// Which region.
    pub region: Region,
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.account {
            Some(account) => write!(f, "aws {account} {}", self.region),
            None => write!(f, "aws unknown {}", self.region),
        }
    }
}

impl Stamp {
    /// The stamp at the beginning of a description, unless an administrator has written another text.
    pub fn parse(description: &str) -> Option<Self> {
        let (account, rest) = description.strip_prefix("aws ")?.split_once(' ')?;
        let (region, _) = rest.split_once(';')?;
        let account = if account == "unknown" { None } else { Some(account.parse().ok()?) };
        Some(Self { account, region: region.parse().ok()? })
    }
}
