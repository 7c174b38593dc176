//! What wakes the function, and how its queue is set up.

use std::collections::{BTreeMap, BTreeSet};

use drawbridge_core::{
    config::Scope,
    event::{Event, EventKind},
};

use crate::text::{below, file, pascal, quoted, remark, sam, terraform};

/// The rules with a pattern, under the names that both give them.
pub(crate) const RULES: [&str; 4] = ["calls", "tags", "states", "trail"];

/// The calls of the rule `calls`: those that can change what the firewall should allow, and can be named. What is not here is
/// seen when the schedule looks.
#[rustfmt::skip]
const CALLS: [&str; 40] = [
    // Instances.
    "RunInstances", "StartInstances", "StopInstances", "TerminateInstances", "BidEvictedEvent",
    // Rules of security groups.
    "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress",
    "RevokeSecurityGroupEgress", "ModifySecurityGroupRules",
    // Which groups apply, and where.
    "ModifyNetworkInterfaceAttribute", "ModifyInstanceAttribute", "AssociateSecurityGroupVpc",
    "DisassociateSecurityGroupVpc",
    // Interfaces and their addresses.
    "CreateNetworkInterface", "AttachNetworkInterface", "DetachNetworkInterface", "DeleteNetworkInterface",
    "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses", "AssignIpv6Addresses", "UnassignIpv6Addresses",
    // Routes, and what they lead to.
    "CreateRoute", "ReplaceRoute", "DeleteRoute", "AssociateRouteTable", "DisassociateRouteTable",
    "ReplaceRouteTableAssociation", "EnableVgwRoutePropagation", "DisableVgwRoutePropagation",
    "EnableRouteServerPropagation", "DisableRouteServerPropagation", "DeleteVpcEndpoints", "DetachInternetGateway",
    // Prefix lists, and what counts as inside.
    "ModifyManagedPrefixList", "RestoreManagedPrefixListVersion", "DeleteManagedPrefixList", "AssociateVpcCidrBlock",
    "DisassociateVpcCidrBlock", "AssociateSubnetCidrBlock",
];

/// Those of them by which nobody can have a port opened.
const OPENING_NOTHING: [&str; 7] = [
    // EC2 says so itself; there is no such right.
    "BidEvictedEvent",
    // In the VPC that a group leaves, nothing carries it.
    "DisassociateSecurityGroupVpc",
    // A route to what is gone is a blackhole, for which nothing is added. The routes that a gateway endpoint takes along lead to
    // AWS's own services, and never decide where the internet is.
    "DeleteVpcEndpoints",
    "DetachInternetGateway",
    // No list is deleted that anything refers to.
    "DeleteManagedPrefixList",
    // More is inside than before, and nothing is opened to what is.
    "AssociateVpcCidrBlock",
    "AssociateSubnetCidrBlock",
];

/// EventBridge takes no longer pattern (quotas of EventBridge).
const PATTERN_MAX: usize = 2048;

/// The lists of a pattern, by the key above each.
type Pattern = BTreeMap<String, BTreeSet<String>>;

/// A rule's pattern in the template: lists stand in one line each, or with a line for each item.
fn pattern_of_sam(rule: &str) -> Pattern {
    let template = sam();
    let rule = below(&template, &format!("  {}Rule:", pascal(rule))).join("\n");
    let (mut pattern, mut key) = (Pattern::new(), String::new());
    for line in below(&rule, "      EventPattern:") {
        let line = remark(line).0.trim();
        if let Some(item) = line.strip_prefix("- ") {
            pattern.entry(key.clone()).or_default().insert(item.to_owned());
            continue;
        }
        let (label, value) = line.split_once(':').unwrap_or_else(|| panic!("no part of a pattern: `{line}`"));
        key = label.to_owned();
        match value.trim().strip_prefix('[').and_then(|value| value.strip_suffix(']')) {
            Some(item) => drop(pattern.entry(key.clone()).or_default().insert(item.to_owned())),
            None if value.is_empty() => {}
            None => drop(pattern.entry(key.clone()).or_default().insert(value.trim().to_owned())),
        }
    }
    pattern
}

/// The same in the module.
fn pattern_of_terraform(rule: &str) -> Pattern {
    let module = terraform("events");
    let (mut pattern, mut key) = (Pattern::new(), String::new());
    for line in below(&module, &format!("    {rule} = {{")) {
        let line = remark(line).0.trim();
        if let Some((label, value)) = line.split_once(" = ") {
            key = label.trim().to_owned();
            match value.strip_prefix('[').and_then(|value| value.strip_suffix(']')) {
                Some(item) => drop(pattern.entry(key.clone()).or_default().insert(item.trim_matches('"').to_owned())),
                None if ["[", "{"].contains(&value) => {}
                None => drop(pattern.entry(key.clone()).or_default().insert(value.to_owned())),
            }
        } else if let [item] = quoted(line)[..] {
            pattern.entry(key.clone()).or_default().insert(item.to_owned());
        } else {
            assert!(["]", "}"].contains(&line), "no part of a pattern: `{line}`");
        }
    }
    pattern
}

/// What is the same and written in two ways.
fn in_words_of_sam(pattern: Pattern) -> Pattern {
    let word = |item: String| match item.as_str() {
        "{ exists = false }" => "{exists: false}".to_owned(),
        "{ name = [coalesce(local.trail_bucket, \"none\")] }" => "{name: [!Ref TrailBucket]}".to_owned(),
        _ => item
            .replace("{ key = [{ wildcard = \"", "{key: [{wildcard: !Sub \"")
            .replace("var.trail_prefix", "TrailPrefix")
            .replace("local.region", "AWS::Region")
            .replace("\" }] }", "\"}]}"),
    };
    pattern.into_iter().map(|(key, items)| (key, items.into_iter().map(word).collect())).collect()
}

#[test]
fn template_and_module_listen_to_the_same_events() {
    for rule in RULES {
        let pattern = pattern_of_sam(rule);
        assert!(pattern.len() >= 2, "{rule}: {pattern:?}");
        assert_eq!(pattern, in_words_of_sam(pattern_of_terraform(rule)), "{rule}");
        let size: usize =
            pattern.iter().flat_map(|(key, items)| items.iter().map(move |item| key.len() + item.len())).sum();
        assert!(size < PATTERN_MAX, "{rule}");
    }
}

#[test]
fn calls_count_only_where_they_succeeded() {
    for rule in ["calls", "tags"] {
        let pattern = pattern_of_sam(rule);
        assert_eq!(pattern["errorCode"], BTreeSet::from(["{exists: false}".to_owned()]));
        assert_eq!(pattern["eventSource"], BTreeSet::from(["ec2.amazonaws.com".to_owned()]));
    }
}

fn event(name: &str) -> Event {
    Event {
        id: String::new(),
        name: name.to_owned(),
        principal: None,
        instances: BTreeSet::new(),
        groups: BTreeSet::new(),
        kind: EventKind::Call,
        at: None,
    }
}

/// A call that is no longer there is missed, and one that wakes for nothing costs money, and a look at everything.
#[test]
fn these_calls_wake_and_each_is_worth_a_look() {
    let calls = &pattern_of_sam("calls")["eventName"];
    let expected: BTreeSet<_> = CALLS.iter().map(ToString::to_string).collect();
    assert_eq!(*calls, expected);
    assert_eq!(expected.len(), CALLS.len(), "one is there twice");
    for name in calls {
        assert!(event(name).is_worth_a_look(&Scope::default()), "{name}");
    }
    for name in &pattern_of_sam("tags")["eventName"] {
        assert!(event(name).is_tagging(), "{name}");
    }
}

/// Whoever should not be able to have a port opened should have none of the rights that the document names.
#[test]
fn every_call_that_can_open_a_port_is_named_to_those_who_give_rights() {
    let document = file("docs/security.md");
    for call in CALLS {
        let is_named = document.contains(&format!("`{call}`"));
        assert_ne!(is_named, OPENING_NOTHING.contains(&call), "{call}");
    }
    assert!(OPENING_NOTHING.iter().all(|call| CALLS.contains(call)), "{OPENING_NOTHING:?}");
}

/// Every file that wakes is read, and those of other regions say nothing about what is looked at (keys: CloudTrail user guide,
/// `cloudtrail-find-log-files`).
#[test]
fn files_of_other_regions_do_not_wake() {
    let key = r#"{key: [{wildcard: !Sub "${TrailPrefix}AWSLogs/*/CloudTrail/${AWS::Region}/*.json.gz"}]}"#;
    assert_eq!(pattern_of_sam("trail")["object"], BTreeSet::from([key.to_owned()]));
}

/// The number that follows the word, in a line of its own; each stands there once.
#[track_caller]
fn number(text: &str, word: &str) -> u32 {
    let values: Vec<_> = text
        .lines()
        .filter_map(|line| remark(line).0.trim().strip_prefix(word))
        .filter_map(|rest| rest.trim_start_matches([':', '=', ' ']).parse().ok())
        .collect();
    let [value] = values[..] else { panic!("{word}: {values:?}") };
    value
}

#[test]
fn times_fit_each_other() {
    let template = sam();
    let timeout = number(&template, "Timeout");
    let visible = number(&template, "VisibilityTimeout");
    assert!(visible > timeout, "a batch must not be handed out while a run is at it");
    assert!(visible < 2 * timeout, "a batch whose run failed is tried again soon");
    assert!(number(&template, "maxReceiveCount") >= 5, "Lambda's guide asks for five");
    assert!(timeout <= 900, "Lambda's most");
    let queue = terraform("queue");
    assert_eq!(timeout, number(&terraform("function"), "timeout"));
    assert_eq!(visible, number(&queue, "visibility_timeout_seconds"));
    assert_eq!(number(&template, "BatchSize"), number(&terraform("function"), "batch_size"));
    assert_eq!(number(&template, "maxReceiveCount"), number(&queue, "maxReceiveCount"));
}

/// One group, and so one batch at a time: two writers would do each other's work twice.
#[test]
fn all_messages_are_of_one_group() {
    let groups = |text: &str, word: &str| text.matches(word).count();
    let template = sam();
    assert_eq!(groups(&template, "SqsParameters: {MessageGroupId: drawbridge}"), RULES.len() + 1);
    assert_eq!(groups(&template, "MessageGroupId"), RULES.len() + 1);
    let module = terraform("events");
    assert_eq!(groups(&module, "message_group_id = \"drawbridge\""), 1);
    assert_eq!(groups(&module, "resource \"aws_cloudwatch_event_target\""), 1);
}
