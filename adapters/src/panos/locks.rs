//! Whose locks keep us from writing: the refusal itself names nobody, or nobody's reason. And our own, which a firewall may
//! take by itself for whoever writes.

use std::time::Duration;

use drawbridge_core::id::AdminName;

use super::{clock::DeviceTime, cursor::Element, text::clean};

/// What a lock keeps others from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Changing the candidate.
    Config,
    /// Committing.
    Commit,
}

impl Lock {
    /// Its name in commands and messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Commit => "commit",
        }
    }
}

/// The locks of others in an answer, in words: who holds it, since when, and why.
pub(super) fn of_others(
    response: &Element<'_>,
    lock: Lock,
    us: Option<&AdminName>,
    now: Option<DeviceTime>,
) -> Vec<String> {
    let list = format!("{}-locks", lock.name());
    let entries = response.at(&["result", &list]).into_iter().flat_map(|locks| locks.all("entry"));
    let told = entries.filter_map(|entry| {
        let holder = entry.tag.attribute("name").filter(|name| us.is_none_or(|us| us.as_str() != &***name))?;
        let age = entry.text_at(&["created"]).and_then(DeviceTime::parse).zip(now);
        let age = age.and_then(|(then, now)| now.since(then));
        let age = age.map(|age| format!(", held for {}", rough(age))).unwrap_or_default();
        let comment = entry.text_at(&["comment"]).map(str::trim).filter(|comment| !comment.is_empty());
        let comment = comment.map(|comment| format!(": {comment}")).unwrap_or_default();
        Some(clean(&format!("{} lock of `{holder}`{age}{comment}", lock.name())))
    });
    told.collect()
}

/// The scopes of our own locks in an answer.
pub(super) fn of_ours(response: &Element<'_>, lock: Lock, us: &AdminName) -> Vec<String> {
    let list = format!("{}-locks", lock.name());
    let entries = response.at(&["result", &list]).into_iter().flat_map(|locks| locks.all("entry"));
    let ours = entries.filter(|entry| entry.tag.attribute("name").is_some_and(|name| name == us.as_str()));
    ours.filter_map(|entry| entry.text_at(&["name"]).map(str::to_owned)).collect()
}

/// A length of time as people say it.
fn rough(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panos::response::{Answer, tree};

    fn told(entries: &str) -> Vec<String> {
        let result = format!("<result><config-locks>{entries}</config-locks></result>");
        let document = format!("<response status='success'>{result}</response>");
        let answer = Answer { status: 200, document };
        let now = DeviceTime::parse("2026/02/03 09:05:00");
        of_others(&tree(&answer).unwrap(), Lock::Config, Some(&"fwsync".parse().unwrap()), now)
    }

    #[test]
    fn a_lock_is_told_with_its_holder_its_age_and_its_comment() {
        let bob = "<entry name='bob'><created>2026/02/03 09:00:00</created><comment>night\nshift</comment></entry>";
        assert_eq!(told(bob), ["config lock of `bob`, held for 5 min: night shift"]);
        assert_eq!(told("<entry name='eve'><created>soon</created><comment/></entry>"), ["config lock of `eve`"]);
        assert_eq!(told("<entry name='fwsync'><created>2026/02/03 09:00:00</created></entry>"), [""; 0]);
        assert_eq!(told(""), [""; 0]);
    }

    #[test]
    fn ages_are_rough() {
        let ages = [59, 119, 120, 7199, 7200, 172_799, 172_800].map(|seconds| rough(Duration::from_secs(seconds)));
        assert_eq!(ages, ["59 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 days"]);
    }
}
