//! What each statement of the policies is bound to, its resources and its condition: the same in template and module.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    events::RULES,
    text::{indentation, pascal, remark, sam, terraform},
};

/// What the template calls something, and what the module does.
const NAMES: &[(&str, &str)] = &[
    ("AWS::AccountId", "local.account"),
    ("AWS::Partition", "local.partition"),
    ("AWS::Region", "local.region"),
    ("AWS::StackName", "var.name"),
    ("AWS::URLSuffix", "local.suffix"),
    ("FirewallApiKeyKmsKeyArn", "local.firewall_api_key_kms_key_arn"),
    ("FirewallApiKeySecretArn", "var.firewall_api_key_secret_arn"),
    ("Queue.Arn", "aws_sqs_queue.queue.arn"),
    ("TrailBucket", "local.trail_bucket"),
    ("TrailKmsKeyArn", "local.trail_kms_key_arn"),
    ("TrailPrefix", "var.trail_prefix"),
];

/// The streams of the function's log. In the template the ARN of a log group ends with `:*` by itself.
const STREAMS: [&str; 2] = ["${Logs.Arn}", "[for group in aws_cloudwatch_log_group.function : \"${group.arn}:*\"]"];

/// All rules of EventBridge, as the module says it.
const ALL_RULES: &str =
    "concat(values(aws_cloudwatch_event_rule.events)[*].arn, [aws_cloudwatch_event_rule.schedule.arn])";

/// What a statement is bound to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Bounds {
    resources: BTreeSet<String>,
    /// How what is compared with what.
    condition: Option<(String, String, BTreeSet<String>)>,
}

type Statements = BTreeMap<String, Bounds>;

/// A value of the template, with the module's names in it.
fn of_sam(value: &str) -> String {
    let value = value.trim();
    let chosen = value.strip_prefix("!If [").and_then(|list| list.split(", ").nth(1));
    let value = chosen.unwrap_or(value);
    let reference = value.strip_prefix("!Ref ").or_else(|| value.strip_prefix("!GetAtt "));
    let value = match reference {
        Some(name) => format!("${{{name}}}"),
        None => value.trim_start_matches("!Sub ").trim_matches('"').to_owned(),
    };
    NAMES.iter().fold(value, |value, (name, other)| value.replace(&format!("${{{name}}}"), &format!("${{{other}}}")))
}

/// `StringLike: {"kms:ViaService": …}`, or the same in lines of their own.
fn condition_of_sam(lines: &[&str]) -> (String, String, BTreeSet<String>) {
    let (how, rest) = lines[0].split_once(':').unwrap();
    if let Some(pair) = rest.trim().strip_prefix('{').and_then(|pair| pair.strip_suffix('}')) {
        let (what, value) = pair.split_once(": ").unwrap();
        return (how.to_owned(), what.trim_matches('"').to_owned(), BTreeSet::from([of_sam(value)]));
    }
    let (what, values) = match lines[1].split_once(": ") {
        Some((what, value)) => (what, vec![value]),
        None => {
            (lines[1].trim_end_matches(':'), lines[2..].iter().map(|item| item.strip_prefix("- ").unwrap()).collect())
        }
    };
    (how.to_owned(), what.to_owned(), values.into_iter().map(of_sam).collect())
}

fn statements_of_sam() -> Statements {
    let template = sam();
    let lines: Vec<_> = template.lines().map(|line| remark(line).0).collect();
    let mut statements = Statements::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(sid) = line.trim().strip_prefix("- Sid: ") else { continue };
        let within = lines[index + 1..].iter().take_while(|other| indentation(other) > indentation(line));
        let within: Vec<_> = within.map(|line| line.trim()).collect();
        let resource = within.iter().find_map(|line| line.strip_prefix("Resource: "));
        let resource = resource.unwrap_or_else(|| panic!("{sid} has no resource"));
        let condition =
            within.iter().position(|line| *line == "Condition:").map(|at| condition_of_sam(&within[at + 1..]));
        statements.insert(sid.to_owned(), Bounds { resources: BTreeSet::from([of_sam(resource)]), condition });
    }
    statements
}

/// The values of a list in the module.
fn of_terraform(value: &str) -> BTreeSet<String> {
    if value == STREAMS[1] {
        return BTreeSet::from([STREAMS[0].to_owned()]);
    }
    if value == ALL_RULES {
        return RULES.iter().chain(&["schedule"]).map(|rule| format!("${{{}Rule.Arn}}", pascal(rule))).collect();
    }
    let list = value.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
    let [item] = &list.unwrap_or_else(|| panic!("no list: {value}")).split(", ").collect::<Vec<_>>()[..] else {
        panic!("not one value: {value}")
    };
    let quoted = item.strip_prefix('"').and_then(|item| item.strip_suffix('"'));
    BTreeSet::from([quoted.map_or_else(|| format!("${{{item}}}"), str::to_owned)])
}

fn statements_of_terraform() -> Statements {
    let mut statements = Statements::new();
    let mut sid = String::new();
    for line in (terraform("permissions") + &terraform("queue")).lines() {
        let Some((name, value)) = remark(line).0.trim().split_once('=') else { continue };
        let (name, value) = (name.trim(), value.trim());
        let text = || value.trim_matches('"').to_owned();
        let bounds = statements.entry(sid.clone()).or_default();
        match name {
            "sid" => sid = text(),
            "resources" => bounds.resources = of_terraform(value),
            "test" => bounds.condition = Some((text(), String::new(), BTreeSet::new())),
            "variable" => bounds.condition.as_mut().unwrap().1 = text(),
            "values" => bounds.condition.as_mut().unwrap().2 = of_terraform(value),
            _ => {}
        }
    }
    // What stands before the first statement, or is none.
    statements.retain(|_, bounds| !bounds.resources.is_empty());
    statements
}

#[test]
fn template_and_module_bind_every_statement_alike() {
    let (of_sam, of_terraform) = (statements_of_sam(), statements_of_terraform());
    assert!(
        of_sam.len() > 10 && of_sam.values().filter(|bounds| bounds.condition.is_some()).count() > 5,
        "{of_sam:#?}"
    );
    assert_eq!(of_sam.keys().collect::<Vec<_>>(), of_terraform.keys().collect::<Vec<_>>());
    for (sid, bounds) in &of_sam {
        assert_eq!(bounds, &of_terraform[sid], "{sid}");
    }
}

/// Everything is only for calls that AWS cannot bind to anything narrower.
#[test]
fn everything_is_said_where_nothing_narrower_can_be() {
    let all = statements_of_sam().into_iter().filter(|(_, bounds)| bounds.resources.contains("*")).map(|(sid, _)| sid);
    assert_eq!(all.collect::<Vec<_>>(), ["Inventory", "Network", "NetworkIsForLambda"]);
}
