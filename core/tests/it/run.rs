//! The sequence, told step by step.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use drawbridge_core::{
    change::Change,
    command::{Command, Failure, JobState, LogRef, LogTrouble, Look, Reply, Trouble},
    config::{Config, Mode},
    event::{Event, EventKind},
    firewall::{Applications, Effect, FailedCommit, Firewall, Node, Pending, RuleFacts, Since},
    id::JobId,
    inventory::Inventory,
    plan::plan,
    report::Problem,
    rulebase::Rulebase,
    run::{CHANGES_MAX, Input, Next, Run, Trigger, Wake},
};
use expect_test::{Expect, expect};

use crate::sample;

/// A world in memory that does as it is told, apart from what the story says about single commands.
struct Story {
    config: Config,
    inventory: Inventory,
    firewall: Firewall,
    trigger: Trigger,
    budget: Duration,
    /// What becomes of commands of this name, in turn; afterwards they succeed.
    twists: Vec<(&'static str, VecDeque<Twist>)>,
    /// What AWS has at the first looks at it, in turn; afterwards it has `inventory`.
    at_first: VecDeque<Inventory>,
    purpose: Purpose,
    /// Every write takes this long.
    write: Duration,
    /// Commits fail as long as the candidate has a rule of ours for this application, and blame it.
    curse: Option<&'static str>,
    /// Rules that name this application are read as if they named another.
    misread: Option<&'static str>,
}

/// What a run is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    InStep,
    /// Nothing of ours is to be left.
    Removal,
    /// What an older tool made is to become ours.
    Adoption,
}

#[derive(Clone)]
enum Twist {
    Answers(Reply),
    Fails(Trouble),
    FailsForGood(Trouble),
}

const WEB: &str = "i-1 10.0.1.10 sg-web\n sg-web tcp/443 8.8.8.0/24\n sg-web tcp/22 8.8.8.0/24";

impl Story {
    fn of(inventory: &str, rules: &str) -> Self {
        Self {
            config: sample::config(),
            inventory: sample::inventory(inventory),
            firewall: sample::quiet(sample::configuration(rules)),
            trigger: Trigger { logs: Vec::new(), events: Vec::new(), wake: Wake::Always },
            budget: Duration::from_secs(900),
            twists: Vec::new(),
            at_first: VecDeque::new(),
            purpose: Purpose::InStep,
            write: Duration::from_secs(1),
            curse: None,
            misread: None,
        }
    }

    fn twist(mut self, command: &'static str, twists: impl IntoIterator<Item = Twist>) -> Self {
        self.twists.push((command, twists.into_iter().collect()));
        self
    }

    fn perform(&mut self, command: &Command) -> Result<Reply, Failure> {
        let name = command.to_string();
        let twist = self.twists.iter_mut().find(|(twisted, _)| *twisted == name).and_then(|(_, next)| next.pop_front());
        match twist {
            Some(Twist::Answers(reply)) => Ok(reply),
            Some(Twist::Fails(trouble)) => Err(trouble.transient()),
            Some(Twist::FailsForGood(trouble)) => Err(trouble.permanent()),
            None => Ok(self.obey(command)),
        }
    }

    fn obey(&mut self, command: &Command) -> Reply {
        match command {
            Command::FetchLog(_) => Reply::Log(Vec::new()),
            Command::Observe(look) => {
                let mut now = || self.at_first.pop_front().unwrap_or_else(|| self.inventory.clone());
                let inventory = (*look == Look::Everything).then(|| Box::new(now()));
                Reply::Facts(inventory, Box::new(self.read()))
            }
            Command::Apply(changes) => {
                self.firewall.candidate = Arc::new(self.firewall.candidate.apply(changes));
                Reply::Applied
            }
            Command::Commit(_) | Command::CommitAll(_) => Reply::Job(JobId(1)),
            Command::PollJob(_) => Reply::Polled(self.end_job()),
            Command::Revert => {
                self.firewall.candidate = self.firewall.running.clone();
                Reply::Reverted
            }
        }
    }

    fn read(&self) -> Firewall {
        let mut firewall = self.firewall.clone();
        for rule in &mut Arc::make_mut(&mut firewall.candidate).rules {
            if let (Applications::Named(names), Some(misread)) = (&mut rule.applications, self.misread)
                && names.iter().any(|name| name.as_str() == misread)
            {
                *names = ["another".parse().unwrap()].into();
            }
        }
        firewall
    }

    fn end_job(&mut self) -> JobState {
        self.firewall.unfinished_commit = None;
        let is_cursed = |rule: &&RuleFacts| match &rule.applications {
            Applications::Named(names) => names.iter().any(|name| Some(name.as_str()) == self.curse),
            Applications::Any | Applications::Unknown => false,
        };
        if let Some(rule) = self.firewall.candidate.rules.iter().find(is_cursed) {
            let digest = Rulebase::read(&self.firewall, &self.config).unwrap().candidate.digest_after(&[]);
            self.firewall.failed_commits.push(FailedCommit {
                digest,
                naming: None,
                age: Duration::ZERO,
                lines: vec!["no zone".to_owned()],
                since: Since::NothingCommitted,
            });
            return JobState::Failed(vec![format!("rules -> {} -> application is invalid", rule.name)]);
        }
        self.firewall.running = self.firewall.candidate.clone();
        JobState::Succeeded
    }

    /// The transcript, as people see it.
    fn told(mut self) -> String {
        let config = self.config.clone();
        let mut run = match self.purpose {
            Purpose::InStep => Run::new(config, self.trigger.clone(), self.budget, 1),
            Purpose::Removal => Run::removal(config, self.budget, 1),
            Purpose::Adoption => Run::adoption(config, BTreeSet::new(), self.budget, 1),
        };
        let mut clock = Duration::ZERO;
        let mut next = run.advance(clock, Input::Begin);
        let outcome = loop {
            let input = match next {
                Next::Do(command, _) => {
                    clock += match command {
                        Command::Apply(_) | Command::Commit(_) | Command::CommitAll(_) | Command::Revert => self.write,
                        Command::FetchLog(_) | Command::Observe(_) | Command::PollJob(_) => Duration::from_secs(1),
                    };
                    match self.perform(&command) {
                        Ok(reply) => Input::Done(reply),
                        Err(failure) => Input::Failed(failure),
                    }
                }
                Next::Sleep(how_long) => {
                    clock += how_long;
                    Input::Woke
                }
                Next::Finish(outcome) => break outcome,
            };
            next = run.advance(clock, input);
        };
        let steps = outcome.report.steps.iter().map(|step| format!("{step}\n"));
        steps.chain([format!("{outcome}\n")]).collect()
    }

    #[track_caller]
    fn check(self, expected: &Expect) {
        expected.assert_eq(&self.told());
    }
}

fn log(key: &str) -> LogRef {
    LogRef { bucket: "trail".to_owned(), key: key.to_owned(), version: None }
}

fn event(name: &str) -> Event {
    let instances = [("i-1").parse().unwrap()].into();
    Event {
        id: "1".into(),
        name: name.into(),
        principal: None,
        instances,
        groups: [].into(),
        kind: EventKind::Call,
        at: None,
    }
}

#[test]
fn a_run_looks_does_one_thing_and_looks_again() {
    Story::of(WEB, "").check(&expect![[r#"
           0.0s  observe           2 atoms wanted, 0 ours of 1 rule: 2 changes
           1.0s  apply             + sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
                                   + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
           2.0s  observe firewall  as planned, running differs
           3.0s  commit            job 1
           4.0s  poll job          succeeded
           5.0s  observe           2 atoms wanted, 2 ours of 3 rules: in sync
        in sync: 2 changes, 1 commit
    "#]]);
}

#[test]
fn events_that_change_nothing_are_not_worth_a_look() {
    let by_log = |answer: Twist| {
        let mut story = Story::of(WEB, "").twist("fetch log", [answer]);
        story.trigger = Trigger { logs: vec![log("a"), log("b")], events: Vec::new(), wake: Wake::ByEvents };
        story.budget = Duration::from_secs(8);
        story
    };
    by_log(Twist::Answers(Reply::Log(vec![event("CreateSnapshot")]))).check(&expect![[r#"
           0.0s  fetch log         1 event, none relevant
           1.0s  fetch log         0 events, none relevant
        nothing relevant
    "#]]);
    by_log(Twist::Answers(Reply::Log(vec![event("StartInstances")]))).check(&expect![[r#"
           0.0s  fetch log         1 event, relevant: StartInstances i-1
           1.0s  fetch log         0 events, none relevant
           7.0s  observe           2 atoms wanted, 0 ours of 1 rule: 2 changes
        out of time
    "#]]);
    by_log(Twist::FailsForGood(Trouble::Log(LogTrouble::Gzip))).check(&expect![[r#"
           0.0s  fetch log         unreadable: gzip is truncated or damaged; looking all the same
           1.0s  fetch log         0 events, none relevant
           7.0s  observe           2 atoms wanted, 0 ours of 1 rule: 2 changes
        out of time: 1 unreadable log
    "#]]);
}

#[test]
fn a_lock_is_waited_for_longer_and_longer_and_then_named() {
    let locked = || Twist::Fails(Trouble::Locked("alice, since noon".into()));
    Story { budget: Duration::from_secs(60), ..Story::of(WEB, "").twist("apply", (0..50).map(|_| locked())) }.check(
        &expect![[r#"
               0.0s  observe           2 atoms wanted, 0 ours of 1 rule: 2 changes
               1.0s  apply             failed: an administrator holds a lock: alice, since noon; waiting 0.9s
               2.9s  observe firewall  2 atoms wanted, 0 ours of 1 rule: 2 changes
               3.9s  apply             failed: an administrator holds a lock: alice, since noon; waiting 1.7s
               6.6s  observe firewall  2 atoms wanted, 0 ours of 1 rule: 2 changes
               7.6s  apply             failed: an administrator holds a lock: alice, since noon; waiting 3.4s
              11.9s  observe firewall  2 atoms wanted, 0 ours of 1 rule: 2 changes
              12.9s  apply             failed: an administrator holds a lock: alice, since noon; waiting 6.7s
              20.7s  observe firewall  2 atoms wanted, 0 ours of 1 rule: 2 changes
              21.7s  apply             failed: an administrator holds a lock: alice, since noon; waiting 12.2s
              34.9s  observe           2 atoms wanted, 0 ours of 1 rule: 2 changes
              35.9s  apply             failed: an administrator holds a lock: alice, since noon; waiting 24.5s
            out of time: 6 retries; an administrator holds a lock: alice, since noon; ask for it to be released, the next run goes on from there
        "#]],
    );
    Story { budget: Duration::from_secs(90_000), ..Story::of(WEB, "").twist("apply", (0..90).map(|_| locked())) }
        .told()
        .lines()
        .last()
        .map(|line| expect!["failed: 60 retries; an administrator holds a lock: alice, since noon; ask for it to be released, the next run goes on from there"].assert_eq(line))
        .unwrap();
}

#[test]
fn other_trouble_is_not_waited_for_for_ever() {
    let broken = (0..50).map(|_| Twist::Fails(Trouble::NoAnswer));
    let told = Story::of(WEB, "").twist("apply", broken).told();
    expect!["failed: 6 retries; the firewall did not answer in time, or the connection broke: check its load and the path to it"]
        .assert_eq(told.lines().last().unwrap());
    Story::of(WEB, "").twist("observe", [Twist::FailsForGood(Trouble::KeyRefused)]).check(&expect![[r#"
           0.0s  observe           failed: the firewall refuses the API key: generate one for the account and set `firewall.api_key`
        failed; the firewall refuses the API key: generate one for the account and set `firewall.api_key`
    "#]]);
}

/// The firewall names one culprit at a time.
#[test]
fn as_many_rules_as_are_refused_are_left_out_and_a_revoked_port_closes() {
    let refuses = |rule: &str| Twist::FailsForGood(Trouble::Refused(format!("{rule} -> application is invalid")));
    let old = "sg-web-9 9.9.9.9 -> 10.0.1.10 app:ssh app-default ours";
    Story::of(WEB, old).twist("apply", [refuses("sg-web-10"), refuses("sg-web-11")]).check(&expect![[r#"
           0.0s  observe           2 atoms wanted, 1 ours of 2 rules: 3 changes
           1.0s  apply             failed: the firewall refuses: sg-web-10 -> application is invalid
           2.0s  observe firewall  2 atoms wanted, 1 ours of 2 rules: 2 changes, 1 withheld
           3.0s  apply             failed: the firewall refuses: sg-web-11 -> application is invalid
           4.0s  observe firewall  2 atoms wanted, 1 ours of 2 rules: 1 change, 2 withheld
           5.0s  apply             - sg-web-9
           6.0s  observe firewall  as planned, running differs, 2 withheld
           7.0s  commit            job 1
           8.0s  poll job          succeeded
           9.0s  observe           2 atoms wanted, 0 ours of 1 rule: nothing that may be changed, 2 withheld
        withheld: 1 change, 1 commit, 2 changes withheld
    "#]]);
    // Where it does not say which, new rules are left out first, and what shrinks goes in.
    let nameless = || Twist::FailsForGood(Trouble::Refused("service is invalid".to_owned()));
    let wide = "sg-web-9 8.8.8.0/24,9.9.9.9 -> 10.0.1.10 app:ssl app-default ours";
    Story::of(WEB, wide).twist("apply", [nameless()]).check(&expect![[r#"
           0.0s  observe           2 atoms wanted, 1 ours of 2 rules: 2 changes
           1.0s  apply             failed: the firewall refuses: service is invalid
           2.0s  observe firewall  2 atoms wanted, 1 ours of 2 rules: 1 change, 1 withheld
           3.0s  apply             ~ sg-web-9  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443
           4.0s  observe firewall  as planned, running differs, 1 withheld
           5.0s  commit            job 1
           6.0s  poll job          succeeded
           7.0s  observe           2 atoms wanted, 1 ours of 2 rules: nothing that may be changed, 1 withheld
        withheld: 1 change, 1 commit, 1 change withheld
    "#]]);
}

/// A job may have a line for each of hundreds of rules, and the last of them count as the first do.
#[test]
fn every_line_of_a_job_blames_and_some_are_shown() {
    let lines = (0..100).map(|number| format!("rules -> other {number} is invalid"));
    let lines = lines.chain(["rules -> sg-web-1 -> application is invalid".to_owned()]).collect();
    let told = Story::of(WEB, "").twist("poll job", [Twist::Answers(Reply::Polled(JobState::Failed(lines)))]).told();
    assert!(told.contains("other 19 is invalid / 81 more lines\n") && !told.contains("other 20"), "{told}");
    assert!(told.ends_with("withheld: 1 change, 1 commit, 1 change withheld\n"), "{told}");
}

/// A firewall without room says so of nothing in particular, and what goes makes room.
#[test]
fn a_commit_that_fails_beside_removals_is_tried_without_what_is_new() {
    let full = Twist::Answers(Reply::Polled(JobState::Failed(vec!["exceeds platform capacity".into()])));
    let old = "sg-web-9 9.9.9.9 -> 10.0.1.10 app:ssh app-default ours";
    Story::of(WEB, old).twist("poll job", [full]).check(&expect![[r#"
           0.0s  observe           2 atoms wanted, 1 ours of 2 rules: 3 changes
           1.0s  apply             + sg-web-10  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
                                   + sg-web-11  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
                                   - sg-web-9
           2.0s  observe firewall  as planned, running differs
           3.0s  commit            job 1
           4.0s  poll job          failed: exceeds platform capacity
           5.0s  observe firewall  nobody has worked on top of our changes
           6.0s  revert            our uncommitted changes are taken back
           7.0s  observe firewall  2 atoms wanted, 1 ours of 2 rules: 1 change, 2 withheld
           8.0s  apply             - sg-web-9
           9.0s  observe firewall  as planned, running differs, 2 withheld
          10.0s  commit            job 1
          11.0s  poll job          succeeded
          12.0s  observe           2 atoms wanted, 0 ours of 1 rule: nothing that may be changed, 2 withheld
        withheld: 1 change, 1 commit, 2 changes withheld
    "#]]);
}

/// What replaces a rule that says something else than wanted is refused: the old one stays as well.
#[test]
fn a_rule_stays_as_long_as_what_replaces_it_is_refused() {
    let odd = "sg-web-9 8.8.8.0/24 -> 10.0.1.10 tcp/22 tcp/443 ours";
    let refuses = Twist::FailsForGood(Trouble::Refused("sg-web-10 -> application is invalid".to_owned()));
    Story::of(WEB, odd).twist("apply", [refuses]).check(&expect![[r#"
           0.0s  observe           2 atoms wanted, 1 ours of 2 rules: 3 changes
           1.0s  apply             failed: the firewall refuses: sg-web-10 -> application is invalid
           2.0s  observe firewall  2 atoms wanted, 1 ours of 2 rules: 1 change, 2 withheld
           3.0s  apply             + sg-web-11  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
           4.0s  observe firewall  as planned, running differs, 2 withheld
           5.0s  commit            job 1
           6.0s  poll job          succeeded
           7.0s  observe           2 atoms wanted, 2 ours of 3 rules: nothing that may be changed, 2 withheld
        withheld: 1 change, 1 commit, 2 changes withheld
    "#]]);
}

/// Who works by the path of the parent is noted there: only the mark says that it is our rule.
#[test]
fn work_on_top_of_ours_is_known_by_its_mark_too() {
    let mut story = Story::of(WEB, "");
    let mut candidate = story.firewall.candidate.apply(&planned(WEB));
    for rule in candidate.rules.iter_mut().filter(|rule| rule.name.as_str() == "sg-web-1") {
        rule.touched_by = ["alice".parse().unwrap(), sample::US.parse().unwrap()].into();
    }
    let pending = |node: Node, admin: &str| Pending { node, admin: admin.parse().unwrap(), effect: Effect::Changed };
    story.firewall.pending = vec![
        pending(Node::Rule("sg-web-1".parse().unwrap()), sample::US),
        pending(Node::Rule("sg-web-2".parse().unwrap()), sample::US),
        pending(Node::Other("rulebase/security/rules".to_owned()), "alice"),
    ];
    story.firewall.candidate = Arc::new(candidate);
    story.check(&expect![[r#"
           0.0s  observe           as planned, running differs
        failed; uncommitted work of `alice` is part of uncommitted work of ours on rule `sg-web-1`, and no commit of ours can leave it out: commit all changes, or revert them
    "#]]);
}

/// What another account has left uncommitted is not taken back for a commit that it did not begin.
#[test]
fn with_another_accounts_key_nothing_is_taken_back_before_a_look() {
    let mut story = Story::of(WEB, "");
    story.firewall.candidate = Arc::new(story.firewall.candidate.apply(&planned(WEB)));
    let replaced = Firewall { admin: Some("another".parse().unwrap()), ..story.firewall.clone() };
    let failed = Twist::Answers(Reply::Polled(JobState::Failed(vec!["out of memory".to_owned()])));
    let looks = Twist::Answers(Reply::Facts(None, Box::new(replaced)));
    story.twist("poll job", [failed]).twist("observe firewall", [looks]).check(&expect![[r#"
           0.0s  observe           as planned, running differs
           1.0s  commit            job 1
           2.0s  poll job          failed: out of memory
           3.0s  observe firewall  the API key is another account's by now
           4.0s  observe firewall  as planned, running differs
           5.0s  commit            job 1
           6.0s  poll job          succeeded
           7.0s  observe           2 atoms wanted, 2 ours of 3 rules: in sync
        in sync: 1 commit
    "#]]);
}

/// A commit that fails is taken back and tried once more without the rules that the firewall blames.
#[test]
fn rules_that_a_commit_blames_are_left_out() {
    let cursed = || Story { curse: Some("ssh"), ..Story::of(WEB, "") };
    cursed().check(&expect![[r#"
           0.0s  observe           2 atoms wanted, 0 ours of 1 rule: 2 changes
           1.0s  apply             + sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
                                   + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
           2.0s  observe firewall  as planned, running differs
           3.0s  commit            job 1
           4.0s  poll job          failed: rules -> sg-web-1 -> application is invalid
           5.0s  observe firewall  nobody has worked on top of our changes
           6.0s  revert            our uncommitted changes are taken back
           7.0s  observe firewall  2 atoms wanted, 0 ours of 1 rule: 1 change, 1 withheld
           8.0s  apply             + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
           9.0s  observe firewall  as planned, running differs, 1 withheld
          10.0s  commit            job 1
          11.0s  poll job          succeeded
          12.0s  observe           2 atoms wanted, 1 ours of 2 rules: nothing that may be changed, 1 withheld
        withheld: 1 change, 1 commit, 1 change withheld
    "#]]);
    // The blame outlives a connection that breaks while the changes are taken back.
    cursed().twist("revert", [Twist::Fails(Trouble::NoAnswer)]).check(&expect![[r#"
           0.0s  observe           2 atoms wanted, 0 ours of 1 rule: 2 changes
           1.0s  apply             + sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
                                   + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
           2.0s  observe firewall  as planned, running differs
           3.0s  commit            job 1
           4.0s  poll job          failed: rules -> sg-web-1 -> application is invalid
           5.0s  observe firewall  nobody has worked on top of our changes
           6.0s  revert            failed: the firewall did not answer in time, or the connection broke: check its load and the path to it; waiting 0.9s
           7.9s  observe firewall  nobody has worked on top of our changes
           8.9s  revert            our uncommitted changes are taken back
           9.9s  observe firewall  2 atoms wanted, 0 ours of 1 rule: 1 change, 1 withheld
          10.9s  apply             + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
          11.9s  observe firewall  as planned, running differs, 1 withheld
          12.9s  commit            job 1
          13.9s  poll job          succeeded
          14.9s  observe           2 atoms wanted, 1 ours of 2 rules: nothing that may be changed, 1 withheld
        withheld: 1 change, 1 commit, 1 retry, 1 change withheld
    "#]]);
    // Blame that names nobody, or a second failure, is for a person.
    let lines = || Twist::Answers(Reply::Polled(JobState::Failed(vec!["out of memory".into()])));
    Story::of(WEB, "").twist("poll job", [lines()]).check(&expect![[r#"
           0.0s  observe           2 atoms wanted, 0 ours of 1 rule: 2 changes
           1.0s  apply             + sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
                                   + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
           2.0s  observe firewall  as planned, running differs
           3.0s  commit            job 1
           4.0s  poll job          failed: out of memory
           5.0s  observe firewall  nobody has worked on top of our changes
           6.0s  revert            our uncommitted changes are taken back
        failed; job 1 failed, our changes are taken back: out of memory
    "#]]);
    let blames = |rule: &str| {
        Twist::Answers(Reply::Polled(JobState::Failed(vec![format!("rules -> {rule} -> application is invalid")])))
    };
    Story::of(WEB, "").twist("poll job", [blames("sg-web-1"), blames("sg-web-2")]).check(&expect![[r#"
           0.0s  observe           2 atoms wanted, 0 ours of 1 rule: 2 changes
           1.0s  apply             + sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
                                   + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
           2.0s  observe firewall  as planned, running differs
           3.0s  commit            job 1
           4.0s  poll job          failed: rules -> sg-web-1 -> application is invalid
           5.0s  observe firewall  nobody has worked on top of our changes
           6.0s  revert            our uncommitted changes are taken back
           7.0s  observe firewall  2 atoms wanted, 0 ours of 1 rule: 1 change, 1 withheld
           8.0s  apply             + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
           9.0s  observe firewall  as planned, running differs, 1 withheld
          10.0s  commit            job 1
          11.0s  poll job          failed: rules -> sg-web-2 -> application is invalid
          12.0s  observe firewall  nobody has worked on top of our changes
          13.0s  revert            our uncommitted changes are taken back
        failed: 1 change withheld; job 1 failed, our changes are taken back: rules -> sg-web-2 -> application is invalid
    "#]]);
}

/// Who only observes leaves what an earlier run has written as it is, also when its commit has failed.
#[test]
fn an_observer_takes_nothing_back() {
    let mut story = Story { curse: Some("ssh"), ..Story::of(WEB, "") };
    story.config.mode = Mode::Observe;
    story.firewall.candidate = Arc::new(story.firewall.candidate.apply(&planned(WEB)));
    story.firewall.unfinished_commit = Some(JobId(7));
    let told = story.told();
    assert!(!told.contains("revert  "), "{told}");
    assert!(
        told.ends_with("because `mode = \"observe\"` takes nothing back: revert them, or change the mode\n"),
        "{told}"
    );
}

/// Whoever can send messages can name as many logs as they like.
#[test]
fn reading_logs_leaves_time_to_look() {
    let logs = (0..1_000).map(|number| log(&number.to_string())).collect();
    let mut story = Story::of(WEB, "");
    story.trigger = Trigger { logs, events: Vec::new(), wake: Wake::ByEvents };
    let told = story.told();
    let read = told.lines().filter(|line| line.contains("fetch log")).count();
    let rest = 1_000 - read;
    assert!(read > 100 && rest > 500, "{told}");
    assert!(told.contains(&format!("{rest} logs not read: there is no more time for them")), "{told}");
    assert!(told.ends_with(&format!("in sync: 2 changes, 1 commit, {rest} unreadable logs\n")), "{told}");
}

/// A job that an earlier run began is waited for, and what it blames is left out as well.
#[test]
fn the_job_of_a_run_that_died_is_taken_over() {
    let mut story = Story { curse: Some("ssh"), ..Story::of(WEB, "") };
    story.firewall.candidate = Arc::new(story.firewall.candidate.apply(&planned(WEB)));
    story.firewall.unfinished_commit = Some(JobId(7));
    story.check(&expect![[r#"
           0.0s  observe           job 7 of ours is not finished
           1.0s  poll job          failed: rules -> sg-web-1 -> application is invalid
           2.0s  observe firewall  nobody has worked on top of our changes
           3.0s  revert            our uncommitted changes are taken back
           4.0s  observe firewall  2 atoms wanted, 0 ours of 1 rule: 1 change, 1 withheld
           5.0s  apply             + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
           6.0s  observe firewall  as planned, running differs, 1 withheld
           7.0s  commit            job 1
           8.0s  poll job          succeeded
           9.0s  observe           2 atoms wanted, 1 ours of 2 rules: nothing that may be changed, 1 withheld
        withheld: 1 change, 1 commit, 1 change withheld
    "#]]);
}

#[test]
fn nothing_to_commit_is_said_of_what_stood_then() {
    let nothing = || Story::of(WEB, "").twist("commit", [Twist::Answers(Reply::NothingToCommit)]);
    let told = nothing().told();
    assert!(
        told.ends_with(
            "differ in `sg-web-1`, `sg-web-2`: look at who has changed them, and commit all changes, or revert them\n"
        ),
        "{told}"
    );

    // By the look that follows, one of the two has gone from the candidate: it is written again, and that is to be committed.
    let mut story = nothing();
    let mut firewall = story.firewall.clone();
    firewall.candidate = Arc::new(firewall.candidate.apply(&planned(WEB)));
    Arc::make_mut(&mut firewall.candidate).rules.retain(|rule| rule.name.as_str() != "sg-web-2");
    let seen = |story: &Story| {
        Twist::Answers(Reply::Facts(Some(Box::new(story.inventory.clone())), Box::new(firewall.clone())))
    };
    let facts = [
        Twist::Answers(Reply::Facts(Some(Box::new(story.inventory.clone())), Box::new(story.firewall.clone()))),
        seen(&story),
    ];
    story = story.twist("observe", facts);
    let told = story.told();
    assert!(told.contains("in sync") && told.matches("commit  ").count() == 2, "{told}");
}

#[test]
fn what_is_read_in_another_way_is_taken_back_and_not_written_again() {
    let story = Story { misread: Some("ssl"), ..Story::of(WEB, "") };
    story.check(&expect![[r#"
           0.0s  observe           2 atoms wanted, 0 ours of 1 rule: 2 changes
           1.0s  apply             + sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
                                   + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
           2.0s  observe firewall  2 atoms wanted, 2 ours of 3 rules: 1 change, 1 withheld
           3.0s  apply             - sg-web-2
           4.0s  observe firewall  as planned, running differs, 1 withheld
           5.0s  commit            job 1
           6.0s  poll job          succeeded
           7.0s  observe           2 atoms wanted, 1 ours of 2 rules: nothing that may be changed, 1 withheld
        withheld: 3 changes, 1 commit, 1 change withheld
    "#]]);
}

/// A rule that goes because AWS does not call for it any more was not misread: it comes back when AWS calls for it again.
#[test]
fn what_aws_has_taken_back_is_not_misread() {
    let mut story = Story::of(WEB, "");
    let without_ssh = "i-1 10.0.1.10 sg-web\n sg-web tcp/443 8.8.8.0/24";
    story.at_first = [WEB, without_ssh].map(sample::inventory).into();
    story.check(&expect![[r#"
           0.0s  observe           2 atoms wanted, 0 ours of 1 rule: 2 changes
           1.0s  apply             + sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
                                   + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
           2.0s  observe firewall  as planned, running differs
           3.0s  commit            job 1
           4.0s  poll job          succeeded
           5.0s  observe           1 atom wanted, 2 ours of 3 rules: 1 change
           6.0s  apply             - sg-web-1
           7.0s  observe firewall  as planned, running differs
           8.0s  commit            job 1
           9.0s  poll job          succeeded
          10.0s  observe           2 atoms wanted, 1 ours of 2 rules: 1 change
          11.0s  apply             + sg-web-3  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
          12.0s  observe firewall  as planned, running differs
          13.0s  commit            job 1
          14.0s  poll job          succeeded
          15.0s  observe           2 atoms wanted, 2 ours of 3 rules: in sync
        in sync: 4 changes, 3 commits
    "#]]);
}

fn failed_commit() -> FailedCommit {
    let (age, lines) = (Duration::from_secs(600), vec!["no zone".to_owned()]);
    FailedCommit { digest: digest(WEB), naming: None, age, lines, since: Since::NothingCommitted }
}

#[test]
fn what_failed_lately_is_not_tried_again() {
    let mut story = Story::of(WEB, "");
    story.firewall.failed_commits.push(failed_commit());
    story.check(&expect![[r#"
           0.0s  observe           2 atoms wanted, 0 ours of 1 rule: 2 changes
        withheld; a commit of the same rules failed 10 min ago, they are not tried again for 20 min: no zone
    "#]]);
    let mut story = Story::of(WEB, "");
    story.firewall.candidate = Arc::new(story.firewall.candidate.apply(&planned(WEB)));
    story.firewall.failed_commits.push(failed_commit());
    story.check(&expect![[r#"
           0.0s  observe           as planned, running differs
           1.0s  revert            our uncommitted changes are taken back
           2.0s  observe firewall  2 atoms wanted, 0 ours of 1 rule: 2 changes
        withheld; a commit of the same rules failed 10 min ago, they are not tried again for 20 min: no zone
    "#]]);
}

#[test]
fn what_is_still_there_after_it_was_taken_back_is_the_outcome() {
    let mut story = Story::of(WEB, "");
    story.firewall.candidate = Arc::new(story.firewall.candidate.apply(&planned(WEB)));
    story.firewall.failed_commits.push(failed_commit());
    let nothing_is_done = || Twist::Answers(Reply::Reverted);
    story.twist("revert", std::iter::repeat_with(nothing_is_done).take(9)).check(&expect![[r#"
           0.0s  observe           as planned, running differs
           1.0s  revert            our uncommitted changes are taken back
           2.0s  observe firewall  as planned, running differs
           3.0s  observe firewall  nobody has worked on top of our changes
           4.0s  revert            our uncommitted changes are taken back
        failed; a commit of the same rules failed 10 min ago, they are not tried again for 20 min: no zone
    "#]]);
}

#[test]
fn nothing_exposed_any_more_is_looked_at_twice() {
    Story::of("", "sg-web-1 8.8.8.0/24 -> 10.0.1.10 ours").check(&expect![[r#"
           0.0s  observe           nothing is exposed any more: looking again before believing it
          31.0s  observe           0 atoms wanted, 1 ours of 2 rules: 1 change
          32.0s  apply             - sg-web-1
          33.0s  observe firewall  as planned, running differs
          34.0s  commit            job 1
          35.0s  poll job          succeeded
          36.0s  observe           0 atoms wanted, 0 ours of 1 rule: in sync
        in sync: 1 change, 1 commit
    "#]]);
    // The second look sees the instance again.
    let story = Story::of("i-1 10.0.1.10 sg-web\n sg-web all 8.8.8.0/24", "sg-web-1 8.8.8.0/24 -> 10.0.1.10 ours");
    let empty = Reply::Facts(Some(Box::new(sample::inventory(""))), Box::new(story.firewall.clone()));
    story.twist("observe", [Twist::Answers(empty)]).check(&expect![[r#"
           0.0s  observe           nothing is exposed any more: looking again before believing it
          31.0s  observe           1 atom wanted, 1 ours of 2 rules: in sync
        in sync
    "#]]);
}

#[test]
fn no_write_is_begun_without_time_to_end_it() {
    let mut story = Story::of(WEB, "");
    story.budget = Duration::from_secs(30);
    story.write = Duration::from_secs(15);
    story.check(&expect![[r#"
           0.0s  observe           2 atoms wanted, 0 ours of 1 rule: 2 changes
           1.0s  apply             + sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
                                   + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
          16.0s  observe firewall  as planned, running differs
        out of time: 2 changes
    "#]]);
}

#[test]
fn no_answer_is_waited_for_longer_than_the_run_may_take() {
    let limit_within = |budget: Duration| {
        let story = Story::of(WEB, "");
        let mut run = Run::new(story.config, story.trigger, budget, 1);
        let next = run.advance(Duration::from_secs(1), Input::Begin);
        let Next::Do(Command::Observe(_), limit) = next else { panic!("{next:?}") };
        limit
    };
    let usual = sample::config().timing.read;
    assert_eq!(limit_within(usual * 2), usual);
    assert_eq!(limit_within(usual), usual - Duration::from_secs(1));
}

/// What a rule says of the event behind it is whatever a log said: it is cut, and the run's id still stands at the end.
#[test]
fn who_is_behind_a_rule_is_said_in_one_line_that_is_not_too_long() {
    let signed = |name: &str, by: &str| {
        let mut story = Story::of(WEB, "");
        story.trigger.events = vec![Event { principal: Some(by.to_owned()), ..event(name) }];
        let mut run = Run::new(story.config.clone(), story.trigger.clone(), story.budget, 1);
        let id = run.report().run;
        run.advance(Duration::ZERO, Input::Begin);
        let Next::Do(look, _) = run.advance(Duration::from_secs(5), Input::Woke) else { panic!("no look") };
        let next = run.advance(Duration::from_secs(6), Input::Done(story.obey(&look)));
        let Next::Do(Command::Apply(changes), _) = next else { panic!("{next:?}") };
        let Some(Change::Put(rule, _)) = changes.into_iter().next() else { panic!("no rule") };
        rule.description.strip_suffix(&format!("; run {id}")).unwrap().to_owned()
    };
    assert!(signed("StartInstances", "alice\nand bob").ends_with("; StartInstances i-1; by aliceand bob; event 1"));
    let long = "x".repeat(2000);
    let by = signed("StartInstances", &long);
    assert!(by.len() < 500 && by.contains("; StartInstances i-1; by xxx"), "{by}");
    let both = signed(&long, &long);
    assert!(both.chars().count() < 1024 && both.contains("; by xxx"), "{both}");
}

#[test]
fn what_one_transaction_cannot_take_is_left_to_the_next_look() {
    let lines: Vec<_> = (0..=CHANGES_MAX).map(|n| format!("sg-web tcp/{} 8.8.8.0/24", 10_000 + n)).collect();
    let told = Story::of(&format!("i-1 10.0.1.10 sg-web\n{}", lines.join("\n")), "").told();
    let looks = told.lines().map(str::trim_start).filter(|line| line.contains("observe"));
    let looks: String = looks.map(|line| format!("{line}\n")).collect();
    expect![[r#"
        0.0s  observe           251 atoms wanted, 0 ours of 1 rule: 502 changes
        2.0s  observe firewall  251 atoms wanted, 0 ours of 1 rule: 252 changes
        4.0s  observe firewall  251 atoms wanted, 249 ours of 250 rules: 2 changes
        6.0s  observe firewall  as planned, running differs
        9.0s  observe           251 atoms wanted, 251 ours of 252 rules: in sync
    "#]]
    .assert_eq(&looks);
}

#[test]
#[should_panic(expected = "a bug in the driver")]
fn a_reply_that_answers_nothing_is_a_bug_in_the_driver() {
    Story::of(WEB, "").twist("observe", [Twist::Answers(Reply::Reverted)]).told();
}

fn planned(inventory: &str) -> Vec<Change> {
    let (config, firewall) = (sample::config(), sample::quiet(sample::configuration("")));
    plan(&sample::inventory(inventory), &Rulebase::read(&firewall, &config).unwrap(), &config, &[]).changes
}

/// Of our rules as they will stand.
fn digest(inventory: &str) -> drawbridge_core::firewall::Digest {
    let (config, firewall) = (sample::config(), sample::quiet(sample::configuration("")));
    Rulebase::read(&firewall, &config).unwrap().candidate.digest_after(&planned(inventory))
}

/// Everything of ours goes, disabled rules too, whatever mode and limits say; an object that something else refers to is left.
#[test]
fn a_removal_leaves_nothing_of_ours() {
    let rules = "sg-web-1 8.8.8.0/24 -> 10.0.1.10 tcp/8443 ours\n sg-web-2 8.8.8.0/24 -> 10.0.1.10 ours disabled\n \
                 sg-web-3 8.8.8.0/24 -> 10.0.1.10\n theirs any -> 10.0.1.11 tcp/22";
    let mut story = Story { purpose: Purpose::Removal, ..Story::of("", rules) };
    story.config.mode = Mode::Observe;
    story.config.limits.removals.number = 0;
    story.check(&expect![[r#"
           0.0s  observe firewall  0 atoms wanted, 2 ours of 5 rules: 4 changes
           1.0s  apply             - sg-web-1
                                   - sg-web-2
           2.0s  observe firewall  0 atoms wanted, 0 ours of 3 rules: 2 changes
           3.0s  apply             - service tcp_8443
                                   - tag bridge
           4.0s  observe firewall  as planned, running differs
           5.0s  commit            job 1
           6.0s  poll job          succeeded
           7.0s  observe firewall  0 atoms wanted, 0 ours of 3 rules: in sync
        in sync: 4 changes, 1 commit
    "#]]);
    let refused = Trouble::Refused("cannot be deleted because of references from: g".to_owned());
    let mut story = Story { purpose: Purpose::Removal, ..Story::of("", "sg-web-1 8.8.8.0/24 -> 10.0.1.10 ours") };
    story.twists.push(("apply", VecDeque::from([Twist::FailsForGood(refused)])));
    // The first write is refused as a whole, and it is about a rule.
    assert!(story.told().ends_with("failed; the firewall refuses: cannot be deleted because of references from: g; put right what it names, and see whether `drawbridge doctor` finds more\n"));
}

/// What nobody waits for any more comes with what a person does about it, in one line; on the way it does not.
#[test]
fn what_ends_a_run_comes_with_the_remedy() {
    let said = "its own words";
    let troubles = [
        Trouble::RoleLacks(format!("{said}.")),
        Trouble::NotPanos(said.to_owned()),
        Trouble::Refused(said.to_owned()),
        Trouble::Busy(said.to_owned()),
        Trouble::Locked(said.to_owned()),
        Trouble::AtWork(Node::Other(said.to_owned()), "alice".parse().unwrap()),
        Trouble::NoneActive(said.to_owned()),
    ];
    for trouble in troubles {
        let on_the_way = trouble.to_string();
        let in_the_end = Problem::from(trouble).to_string();
        let remedy = in_the_end.strip_prefix(on_the_way.trim_end_matches('.')).unwrap().strip_prefix("; ").unwrap();
        assert!(
            !on_the_way.contains(';') && remedy.len() > 10 && remedy.starts_with(char::is_lowercase),
            "{in_the_end}"
        );
        assert!(on_the_way.contains(said) && !in_the_end.contains('\n'), "{in_the_end}");
    }
}

/// In force the rule is not ours yet: deleting it is no matter of a commit that nobody has made.
#[test]
fn what_is_being_adopted_is_left_alone_until_that_is_committed() {
    let mut story = Story::of("", "i-1-1 8.8.8.0/24 -> 10.0.1.10 app:ssl app-default");
    story.firewall.candidate =
        Arc::new(sample::configuration("i-1-1 8.8.8.0/24 -> 10.0.1.10 app:ssl app-default ours"));
    story.inventory = sample::inventory("i-2 10.0.1.11 sg-web\n sg-web tcp/443 8.8.8.0/24");
    story.check(&expect![[r#"
           0.0s  observe           1 atom wanted, 1 ours of 2 rules: 1 change
           1.0s  apply             + sg-web-1  8.8.8.0/24 -> 10.0.1.11  ssl on tcp 443, above `clean-up`
           2.0s  observe firewall  as planned, running differs
           3.0s  commit            job 1
           4.0s  poll job          succeeded
           5.0s  observe           1 atom wanted, 2 ours of 3 rules: 1 change
           6.0s  apply             - i-1-1
           7.0s  observe firewall  as planned, running differs
           8.0s  commit            job 1
           9.0s  poll job          succeeded
          10.0s  observe           1 atom wanted, 1 ours of 2 rules: in sync
        in sync: 2 changes, 2 commits
    "#]]);
    let mut renamed = Story::of("", "i-1 8.8.8.0/24 -> 10.0.1.10 app:ssl app-default");
    renamed.firewall.candidate =
        Arc::new(sample::configuration("i-1-1 8.8.8.0/24 -> 10.0.1.10 app:ssl app-default ours"));
    renamed.inventory = sample::inventory("i-2 10.0.1.11 sg-web\n sg-web tcp/443 8.8.8.0/24");
    renamed.config.mode = Mode::AddOnly;
    renamed.check(&expect![[r#"
           0.0s  observe           1 atom wanted, 1 ours of 2 rules: 1 change, 1 withheld
           1.0s  apply             + sg-web-1  8.8.8.0/24 -> 10.0.1.11  ssl on tcp 443, above `clean-up`
           2.0s  observe firewall  as planned, running differs, 1 withheld
           3.0s  commit            job 1
           4.0s  poll job          succeeded
           5.0s  observe           1 atom wanted, 2 ours of 3 rules: nothing that may be changed, 1 withheld
        withheld: 1 change, 1 commit, 1 change withheld
    "#]]);
}

/// An adoption takes no look at AWS: nobody can tell whether what a killed run has left is still wanted.
#[test]
fn an_adoption_commits_nothing_that_an_earlier_run_has_left() {
    let mut story = Story { purpose: Purpose::Adoption, ..Story::of("", "i-1-1 8.8.8.0/24 -> 10.0.1.10") };
    let left = "i-1-1 8.8.8.0/24 -> 10.0.1.10\n i-2-1 any -> 10.0.1.11 tcp/22 ours";
    story.firewall.candidate = Arc::new(sample::configuration(left));
    story.check(&expect![[r#"
           0.0s  observe firewall  what is uncommitted is taken back first
           1.0s  observe firewall  nobody has worked on top of our changes
           2.0s  revert            our uncommitted changes are taken back
           3.0s  observe firewall  0 atoms wanted, 0 ours of 2 rules: 1 change
           4.0s  apply             ~ i-1-1, tagged bridge
           5.0s  observe firewall  as planned, running differs
           6.0s  commit            job 1
           7.0s  poll job          succeeded
           8.0s  observe firewall  0 atoms wanted, 1 ours of 2 rules: in sync
        in sync: 1 change, 1 commit
    "#]]);
}

/// A log of a whole account may hold any number of them; more would name nothing better.
#[test]
fn a_run_keeps_so_many_events_and_no_more() {
    let mut story = Story::of(WEB, "");
    story.trigger.events = vec![event("StartInstances"); 1_500];
    let mut run = Run::new(story.config.clone(), story.trigger.clone(), story.budget, 1);
    run.advance(Duration::ZERO, Input::Begin);
    assert_eq!(run.report().events.len(), 1_000);
}
