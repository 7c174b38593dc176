//! The calls to AWS in the source of the program.

use std::{collections::BTreeSet, fs, path::Path};

use crate::text::{pascal, repository};

/// Verbs with which the operations of AWS begin.
const VERBS: &[&str] = &[
    "abort",
    "accept",
    "add",
    "allocate",
    "assign",
    "associate",
    "assume",
    "attach",
    "authorize",
    "batch",
    "cancel",
    "change",
    "complete",
    "copy",
    "create",
    "decrypt",
    "delete",
    "deregister",
    "describe",
    "detach",
    "disable",
    "disassociate",
    "enable",
    "encrypt",
    "export",
    "get",
    "head",
    "import",
    "list",
    "modify",
    "publish",
    "purge",
    "put",
    "receive",
    "register",
    "release",
    "replace",
    "reset",
    "restore",
    "revoke",
    "run",
    "select",
    "send",
    "set",
    "simulate",
    "start",
    "stop",
    "tag",
    "terminate",
    "unassign",
    "untag",
    "update",
    "upload",
];

/// Methods that look like operations and are none.
const NO_OPERATIONS: &[&str] = &["get_mut", "get_ref", "send"];

/// Calls that everybody may make.
const FREE: &[&str] = &["sts:GetCallerIdentity"];

/// What the names of SQS's operations begin with on the wire (API reference of SQS).
const SQS: &str = "AmazonSQS.";

/// The actions that the calls need.
pub(crate) fn actions() -> BTreeSet<String> {
    let mut actions = BTreeSet::new();
    each_source(&repository("adapters/src"), &mut |path, source| {
        let services = services_in(source);
        actions.extend(messages_in(source).into_iter().map(|operation| format!("sqs:{operation}")));
        for operation in operations_in(source) {
            let [service] = &services[..] else { panic!("{path:?}: of which service is {operation}? {services:?}") };
            let action = format!("{service}:{operation}");
            match action.as_str() {
                // Named after what it lists (Service Authorization Reference, Amazon S3).
                "s3:ListObjectsV2" => actions.extend(["s3:ListBucket".to_owned()]),
                // With a version's id it is another action.
                "s3:GetObject" => actions.extend([action, "s3:GetObjectVersion".to_owned()]),
                free if FREE.contains(&free) => {}
                _ => drop(actions.insert(action)),
            }
        }
    });
    assert!(actions.len() > 5, "{actions:?}");
    actions
}

/// The services that the code uses at all.
pub(crate) fn services() -> BTreeSet<String> {
    let mut services = BTreeSet::new();
    each_source(&repository("adapters/src"), &mut |_, source| {
        services.extend(services_in(source));
        services.extend(source.contains(SQS).then(|| "sqs".to_owned()));
    });
    services
}

/// All of the program.
pub(crate) fn source() -> String {
    let mut whole = String::new();
    each_source(&repository("adapters/src"), &mut |_, source| whole.push_str(source));
    whole
}

/// Hands over every source file, without its tests.
fn each_source(directory: &Path, visit: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_source(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            let source = fs::read_to_string(&path).unwrap();
            let program = source.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
            visit(&path, program);
        }
    }
}

/// The services whose clients a source names; of one that gets its client from elsewhere, those that it mentions.
fn services_in(source: &str) -> Vec<String> {
    let mentions: Vec<_> = source.split("aws_sdk_").skip(1).collect();
    let named: Vec<_> = mentions.iter().copied().filter(|rest| rest.contains("Client")).collect();
    let services = if named.is_empty() { mentions } else { named };
    let name = |rest: &str| rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    services.into_iter().map(name).collect::<BTreeSet<String>>().into_iter().collect()
}

/// Operations of SQS, where a source speaks to it without the SDK: by name.
fn messages_in(source: &str) -> BTreeSet<String> {
    let operations = source.split(".call(\"").skip(1).filter_map(|rest| rest.split('"').next());
    if source.contains(SQS) { operations.map(str::to_owned).collect() } else { BTreeSet::new() }
}

/// Operations that are begun: a method without arguments whose name begins with a verb, in a source that uses the SDK.
fn operations_in(source: &str) -> BTreeSet<String> {
    if !source.contains("aws_sdk_") || !source.contains(".send()") {
        return BTreeSet::new();
    }
    let methods = source.split('.').skip(1).filter_map(|rest| {
        let name: String =
            rest.chars().take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_').collect();
        rest[name.len()..].starts_with("()").then_some(name)
    });
    let is_operation = |name: &String| {
        let verb = name.split('_').next().unwrap_or_default();
        name.contains('_') && VERBS.contains(&verb) && !NO_OPERATIONS.contains(&name.as_str())
    };
    methods.filter(is_operation).map(|name| pascal(&name)).collect()
}
