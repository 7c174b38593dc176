//! What a story can set about a firewall: what differs between devices, and what no public source tells for certain.

use std::time::Duration;

/// How this firewall behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a commit, a validation and the auto-commit take.
    pub commit_takes: Duration,
    /// What happens to a commit while another is under way.
    pub commit_queue: CommitQueue,
    /// When a queued commit looks at the candidate.
    pub snapshot: Snapshot,
    /// Whether `multi-config` is there.
    pub multi_config: MultiConfig,
    /// High availability.
    pub ha: Ha,
    /// The serial number in `show system info`.
    pub serial: String,
    /// The release, three parts and perhaps a hotfix: `10.2.9-h1`.
    pub version: String,
    /// How bad credentials and missing rights are answered.
    pub denial: Denial,
    /// What a new key does to earlier ones, where keys have a lifetime.
    pub earlier_keys: EarlierKeys,
}

impl Settings {
    /// The first two parts of the release.
    pub(super) fn release(&self) -> (u32, u32) {
        let mut parts = self.version.split('.').map(|part| part.parse().unwrap_or_default());
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
    }
}

/// How bad credentials and missing rights are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// With HTTP status 403 and the message in its reason phrase, as current releases do: `Invalid Credential`.
    Forbidden,
    /// With HTTP status 200, as old releases did: `Invalid credentials.`
    Told,
}

/// What a new key does to an administrator's earlier ones. The documentation of 9.1 says that it ends them; later ones do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlierKeys {
    /// They are worthless.
    Ended,
    /// They live on.
    Kept,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            commit_takes: Duration::from_secs(30),
            commit_queue: CommitQueue::Queued { depth: 10 },
            snapshot: Snapshot::AtEnqueue,
            multi_config: MultiConfig::On,
            ha: Ha::Standalone,
            serial: "007000000000001".into(),
            version: "10.2.9".into(),
            denial: Denial::Forbidden,
            earlier_keys: EarlierKeys::Ended,
        }
    }
}

/// What happens to a commit while another is under way: since 7.1 it waits, in a queue whose depth depends on the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitQueue {
    /// Up to this many commits wait; more are refused.
    Queued {
        /// How many wait besides the active one.
        depth: usize,
    },
    /// Each is refused.
    Refused,
}

/// When a queued commit looks at the candidate. The documentation does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snapshot {
    /// When it is asked for.
    AtEnqueue,
    /// When its turn comes.
    AtDequeue,
}

/// Whether `multi-config` is there: not before 10.0, and in 10.0 only once enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultiConfig {
    /// It is.
    On,
    /// It is refused as an unknown action.
    Off,
}

/// High availability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ha {
    /// The firewall stands alone.
    Standalone,
    /// The firewall is one of two.
    Pair {
        /// This one's state: `active`, `passive`, `active-primary`, `suspended` …
        local: String,
        /// The other one's state.
        peer: String,
        /// `synchronized`, `not synchronized` or `synchronization in progress`.
        running_sync: String,
    },
}

impl Ha {
    /// A pair in good order, of which this one is in state `local`.
    pub fn pair(local: &str) -> Self {
        let peer = if local == "active" { "passive" } else { "active" };
        Self::Pair { local: local.into(), peer: peer.into(), running_sync: "synchronized".into() }
    }

    /// Whether the configuration may be written here.
    pub(super) fn is_writable(&self) -> bool {
        match self {
            Self::Standalone => true,
            Self::Pair { local, .. } => local.starts_with("active"),
        }
    }
}

/// What becomes of the candidate when the firewall restarts. No public source tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRestart {
    /// Uncommitted changes are still there.
    CandidateKept,
    /// The candidate is the running configuration again.
    CandidateLost,
}
