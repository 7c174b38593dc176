//! What the policies allow, against each other and against what the code asks for.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    calls,
    text::{quoted, remark, sam, terraform},
};

/// Statements about what the program itself asks for.
const PROGRAM: &[&str] =
    &["Inventory", "PrefixLists", "FirewallKey", "FirewallKeyDecryption", "TrailFiles", "TrailDecryption"];

/// What it asks for on a host besides: there it fetches its wake-up calls itself.
const HOST: &[&str] = &["HostQueue", "HostTrail"];

/// What Lambda and EventBridge do in our name.
const PLATFORM: &[&str] = &["Logs", "Network", "NetworkIsForLambda", "Queue", "WakeUpCalls"];

/// What AWS does on behalf of a call of ours, and no line of code asks for.
const IMPLIED: &[&str] = &["kms:Decrypt"];

/// A statement's effect and actions.
type Statements = BTreeMap<String, (String, BTreeSet<String>)>;

/// Whether a text is an action.
fn is_action(text: &str) -> bool {
    text.split_once(':').is_some_and(|(service, action)| {
        service.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            && action.starts_with(|c: char| c.is_ascii_uppercase())
            && action.chars().all(char::is_alphanumeric)
    })
}

/// Notes the actions of a policy; each has its reason beside it.
#[derive(Default)]
struct Reader {
    sid: String,
    effect: String,
    statements: Statements,
}

impl Reader {
    fn add(&mut self, action: &str, reason: Option<&str>) {
        assert!(is_action(action), "no action: `{action}`");
        assert!(reason.is_some_and(|reason| reason.len() > 5), "{action} of {} has no reason", self.sid);
        let statement = self.statements.entry(self.sid.clone()).or_default();
        statement.0.clone_from(&self.effect);
        assert!(statement.1.insert(action.to_owned()), "{action} is there twice");
    }
}

fn statements_of_sam() -> Statements {
    let mut reader = Reader::default();
    for line in sam().lines() {
        let (line, reason) = remark(line);
        let line = line.trim();
        if let Some(sid) = line.strip_prefix("- Sid: ") {
            sid.clone_into(&mut reader.sid);
        } else if let Some(effect) = line.strip_prefix("Effect: ") {
            effect.clone_into(&mut reader.effect);
        } else if let Some(action) = line.strip_prefix("- ").filter(|item| is_action(item)) {
            reader.add(action, reason);
        }
        assert!(!line.contains("sts:AssumeRole") || line == "Action: sts:AssumeRole", "{line}");
    }
    reader.statements
}

fn statements_of_terraform() -> Statements {
    let mut reader = Reader::default();
    for line in (terraform("permissions") + &terraform("queue")).lines() {
        let (line, reason) = remark(line);
        match (line.trim().split_once(" = "), &quoted(line)[..]) {
            (Some(("sid   ", _)), [sid]) => (*sid).clone_into(&mut reader.sid),
            (Some(("effect", _)), [effect]) => (*effect).clone_into(&mut reader.effect),
            (None, [action]) if is_action(action) => reader.add(action, reason),
            _ => {}
        }
    }
    reader.statements
}

#[test]
fn template_and_module_allow_the_same_and_every_statement_is_known() {
    let of_sam = statements_of_sam();
    assert_eq!(of_sam, statements_of_terraform());
    let known: BTreeSet<_> = [PROGRAM, HOST, PLATFORM].concat().into_iter().map(str::to_owned).collect();
    assert_eq!(of_sam.keys().cloned().collect::<BTreeSet<_>>(), known);
}

/// All the actions that these statements allow.
fn allowed(sids: &[&str]) -> BTreeSet<String> {
    let statements = statements_of_sam();
    let actions = sids.iter().flat_map(|sid| {
        let (effect, actions) = &statements[*sid];
        assert_eq!(effect, "Allow", "{sid}");
        actions.clone()
    });
    actions.filter(|action| !IMPLIED.contains(&action.as_str())).collect()
}

/// Whether an action is one that only `watch` on a host needs.
fn is_of_watch(action: &String) -> bool {
    action.starts_with("sqs:") || action == "s3:ListBucket"
}

#[test]
fn what_the_code_asks_for_is_allowed_and_nothing_else() {
    let asked = calls::actions();
    let (of_watch, of_all): (BTreeSet<_>, BTreeSet<_>) = asked.into_iter().partition(is_of_watch);
    assert_eq!(allowed(PROGRAM), of_all);
    // Where the code knows no queue, nobody asks for what the policy of a host allows.
    if calls::services().contains("sqs") {
        assert_eq!(allowed(HOST), of_watch);
    } else {
        assert_eq!(of_watch, BTreeSet::new());
    }
}

#[test]
fn the_program_cannot_change_anything_in_aws() {
    for action in allowed(PROGRAM) {
        let verb = action.split_once(':').unwrap().1;
        assert!(["Describe", "Get"].iter().any(|reads| verb.starts_with(reads)), "{action}");
    }
}
