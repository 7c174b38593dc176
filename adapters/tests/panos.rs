//! The client of the firewall against the simulated firewall, in memory: no bytes are made, the readers walk its trees.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    borrow::Cow,
    collections::BTreeSet,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use drawbridge::panos::{
    client::{Account, Committed, Panos, Transport},
    request::Request,
    response::{Answer, Document},
    xml::{Malformed, Node, Nodes, Tag, parse},
    xpath::Vsys,
};
use drawbridge_core::{
    change::{Change, Columns, Direction, Extras, OwnedRule, Position, ServiceObject, Spelling, WrittenService},
    command::{Failure, JobState, Trouble},
    firewall::{Action, CommitNote, DestinationTranslation, Digest, Effect, NatRule, Node as Place, Status},
    id::{JobId, OwnedName},
    range::Range,
    service::{Apps, L4, Service},
    translate::ServicePorts,
};
use drawbridge_simulator::{
    clock::Moment,
    firewall::{self, Body, Firewall, Ha, MultiConfig, Right, Role},
    xml::Element,
};

const RULES: &str =
    "/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']/rulebase/security/rules";
const VSYS: &str = "/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']";

/// The simulated firewall and its clock, as a transport.
struct Memory {
    firewall: Firewall,
    key: String,
    now: Moment,
    /// What was sent, by type and action.
    sent: Vec<String>,
    /// What is answered to requests that contain the first, whatever the firewall says.
    instead: Option<(&'static str, &'static str)>,
    /// Requests that contain this get no answer.
    silent_on: Option<&'static str>,
    /// Whether configurations come without marks of uncommitted work: what bears which is not documented.
    unmarked: bool,
    /// What happens right after the first request that contains one of these.
    after: Option<After>,
}

/// Parts of requests, any of which is meant, and what happens then.
type After = (&'static [&'static str], fn(&mut Firewall));

struct Model(Body);

impl Transport for Memory {
    type Document = Model;

    async fn send(&mut self, request: &Request) -> Result<Answer<Model>, Failure> {
        let parameters = request.parameters().iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let request = firewall::Request { parameters: parameters.collect(), key: Some(self.key.clone()), basic: None };
        let what = ["type", "action", "cmd", "xpath"].map(|name| request.parameter(name).unwrap_or_default());
        self.sent.push(what.join(" ").trim().to_owned());
        let sent = self.sent.last().unwrap();
        if self.silent_on.is_some_and(|part| sent.contains(part)) {
            return Err(Trouble::NoAnswer.transient());
        }
        let mut answer = self.firewall.request(&request, self.now);
        if let (true, Body::Xml(element)) = (self.unmarked, &mut answer.body) {
            unmark(element);
        }
        if let Some((_, happens)) = self.after.take_if(|(parts, _)| parts.iter().any(|part| sent.contains(part))) {
            happens(&mut self.firewall);
        }
        if let Some((_, text)) = self.instead.filter(|(part, _)| sent.contains(part)) {
            return Ok(Answer { status: 200, document: Model(Body::Text(text.to_owned())) });
        }
        Ok(Answer { status: answer.status, document: Model(answer.body) })
    }
}

fn unmark(element: &mut Element) {
    element.attributes.retain(|(name, _)| !["admin", "dirtyId", "time"].contains(&&**name));
    element.children.iter_mut().for_each(unmark);
}

impl Document for Model {
    fn nodes(&self) -> impl Nodes<'_> {
        let nodes: Box<dyn Iterator<Item = Result<Node<'_>, Malformed>> + '_> = match &self.0 {
            Body::Xml(element) => Box::new(Walk(vec![Step::Enter(element)])),
            Body::Text(text) => Box::new(parse(text)),
            Body::Cut => Box::new(std::iter::empty()),
        };
        nodes
    }
}

/// A walk through a tree.
struct Walk<'a>(Vec<Step<'a>>);

enum Step<'a> {
    Enter(&'a Element),
    Text(&'a str),
    Leave,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Node<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(Ok(match self.0.pop()? {
            Step::Enter(element) => {
                self.0.push(Step::Leave);
                self.0.extend(element.children.iter().rev().map(Step::Enter));
                if !element.text.is_empty() {
                    self.0.push(Step::Text(&element.text));
                }
                let attributes = element.attributes.iter();
                let attributes = attributes.map(|(name, value)| (Cow::Borrowed(&**name), Cow::Borrowed(&**value)));
                Node::Open(Tag { name: &element.name, attributes: attributes.collect() })
            }
            Step::Text(text) => Node::Text(Cow::Borrowed(text)),
            Step::Leave => Node::Close,
        }))
    }
}

/// Nothing in memory ever waits.
fn now<T>(future: impl Future<Output = T> + Send) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a call in memory waits"),
    }
}

fn panos(prepare: impl FnOnce(&mut Firewall)) -> Panos<Memory> {
    let mut firewall = Firewall::new();
    let columns = "<from><member>any</member></from><to><member>any</member></to><source><member>any</member></source>\
                   <destination><member>any</member></destination><application><member>any</member></application>";
    let rules = format!(
        "<entry name=\"Web in\">{columns}<service><member>service-http</member></service><action>allow</action></entry>\
         <entry name=\"Clean up\">{columns}<service><member>any</member></service><action>deny</action></entry>"
    );
    firewall.load(RULES, &rules).unwrap();
    let key = firewall.add_admin("fwsync");
    prepare(&mut firewall);
    let account = Account { vsys: Vsys::default(), admin: None, owner: "aws".parse().unwrap() };
    let (now, sent) = (Moment::default(), Vec::new());
    Panos::new(
        Memory { firewall, key, now, sent, instead: None, silent_on: None, unmarked: false, after: None },
        account,
    )
}

fn rule(name: &str, service: WrittenService, application: &str, port: u16) -> Box<OwnedRule> {
    let spelling = Spelling {
        direction: Direction::Ingress,
        locals: BTreeSet::from(["10.0.1.10".parse().unwrap()]),
        peers: BTreeSet::from(["0.0.0.0/0".parse().unwrap()]),
        service: Service {
            apps: Apps::Named(BTreeSet::from([application.parse().unwrap()])),
            l4: L4::Tcp(Range::single(port)),
        },
    };
    Box::new(OwnedRule {
        name: OwnedName::parse(name).unwrap(),
        columns: Columns::of(&spelling, &BTreeSet::new()),
        spelling,
        from: "untrust".parse().unwrap(),
        to: "trust".parse().unwrap(),
        service,
        status: Status::Enabled,
        profile_group: None,
        tags: BTreeSet::from(["aws".parse().unwrap()]),
        description: "i-1 StartInstances <why> & \"where\"".to_owned(),
        extras: Extras::Fresh { log_setting: None },
    })
}

fn changes() -> Vec<Change> {
    let above = || Position::Above("Clean up".parse().unwrap());
    let object = ServiceObject {
        name: "tcp_8443".parse().unwrap(),
        ports: ServicePorts::Tcp(Range::single(8443)),
        owner: "aws".parse().unwrap(),
    };
    vec![
        Change::Tag("aws".parse().unwrap()),
        Change::Service(object),
        Change::Put(rule("i-1-1", WrittenService::ApplicationDefault, "ssl", 443), above()),
        Change::Put(rule("i-1-2", WrittenService::Object("tcp_8443".parse().unwrap()), "web-browsing", 8443), above()),
    ]
}

fn note() -> CommitNote {
    CommitNote { owner: "aws".parse().unwrap(), digest: Digest(0xabc), run: None, naming: None }
}

fn advance(panos: &mut Panos<Memory>, seconds: u64) {
    let transport = panos.transport_mut();
    transport.now = transport.now + Duration::from_secs(seconds);
}

#[test]
fn rules_are_written_committed_and_read_back() {
    let mut panos = panos(|_| {});
    let before = now(panos.observe()).unwrap();
    assert!(Arc::ptr_eq(&before.candidate, &before.running));
    assert_eq!(before.admin.as_ref().map(|name| name.as_str()), Some("fwsync"));
    assert_eq!(before.candidate.rules.len(), 2);

    now(panos.apply(&changes())).unwrap();
    let written = now(panos.observe()).unwrap();
    assert_eq!(*written.running, *before.running);
    let names: Vec<_> = written.candidate.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["Web in", "i-1-1", "i-1-2", "Clean up"]);
    let ours = &written.candidate.rules[1];
    assert_eq!(ours.description, "i-1 StartInstances <why> & \"where\"");
    assert_eq!(ours.touched_by.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["fwsync"]);
    assert_eq!((ours.action, ours.narrowed_by.len(), ours.carried.0.as_str()), (Action::Allow, 0, ""));
    let nodes: Vec<_> = written.pending.iter().map(|pending| pending.node.to_string()).collect();
    assert_eq!(nodes, ["rule `i-1-1`", "rule `i-1-2`", "service `tcp_8443`", "tag `aws`"]);

    let Committed::Job(job) = now(panos.commit(&note())).unwrap() else { panic!("nothing to commit") };
    assert!(matches!(now(panos.poll(job)), Ok(JobState::Running(_))));
    assert_eq!(now(panos.observe()).unwrap().unfinished_commit, Some(job));
    advance(&mut panos, 60);
    assert_eq!(now(panos.poll(job)), Ok(JobState::Succeeded));
    let after = now(panos.observe()).unwrap();
    assert!(Arc::ptr_eq(&after.candidate, &after.running));
    assert_eq!((after.pending.len(), after.unfinished_commit), (0, None));
    assert_eq!(now(panos.commit(&note())), Ok(Committed::Nothing));
    assert_eq!(now(panos.poll(JobId(99))), Ok(JobState::Lost));

    let deletions = ["i-1-1", "i-1-2"].map(|name| Change::Delete(OwnedName::parse(name).unwrap()));
    now(panos.apply(&deletions)).unwrap();
    let emptied = now(panos.observe()).unwrap();
    let deleted: Vec<_> = emptied.pending.iter().map(|pending| (pending.node.to_string(), pending.effect)).collect();
    assert_eq!(deleted, [("rule `i-1-1`".to_owned(), Effect::Deleted), ("rule `i-1-2`".to_owned(), Effect::Deleted)]);
    now(panos.revert()).unwrap();
    assert_eq!(now(panos.observe()).unwrap(), after);
}

#[test]
fn a_look_asks_no_more_than_it_must() {
    let mut panos = panos(|_| {});
    now(panos.observe()).unwrap();
    assert_eq!(panos.transport_mut().sent.len(), 9, "{:#?}", panos.transport_mut().sent);
    panos.transport_mut().sent.clear();
    now(panos.observe()).unwrap();
    // Its own name is asked for once, and so are standard ports.
    assert_eq!(panos.transport_mut().sent.len(), 7, "{:#?}", panos.transport_mut().sent);
}

#[test]
fn standard_ports_are_asked_of_the_firewall_once() {
    let columns = "<from><member>any</member></from><to><member>any</member></to><source><member>any</member></source>\
                   <destination><member>any</member></destination><service><member>application-default</member></service>\
                   <application><member>smtp</member><member>ssh</member><member>ping</member></application><action>allow</action>";
    let mut panos = panos(|firewall| firewall.load(RULES, &format!("<entry name=\"apps\">{columns}</entry>")).unwrap());
    let asked = |panos: &mut Panos<Memory>| {
        panos.transport_mut().sent.iter().filter(|sent| sent.contains("/config/predefined")).count()
    };
    let first = now(panos.observe()).unwrap();
    let ports = |name: &str| first.candidate.standard_ports.get(&name.parse().unwrap()).cloned();
    assert_eq!(ports("smtp").map(|l4| l4[0]), Some(L4::Tcp(Range::single(25))));
    assert_eq!(ports("ping"), Some(vec![L4::Ip(1)]));
    assert_eq!(ports("ssh"), Some(vec![L4::Tcp(Range::single(22))]));
    assert_eq!(asked(&mut panos), 1);
    assert_eq!(now(panos.observe()).unwrap(), first);
    assert_eq!(asked(&mut panos), 1);
}

#[test]
fn nat_rules_come_along_with_either_configuration() {
    let place = RULES.replace("security", "nat");
    let rule = |name: &str| {
        let columns =
            ["from", "to", "source", "destination"].map(|name| format!("<{name}><member>any</member></{name}>"));
        let to =
            "<destination-translation><translated-address>10.0.1.10</translated-address></destination-translation>";
        format!("<entry name=\"{name}\">{}<service>any</service>{to}</entry>", columns.concat())
    };
    let mut panos = panos(|firewall| {
        firewall.load(&place, &rule("old")).unwrap();
        firewall.add_admin("alice");
        let parameters = [("type", "config"), ("action", "set"), ("xpath", &*place), ("element", &*rule("new"))];
        firewall.as_admin("alice", &parameters, Moment::default());
    });
    let seen = now(panos.observe()).unwrap();
    let names = |nat: &[NatRule]| nat.iter().map(|rule| rule.name.to_string()).collect::<Vec<_>>();
    assert_eq!(
        (names(&seen.candidate.nat), names(&seen.running.nat)),
        (vec!["old".into(), "new".into()], vec!["old".into()])
    );
    let to = "10.0.1.10".parse().unwrap();
    assert_eq!(seen.running.nat[0].translation, DestinationTranslation::Static { to, port: None });
}

#[test]
fn others_work_is_told_apart_from_ours() {
    let mut panos = panos(|_| {});
    let set = |panos: &mut Panos<Memory>, action: &str, path: &str, element: &str| {
        let transport = panos.transport_mut();
        let answer = transport.firewall.as_admin(
            "admin",
            &[("type", "config"), ("action", action), ("xpath", path), ("element", element)],
            transport.now,
        );
        assert!(answer.text().contains("success"), "{}", answer.text());
    };
    set(&mut panos, "set", &format!("{RULES}/entry[@name='Clean up']"), "<log-end>yes</log-end>");
    set(&mut panos, "delete", &format!("{RULES}/entry[@name='Web in']"), "");
    set(&mut panos, "set", &format!("{VSYS}/address/entry[@name='x']"), "<ip-netmask>10.0.0.1</ip-netmask>");
    let seen = now(panos.observe()).unwrap();
    let pending: Vec<_> = seen.pending.iter().map(|p| (p.admin.as_str(), &p.node, p.effect)).collect();
    let path = Place::Other(format!("{VSYS}/address/entry[@name='x']"));
    assert_eq!(
        pending,
        [
            ("admin", &Place::Rule("Clean up".parse().unwrap()), Effect::Changed),
            ("admin", &Place::Rule("Web in".parse().unwrap()), Effect::Deleted),
            ("admin", &path, Effect::Changed),
        ]
        .into_iter()
        .collect::<Vec<_>>()
    );
    assert_eq!(seen.running.rules.len(), 2);
    assert_eq!(seen.candidate.rules[0].carried.0, "<log-end>yes</log-end>");
    assert_eq!(now(panos.commit(&note())), Ok(Committed::Nothing));
}

/// A firewall that locks commits for whoever writes, which nothing but a commit ends by itself, and what its locks are.
fn locking() -> (Panos<Memory>, impl Fn(&mut Panos<Memory>) -> String) {
    let management = "/config/devices/entry[@name='localhost.localdomain']/deviceconfig/setting/management";
    let setting = "<auto-acquire-commit-lock>yes</auto-acquire-commit-lock>";
    let panos = panos(|firewall| firewall.load(management, setting).unwrap());
    let locks = |panos: &mut Panos<Memory>| {
        let command = "<show><commit-locks><vsys>all</vsys></commit-locks></show>";
        let transport = panos.transport_mut();
        transport.firewall.as_admin("admin", &[("type", "op"), ("cmd", command)], transport.now).text().to_string()
    };
    (panos, locks)
}

#[test]
fn whoever_takes_changes_back_keeps_no_lock() {
    let (mut panos, locks) = locking();
    now(panos.observe()).unwrap();
    now(panos.apply(&changes())).unwrap();
    assert!(locks(&mut panos).contains("fwsync"));
    now(panos.revert()).unwrap();
    assert!(!locks(&mut panos).contains("fwsync"));
}

/// Otherwise each would wait for the other.
#[test]
fn whoever_may_not_commit_keeps_no_lock() {
    let (mut panos, locks) = locking();
    now(panos.observe()).unwrap();
    now(panos.apply(&changes())).unwrap();
    let transport = panos.transport_mut();
    let path = format!("{VSYS}/address/entry[@name='x']");
    let element = "<ip-netmask>10.0.0.1</ip-netmask>";
    let write = [("type", "config"), ("action", "set"), ("xpath", &*path), ("element", element)];
    transport.firewall.as_admin("admin", &write, transport.now);
    assert!(locks(&mut panos).contains("fwsync"));
    let Err(failure) = now(panos.commit(&note())) else { panic!("`admin` holds a lock") };
    assert!(failure.what.to_string().contains("commit lock of `admin`"), "{}", failure.what);
    let left = locks(&mut panos);
    assert!(!left.contains("fwsync") && left.contains("admin"), "{left}");
}

/// A commit that is under way ends its lock by itself; where nothing was written nothing is asked.
#[test]
fn whoever_leaves_keeps_no_lock() {
    let (mut panos, locks) = locking();
    now(panos.observe()).unwrap();
    let asked = panos.transport_mut().sent.len();
    now(panos.leave());
    assert_eq!(panos.transport_mut().sent.len(), asked);
    now(panos.apply(&changes())).unwrap();
    now(panos.leave());
    assert!(!locks(&mut panos).contains("fwsync"));
    now(panos.apply(&[Change::Tag("other".parse().unwrap())])).unwrap();
    now(panos.commit(&note())).unwrap();
    let asked = panos.transport_mut().sent.len();
    now(panos.leave());
    assert_eq!(panos.transport_mut().sent.len(), asked);
}

/// Releases differ in what they count as pending; what a configuration bears marks of is not in force.
#[test]
fn marks_of_uncommitted_work_count_even_where_nothing_is_said_to_be_pending() {
    let mut panos = panos(|firewall| {
        firewall.add_admin("alice");
        let xpath = format!("{RULES}/entry[@name='Web in']");
        let parameters = [("type", "config"), ("action", "delete"), ("xpath", &*xpath)];
        firewall.as_admin("alice", &parameters, Moment::default());
        let xpath = format!("{RULES}/entry[@name='Clean up']");
        let element = "<log-end>yes</log-end>";
        let parameters = [("type", "config"), ("action", "set"), ("xpath", &*xpath), ("element", element)];
        firewall.as_admin("alice", &parameters, Moment::default());
    });
    let no = "<response status='success'><result>no</result></response>";
    panos.transport_mut().instead = Some(("<pending-changes", no));
    let seen = now(panos.observe()).unwrap();
    assert_eq!((seen.candidate.rules.len(), seen.running.rules.len()), (1, 2));
    assert_eq!(seen.pending.len(), 2);
}

/// What changes between two answers counts as pending, and no work in progress is taken for what is in force.
#[test]
fn what_somebody_does_in_the_middle_of_a_look_is_not_in_force() {
    let mut panos = panos(|firewall| _ = firewall.add_admin("alice"));
    panos.transport_mut().unmarked = true;
    let candidate = "config get  /config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']";
    panos.transport_mut().after = Some((&["<pending-changes", "/vsys/entry[@name='vsys1']"], |firewall| {
        let xpath = format!("{RULES}/entry[@name='Web in']");
        let parameters = [("type", "config"), ("action", "delete"), ("xpath", &*xpath)];
        firewall.as_admin("alice", &parameters, Moment::default());
    }));
    let seen = now(panos.observe()).unwrap();
    let sent = &panos.transport_mut().sent;
    assert!(sent.iter().any(|sent| sent == candidate), "{sent:#?}");
    assert_eq!(seen.running.rules.len(), 2, "{sent:#?}");
    assert_eq!(seen.pending.len(), 1);
}

/// Without them rules of ours would be taken for wrong, or others for allowing less than they do.
#[test]
fn a_look_is_repeated_if_standard_ports_are_not_told_in_time() {
    let mut panos = panos(|_| {});
    panos.transport_mut().silent_on = Some("/config/predefined");
    assert_eq!(now(panos.observe()).unwrap_err(), Trouble::NoAnswer.transient());
}

#[test]
fn a_commit_that_is_answered_without_a_job_is_no_commit() {
    let mut panos = panos(|_| {});
    now(panos.observe()).unwrap();
    now(panos.apply(&changes())).unwrap();
    panos.transport_mut().instead = Some(("commit", "<response status='success'><msg>fine</msg></response>"));
    let failure = now(panos.commit(&note())).unwrap_err();
    assert_eq!(failure, Trouble::NotPanos("a commit was answered without a job: fine".to_owned()).permanent());
}

/// Each takes a request of its own.
#[test]
fn of_many_new_rules_not_all_get_a_comment() {
    let changes: Vec<_> = (1..=30)
        .map(|number| rule(&format!("i-1-{number}"), WrittenService::ApplicationDefault, "ssl", 443))
        .map(|rule| Change::Put(rule, Position::Above("Clean up".parse().unwrap())))
        .collect();
    let comments = |prepare: fn(&mut Firewall)| {
        let mut panos = panos(prepare);
        let tagged = [vec![Change::Tag("aws".parse().unwrap())], changes.clone()].concat();
        now(panos.apply(&tagged)).unwrap();
        panos.transport_mut().sent.iter().filter(|sent| sent.contains("<audit-comment>")).count()
    };
    assert_eq!(comments(|_| {}), 20);
    // Who does not take the first is not asked to take another.
    assert_eq!(comments(|firewall| firewall.set_role("fwsync", Role::Custom([Right::Config].into()))), 1);
}

#[test]
fn a_refused_transaction_changes_nothing_and_names_the_culprit() {
    let mut panos = panos(|_| {});
    let before = now(panos.observe()).unwrap();
    let mut changes = changes();
    changes.push(Change::Put(rule("i-1-3", WrittenService::Any, "no-such-app", 1), Position::InPlace));
    let failure = now(panos.apply(&changes)).unwrap_err();
    let text = failure.what.to_string();
    assert!(
        text.starts_with("the firewall refuses: ") && text.contains("no-such-app") && text.contains("~ i-1-3"),
        "{text}"
    );
    assert_eq!(now(panos.observe()).unwrap(), before);
    assert_eq!(now(panos.apply(&[])), Ok(()));
}

#[test]
fn a_commit_that_fails_is_remembered_by_the_firewall() {
    let mut panos = panos(|firewall| firewall.fail_next_job(["rulebase\n  is invalid"]));
    now(panos.observe()).unwrap();
    now(panos.apply(&changes())).unwrap();
    let Committed::Job(job) = now(panos.commit(&note())).unwrap() else { panic!("nothing to commit") };
    advance(&mut panos, 100);
    assert_eq!(now(panos.poll(job)), Ok(JobState::Failed(vec!["rulebase is invalid".to_owned()])));
    let seen = now(panos.observe()).unwrap();
    assert_eq!(seen.failed_commits.iter().map(|failed| failed.digest).collect::<Vec<_>>(), [Digest(0xabc)]);
    assert_eq!(seen.failed_commits[0].age, Duration::from_secs(70));
    let Committed::Job(_) = now(panos.commit(&note())).unwrap() else { panic!("nothing to commit") };
    advance(&mut panos, 100);
    assert_eq!(now(panos.observe()).unwrap().failed_commits, []);
}

/// While a job is under way ours would wait behind it, and what others save meanwhile would go along.
#[test]
fn everything_is_committed_only_when_all_jobs_have_ended() {
    let mut panos = panos(|_| {});
    now(panos.observe()).unwrap();
    now(panos.apply(&changes())).unwrap();
    let transport = panos.transport_mut();
    let validate = [("type", "op"), ("cmd", "<validate><full></full></validate>")];
    let answer = transport.firewall.as_admin("admin", &validate, transport.now);
    assert!(answer.text().contains("success"), "{}", answer.text());
    let busy = Trouble::Busy("job 1 (Validate of `admin`) has not ended".to_owned());
    assert_eq!(now(panos.commit_all(&note())), Err(busy.transient()));
    advance(&mut panos, 60);
    assert_eq!(now(panos.commit_all(&note())), Ok(Committed::Job(JobId(2))));
}

/// Whether anything is anybody else's, and whether a job is under way, is known or nothing is committed.
#[test]
fn nothing_is_committed_as_a_whole_while_a_question_is_open() {
    for question in ["<jobs>", "<changes>"] {
        let mut panos = panos(|_| {});
        now(panos.observe()).unwrap();
        now(panos.apply(&changes())).unwrap();
        panos.transport_mut().silent_on = Some(question);
        let sent = panos.transport_mut().sent.len();
        assert_eq!(now(panos.commit_all(&note())), Err(Trouble::NoAnswer.transient()), "{question}");
        let since = &panos.transport_mut().sent[sent..];
        assert!(since.iter().any(|sent| sent.contains(question)), "{question} was not asked: {since:?}");
        assert!(!since.iter().any(|sent| sent.starts_with("commit")), "{since:?}");
        panos.transport_mut().silent_on = None;
        assert!(matches!(now(panos.commit_all(&note())), Ok(Committed::Job(_))), "{question}");
    }
}

/// After a key was replaced in the middle of a run nobody has said yet whose the new one is.
#[test]
fn a_commit_asks_whose_key_it_is_if_nobody_knows() {
    let mut panos = panos(|_| {});
    now(panos.apply(&changes())).unwrap();
    assert_eq!(now(panos.commit(&note())), Ok(Committed::Job(JobId(1))));
    let asked = |panos: &mut Panos<Memory>| {
        panos.transport_mut().sent.iter().filter(|sent| sent.contains("<show><admins>")).count()
    };
    assert_eq!(asked(&mut panos), 1);
    now(panos.observe()).unwrap();
    assert_eq!(asked(&mut panos), 1);
}

#[test]
fn what_keeps_us_from_writing_is_told_before_anything_is_written() {
    let failure = |prepare: fn(&mut Firewall)| now(panos(prepare).observe()).unwrap_err().what;
    assert_eq!(failure(|firewall| firewall.settings.ha = Ha::pair("passive")), Trouble::Passive("passive".into()));
    assert_eq!(failure(|firewall| firewall.settings.version = "9.1.3".into()), Trouble::TooOld("9.1.3".into()));
    assert_eq!(failure(|firewall| firewall.expire_keys()), Trouble::KeyRefused);
    let only_config = |firewall: &mut Firewall| firewall.set_role("fwsync", Role::Custom([Right::Config].into()));
    assert!(matches!(failure(only_config), Trouble::RoleLacks(text) if text.contains("[op]")));
}

#[test]
fn a_firewall_without_transactions_or_under_a_lock_says_so() {
    let mut old = panos(|firewall| firewall.settings.multi_config = MultiConfig::Off);
    now(old.observe()).unwrap();
    assert_eq!(now(old.apply(&changes())).unwrap_err(), Trouble::TooOld("10.2.9".into()).permanent());

    let mut locked = panos(|firewall| {
        let command = "<request><config-lock><add><comment>mine</comment></add></config-lock></request>";
        firewall.as_admin("admin", &[("type", "op"), ("cmd", command)], Moment::default());
    });
    now(locked.observe()).unwrap();
    let failure = now(locked.apply(&changes())).unwrap_err();
    assert!(matches!(&failure, Failure { what: Trouble::Locked(text), .. } if text.contains("admin")), "{failure:?}");

    let mut standby = panos(|_| {});
    now(standby.observe()).unwrap();
    standby.transport_mut().firewall.settings.ha = Ha::pair("passive");
    assert_eq!(now(standby.apply(&changes())).unwrap_err(), Trouble::Passive("passive".into()).permanent());
}

#[test]
fn a_virtual_system_that_does_not_exist_is_named() {
    let memory = Memory {
        firewall: Firewall::new(),
        key: String::new(),
        now: Moment::default(),
        sent: Vec::new(),
        instead: None,
        silent_on: None,
        unmarked: false,
        after: None,
    };
    let key = memory.firewall.key_of("admin").unwrap();
    let account = Account { vsys: "vsys9".parse().unwrap(), admin: None, owner: "aws".parse().unwrap() };
    let failure = now(Panos::new(Memory { key, ..memory }, account).observe()).unwrap_err();
    assert_eq!(failure.what, Trouble::Refused("virtual system `vsys9` does not exist: set `firewall.vsys`".into()));
}
