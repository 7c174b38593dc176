//! Jobs of the firewall: how ours are getting on, and which candidates of ours would not commit.

use std::{collections::BTreeMap, time::Duration};

use drawbridge_core::{
    command::JobState,
    firewall::{CommitNote, Digest, FailedCommit, Naming, Since},
    id::{AdminName, JobId, TagName},
};

use super::{clock::DeviceTime, cursor::Element, text::clean};

/// A job, as far as we want to know it.
struct Job<'e, 'a> {
    id: JobId,
    element: &'e Element<'a>,
}

/// How many lines of a failed job are read: more than any has, because each may name a rule that is to be left out.
const LINES_MAX: usize = 2_000;

/// How many lines of a failure that is over are kept: they are for people only.
const LINES_KEPT: usize = 20;

/// The clock is read before the jobs, and in between a job may end.
const LOOK: Duration = Duration::from_secs(60);

impl<'e, 'a> Job<'e, 'a> {
    fn all(response: &'e Element<'a>) -> impl Iterator<Item = Self> {
        let jobs = response.at(&["result"]).into_iter().flat_map(|result| result.all("job"));
        jobs.filter_map(|element| Some(Self { id: JobId(element.text_at(&["id"])?.parse().ok()?), element }))
    }

    fn text(&self, name: &str) -> &'e str {
        self.element.text_at(&[name]).unwrap_or_default()
    }

    fn is_commit(&self) -> bool {
        self.text("type").eq_ignore_ascii_case("commit")
    }

    fn has_ended(&self) -> bool {
        self.text("status") == "FIN"
    }

    /// Whether it may be a commit of this administrator's, as far as it tells.
    fn may_be_commit_of(&self, admin: Option<&AdminName>) -> bool {
        let (kind, user) = (self.text("type"), self.text("user"));
        let is_theirs = admin.is_none_or(|admin| user.is_empty() || user == admin.as_str());
        is_theirs && (kind.is_empty() || self.is_commit())
    }

    fn note(&self) -> Option<CommitNote> {
        CommitNote::parse(self.text("description"))
    }

    fn state(&self) -> JobState {
        match (self.has_ended(), self.text("result")) {
            (false, _) => JobState::Running(self.text("progress").parse().unwrap_or(0).min(100)),
            (true, "OK") => JobState::Succeeded,
            (true, _) => JobState::Failed(self.lines(LINES_MAX)),
        }
    }

    fn lines(&self, max: usize) -> Vec<String> {
        let details = self.element.at(&["details"]).into_iter();
        let lines = details.flat_map(|details| details.all("line")).map(|line| clean(&line.text));
        lines.filter(|line| !line.is_empty()).take(max).collect()
    }

    fn ended(&self) -> Option<DeviceTime> {
        let queued = self.text("tenq");
        DeviceTime::parse_end(self.text("tfin"), queued).or_else(|| DeviceTime::parse(queued))
    }

    /// How long ago it ended. Of an end that is still to come nobody can tell: the clock has been set back.
    fn age(&self, now: DeviceTime) -> Option<Duration> {
        let ended = self.ended()?;
        let during_this_look = || ended.since(now).filter(|ahead| *ahead <= LOOK).map(|_| Duration::ZERO);
        now.since(ended).or_else(during_this_look)
    }

    /// ``job 5 (Commit of `alice`)``.
    fn told(&self) -> String {
        match self.text("user") {
            "" => format!("{} ({})", self.id, self.text("type")),
            user => format!("{} ({} of `{user}`)", self.id, self.text("type")),
        }
    }
}

/// How a commit of this administrator is getting on. The firewall forgets old ones, and after a restart it counts from one
/// again: what has the number then is another job.
pub(super) fn state(response: &Element<'_>, id: JobId, admin: Option<&AdminName>) -> JobState {
    let ours = Job::all(response).find(|job| job.id == id && job.may_be_commit_of(admin));
    ours.map_or(JobState::Lost, |job| job.state())
}

/// A commit of this administrator that has not ended. Of several the last: commits end in the order in which they were queued.
pub(super) fn unfinished_commit(response: &Element<'_>, admin: &AdminName) -> Option<JobId> {
    let ours = Job::all(response).filter(|job| job.text("user") == admin.as_str());
    ours.filter(|job| job.is_commit() && !job.has_ended()).map(|job| job.id).max()
}

/// A job of anybody's that has not ended, in words: the one that ends first.
pub(super) fn unfinished(response: &Element<'_>) -> Option<String> {
    let job = Job::all(response).filter(|job| !job.has_ended()).min_by_key(|job| job.id)?;
    Some(clean(&format!("{} has not ended", job.told())))
}

/// The commit by which a firewall that has started makes its configuration effective, while it has not ended, in words. Until then
/// what it shows is not what it does.
pub(super) fn booting(response: &Element<'_>) -> Option<String> {
    let mut jobs = Job::all(response).filter(|job| !job.has_ended());
    let job = jobs.find(|job| job.text("type").eq_ignore_ascii_case("autocom"))?;
    Some(clean(&format!("it starts, {} has not ended", job.told())))
}

/// The candidates of this deployment that failed to commit when they were tried last.
pub(super) fn failed_commits(response: &Element<'_>, owner: &TagName, now: Option<DeviceTime>) -> Vec<FailedCommit> {
    let mut last: BTreeMap<Digest, (Option<Naming>, Job<'_, '_>)> = BTreeMap::new();
    for job in Job::all(response).filter(|job| job.is_commit() && job.has_ended()) {
        let Some(note) = job.note().filter(|note| note.owner == *owner) else { continue };
        if last.get(&note.digest).is_none_or(|(_, known)| known.id < job.id) {
            last.insert(note.digest, (note.naming, job));
        }
    }
    let succeeded = last.values().filter(|(_, job)| job.text("result") == "OK").map(|(_, job)| job.id).max();
    let failed = last.into_iter().filter(|(_, (_, job))| job.text("result") != "OK");
    // A failure of which nobody can tell the age is forgotten: kept, it would stop that candidate for ever.
    failed
        .filter_map(|(digest, (naming, job))| {
            let since = if succeeded > Some(job.id) { Since::Committed } else { Since::NothingCommitted };
            Some(FailedCommit { digest, naming, age: job.age(now?)?, lines: job.lines(LINES_KEPT), since })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panos::response::{Answer, tree};

    /// `<id> <type> <status> <result> <end> <description>`.
    fn jobs(lines: &[&str]) -> String {
        let job = |line: &&str| {
            let fields: Vec<_> = line.splitn(6, ' ').collect();
            let [id, kind, status, result, end, description] = fields[..] else { panic!("{line}") };
            format!(
                "<job><tenq>2026/02/03 10:00:00</tenq><id>{id}</id><user>fwsync</user><type>{kind}</type><status>{status}</status>\
                 <result>{result}</result><tfin>{}</tfin><description>{description}</description><progress>55</progress>\
                 <details><line>Validation Error:</line><line> r is invalid\n</line></details></job>",
                end.replace('_', " ")
            )
        };
        lines.iter().map(job).collect()
    }

    fn with<T>(lines: &[&str], read: impl Fn(&Element<'_>) -> T) -> T {
        let document = format!("<response status='success'><result>{}</result></response>", jobs(lines));
        read(&tree(&Answer { status: 200, document }).unwrap())
    }

    #[test]
    fn a_job_is_followed_to_its_end() {
        let state_for = |admin: &str, line: &str| {
            with(&[line], |response| state(response, JobId(7), Some(&admin.parse().unwrap())))
        };
        let state_of = |line: &str| state_for("fwsync", line);
        assert_eq!(state_of("7 Commit ACT PEND Still_Active x"), JobState::Running(55));
        assert_eq!(state_of("7 Commit FIN OK 10:01:00 x"), JobState::Succeeded);
        let lines = vec!["Validation Error:".to_owned(), "r is invalid".to_owned()];
        assert_eq!(state_of("7 Commit FIN FAIL 10:01:00 x"), JobState::Failed(lines));
        assert_eq!(state_of("8 Commit FIN OK 10:01:00 x"), JobState::Lost);
        // After a restart the number is another job's: the firewall's own, or another administrator's.
        assert_eq!(state_of("7 AutoCom FIN OK 10:01:00 x"), JobState::Lost);
        assert_eq!(state_for("bob", "7 Commit FIN OK 10:01:00 x"), JobState::Lost);
    }

    #[test]
    fn an_unfinished_commit_is_ours_if_our_account_began_it() {
        let lines = [
            "3 Commit ACT PEND - x",
            "4 Commit PEND PEND - x",
            "5 Download ACT PEND - x",
            "2 Commit FIN OK 10:01:00 x",
        ];
        let unfinished = |admin: &str| with(&lines, |response| unfinished_commit(response, &admin.parse().unwrap()));
        assert_eq!(unfinished("fwsync"), Some(JobId(4)));
        assert_eq!(unfinished("bob"), None);
    }

    #[test]
    fn the_job_that_everything_waits_for_is_told() {
        let told = |lines: &[&str]| with(lines, unfinished);
        let ended = "2 Commit FIN FAIL 10:01:00 x";
        let under_way = ["5 Download PEND PEND - x", "4 Commit ACT PEND - x", ended];
        assert_eq!(told(&under_way).as_deref(), Some("job 4 (Commit of `fwsync`) has not ended"));
        assert_eq!((told(&[ended]), told(&[])), (None, None));
        let job = "<job><id>6</id><type>AutoCom</type><status>ACT</status></job>";
        let answer =
            Answer { status: 200, document: format!("<response status='success'><result>{job}</result></response>") };
        let nobodys = unfinished(&tree(&answer).unwrap());
        assert_eq!(nobodys.as_deref(), Some("job 6 (AutoCom) has not ended"));
    }

    #[test]
    fn a_firewall_starts_until_its_own_commit_has_ended() {
        let said = |kind: &str, status: &str| {
            let job = format!("<job><id>1</id><type>{kind}</type><status>{status}</status></job>");
            let document = format!("<response status='success'><result>{job}</result></response>");
            booting(&tree(&Answer { status: 200, document }).unwrap())
        };
        assert_eq!(said("AutoCom", "ACT").as_deref(), Some("it starts, job 1 (AutoCom) has not ended"));
        assert_eq!((said("AutoCom", "FIN"), said("Commit", "ACT")), (None, None));
    }

    /// A rule that is to be left out may be named in any of them.
    #[test]
    fn a_failed_job_is_read_to_its_last_line() {
        let read = |number: usize| {
            let document = format!(
                "<response status='success'><result><job><id>7</id><type>Commit</type><status>FIN</status><result>FAIL</result>\
                 <details>{}</details></job></result></response>",
                "<line>r is invalid</line>".repeat(number)
            );
            let answer = Answer { status: 200, document };
            let JobState::Failed(lines) = state(&tree(&answer).unwrap(), JobId(7), None) else {
                panic!("it has failed")
            };
            lines.len()
        };
        assert_eq!((read(300), read(3_000)), (300, LINES_MAX));
    }

    /// They are for people only, who find all of them on the firewall.
    #[test]
    fn of_a_failure_that_is_over_few_lines_are_kept() {
        let document = format!(
            "<response status='success'><result><job><id>7</id><type>Commit</type><status>FIN</status><result>FAIL</result>\
             <tenq>2026/02/03 10:00:00</tenq><description>drawbridge 0000000000000001 aws</description>\
             <details>{}</details></job></result></response>",
            "<line>r is invalid</line>".repeat(300)
        );
        let answer = Answer { status: 200, document };
        let now = DeviceTime::parse("2026/02/03 10:10:00");
        let failed = failed_commits(&tree(&answer).unwrap(), &"aws".parse().unwrap(), now);
        assert_eq!(failed.iter().map(|failed| failed.lines.len()).collect::<Vec<_>>(), [LINES_KEPT]);
    }

    #[test]
    fn a_candidate_has_failed_if_its_last_commit_did() {
        let failed_by = |now: Option<DeviceTime>, lines: &[&str]| {
            let found = with(lines, |response| failed_commits(response, &"aws sync".parse().unwrap(), now));
            found.iter().map(|failed| format!("{} {}s", failed.digest.0, failed.age.as_secs())).collect::<Vec<_>>()
        };
        let failed = |lines: &[&str]| failed_by(DeviceTime::parse("2026/02/03 10:10:00"), lines);
        let one = "drawbridge 0000000000000001 aws sync";
        assert_eq!(failed(&[&format!("3 Commit FIN FAIL 10:01:00 {one}")]), ["1 540s"]);
        assert_eq!(failed(&[&format!("3 Commit FIN FAIL 2026/02/03_10:02:00 {one}")]), ["1 480s"]);
        // Without the time of its end, the time when it was queued.
        assert_eq!(failed(&[&format!("3 Commit FIN FAIL unknown {one}")]), ["1 600s"]);
        // The clock has been set back since; or it ended after the clock had been read.
        assert_eq!(failed(&[&format!("3 Commit FIN FAIL 2026/02/03_11:09:00 {one}")]), [""; 0]);
        assert_eq!(failed(&[&format!("3 Commit FIN FAIL 2026/02/03_10:10:05 {one}")]), ["1 0s"]);
        // The firewall does not tell the time.
        assert_eq!(failed_by(None, &[&format!("3 Commit FIN FAIL 10:01:00 {one}")]), [""; 0]);
        let newer = format!("9 Commit FIN OK 10:05:00 {one}");
        let older = format!("3 Commit FIN FAIL 10:01:00 {one}");
        assert_eq!(failed(&[&newer, &older]), [""; 0]);
        assert_eq!(failed(&[&older, &format!("9 Commit FIN FAIL 10:05:00 {one}")]), ["1 300s"]);
        assert_eq!(failed(&["3 Commit FIN FAIL 10:01:00 drawbridge 0000000000000001 other"]), [""; 0]);
        assert_eq!(failed(&["3 Commit FIN FAIL 10:01:00 weekly change"]), [""; 0]);
        assert_eq!(failed(&[&format!("3 Commit ACT PEND - {one}")]), [""; 0]);
    }
}
