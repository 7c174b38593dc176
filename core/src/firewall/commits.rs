//! How commits of ours are known again, by the descriptions that the firewall's job list keeps.

use std::{fmt, time::Duration};

use crate::id::{RunId, TagName};

/// A commit of ours that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCommit {
    /// What our rules would have been.
    pub digest: Digest,
    /// Under which names, if the commit's description says so: the job's lines speak of those.
    pub naming: Option<Naming>,
    /// How long ago, by the device's clock.
    pub age: Duration,
    /// The job's own words.
    pub lines: Vec<String>,
    /// Whether the firewall has committed anything of ours since.
    pub since: Since,
}

/// What became of later commits of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// None has succeeded.
    NothingCommitted,
    /// One has: whatever keeps the firewall from committing at all is over.
    Committed,
}

/// A hash of our rules as they stand in a candidate. The commit description holds it, so that the firewall's job list
/// remembers which candidates failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u64);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A hash of our rules and their names as they stand in a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Naming(pub u32);

impl fmt::Display for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// What the description of every commit of ours says: whose it is and which candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitNote {
    /// The deployment's tag.
    pub owner: TagName,
    /// The candidate.
    pub digest: Digest,
    /// The run that commits it.
    pub run: Option<RunId>,
    /// The names of the rules in it.
    pub naming: Option<Naming>,
}

impl fmt::Display for CommitNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "drawbridge {}", self.digest)?;
        self.naming.map_or(Ok(()), |naming| write!(f, ".{naming}"))?;
        write!(f, " {}", self.owner)?;
        self.run.map_or(Ok(()), |run| write!(f, "{RUN}{run}"))
    }
}

/// What stands before the run.
const RUN: &str = "; run ";

impl CommitNote {
    /// The note, if the text is one.
    pub fn parse(text: &str) -> Option<Self> {
        let (digest, rest) = text.strip_prefix("drawbridge ")?.split_once(' ')?;
        let (digest, naming) = digest.split_once('.').map_or((digest, None), |(digest, naming)| (digest, Some(naming)));
        let naming = naming.map(|naming| u32::from_str_radix(naming, 16).map(Naming)).transpose().ok()?;
        let with_run = rest.rsplit_once(RUN).and_then(|(owner, run)| Some((owner, run.parse().ok()?)));
        let (owner, run) = with_run.map_or((rest, None), |(owner, run)| (owner, Some(run)));
        Some(Self { digest: Digest(u64::from_str_radix(digest, 16).ok()?), owner: owner.parse().ok()?, run, naming })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_note_is_read_back() {
        let note = CommitNote { owner: "aws sync".parse().unwrap(), digest: Digest(0xabc), run: None, naming: None };
        assert_eq!(note.to_string(), "drawbridge 0000000000000abc aws sync");
        assert_eq!(CommitNote::parse(&note.to_string()).as_ref(), Some(&note));
        let note = CommitNote { run: Some(RunId::of_seed(1)), ..note };
        let text = note.to_string();
        assert!(text.starts_with("drawbridge 0000000000000abc aws sync; run "), "{text}");
        assert_eq!(CommitNote::parse(&text).as_ref(), Some(&note));
        let note = CommitNote { naming: Some(Naming(0xdef)), ..note };
        assert!(note.to_string().starts_with("drawbridge 0000000000000abc.00000def aws sync; run "), "{note}");
        assert_eq!(CommitNote::parse(&note.to_string()), Some(note));
        assert_eq!(CommitNote::parse("weekly change"), None);
    }
}
