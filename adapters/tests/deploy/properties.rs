//! Properties that decide how a deployment behaves: what each must say, in the template and in the module.

use crate::text::{below, remark, sam, terraform};

const QUEUE: &str = r#"resource "aws_sqs_queue" "queue" {"#;
const DEAD_LETTERS: &str = r#"resource "aws_sqs_queue" "dead_letters" {"#;
const FUNCTION: &str = r#"resource "aws_lambda_function" "drawbridge" {"#;

/// The line below which a property stands, the property, and what it says.
type Says = [&'static str; 3];

/// What the template says, and what a file of the module says in its place.
const EXPECTED: &[(Says, &str, Says)] = &[
    // A message group is one batch at a time in a FIFO queue alone. That takes no message without an id, unless its content is one.
    (["  Queue:", "FifoQueue", "true"], "queue", [QUEUE, "fifo_queue", "true"]),
    (["  Queue:", "ContentBasedDeduplication", "true"], "queue", [QUEUE, "content_based_deduplication", "true"]),
    (["  DeadLetters:", "FifoQueue", "true"], "queue", [DEAD_LETTERS, "fifo_queue", "true"]),
    (
        ["  Function:", "BatchSize", "10"],
        "function",
        [r#"resource "aws_lambda_event_source_mapping" "queue" {"#, "batch_size", "10"],
    ),
    // One run at a time, also when somebody invokes the function by hand. To Terraform, -1 is no reservation.
    (
        ["  Function:", "ReservedConcurrentExecutions", "!If [Reserved, 1, !Ref AWS::NoValue]"],
        "function",
        [FUNCTION, "reserved_concurrent_executions", "var.reserve_concurrency ? 1 : -1"],
    ),
    (
        ["  ReserveConcurrency:", "Default", r#""true""#],
        "variables",
        [r#"variable "reserve_concurrency" {"#, "default", "true"],
    ),
    // In the subnets that are given, and outside any VPC where none is.
    (["  Function:", "VpcConfig", "!If"], "function", [FUNCTION, "for_each", "local.in_vpc ? [1] : []"]),
    (["  Function:", "- SubnetIds", "!Ref SubnetIds"], "function", [FUNCTION, "subnet_ids", "var.subnet_ids"]),
    (
        ["  Function:", "SecurityGroupIds", "!Ref SecurityGroupIds"],
        "function",
        [FUNCTION, "security_group_ids", "var.security_group_ids"],
    ),
    (
        ["Conditions:", "InVpc", r#"!And [!Condition OnLambda, !Not [!Equals [!Join ["", !Ref SubnetIds], ""]]]"#],
        "main",
        ["locals {", "in_vpc", "local.on_lambda && length(var.subnet_ids) > 0"],
    ),
    // Who opened what and why is kept for a year.
    (
        ["  Logs:", "RetentionInDays", "!Ref LogRetentionDays"],
        "function",
        [r#"resource "aws_cloudwatch_log_group" "function" {"#, "retention_in_days", "var.log_retention_days"],
    ),
    (["  LogRetentionDays:", "Default", "365"], "variables", [r#"variable "log_retention_days" {"#, "default", "365"]),
    // Silence is an alarm where looks are counted, and none where troubles are.
    (["  NoLookAlarm:", "TreatMissingData", "breaching"], "alarms", ["    no-look = {", "missing", r#""breaching""#]),
    (
        ["  RefusalsAlarm:", "TreatMissingData", "notBreaching"],
        "alarms",
        ["    refusals = {", "missing", r#""notBreaching""#],
    ),
    (
        ["  CommitsFailedAlarm:", "TreatMissingData", "notBreaching"],
        "alarms",
        ["    commits-failed = {", "missing", r#""notBreaching""#],
    ),
    (
        ["  DeadLettersAlarm:", "TreatMissingData", "notBreaching"],
        "alarms",
        [r#"resource "aws_cloudwatch_metric_alarm" "dead_letters" {"#, "treat_missing_data", r#""notBreaching""#],
    ),
    // More than two schedules, so that one look that is late, or fails, is no alarm.
    (["  NoLookAlarm:", "Period", "60"], "alarms", ["    no-look = {", "period", "60"]),
    (
        ["  NoLookAlarm:", "EvaluationPeriods", "!Ref AlarmMinutes"],
        "alarms",
        ["    no-look = {", "periods", "var.alarm_minutes"],
    ),
    (
        ["  AlarmMinutes:", "MinValue", "11"],
        "variables",
        [r#"variable "alarm_minutes" {"#, "condition", "var.alarm_minutes >= 11 && var.alarm_minutes <= 1440"],
    ),
    (
        ["  Schedule:", "Default", "rate(5 minutes)"],
        "variables",
        [r#"variable "schedule" {"#, "default", r#""rate(5 minutes)""#],
    ),
    // An ARN without the six characters at its end is that of no secret, and a policy for it allows nothing.
    (
        [
            "  FirewallApiKeySecretArn:",
            "AllowedPattern",
            r#""^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+-[A-Za-z0-9]{6}$""#,
        ],
        "settings",
        [
            r#"variable "firewall_api_key_secret_arn" {"#,
            "condition",
            r#"can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+-[A-Za-z0-9]{6}$", var.firewall_api_key_secret_arn))"#,
        ],
    ),
    // A dashboard's name is one of the whole account.
    (
        ["  Dashboard:", "DashboardName", r#"!Sub "${AWS::StackName}-${AWS::Region}""#],
        "alarms",
        [r#"resource "aws_cloudwatch_dashboard" "drawbridge" {"#, "dashboard_name", r#""${var.name}-${local.region}""#],
    ),
];

/// What the property says, each time that it stands below the line.
#[track_caller]
fn values(text: &str, head: &str, property: &str) -> Vec<String> {
    let value = |line: &str| {
        let (label, value) = remark(line).0.split_once([':', '='])?;
        (label.trim() == property).then(|| value.trim().to_owned())
    };
    below(text, head).into_iter().filter_map(value).collect()
}

#[test]
fn template_and_module_say_what_they_must() {
    let template = sam();
    for (of_sam, file, of_terraform) in EXPECTED {
        let module = terraform(file);
        for (text, [head, property, says]) in [(&template, of_sam), (&module, of_terraform)] {
            assert_eq!(values(text, head, property), [*says], "`{property}` below `{head}`");
        }
    }
}

/// One run serves all messages of a batch, so that they succeed or fail together: who names those that failed gets the others
/// deleted (`drawbridge::lambda`).
#[test]
fn a_batch_fails_as_a_whole() {
    assert!(!sam().contains("FunctionResponseTypes"));
    assert!(!terraform("function").contains("function_response_types"));
}

/// Lambda takes no subnet without a group, and says so when everything else has been made.
#[test]
fn subnets_and_groups_are_given_together() {
    let template = sam();
    let rules = [
        ("SubnetsHaveGroups", "SubnetIds", "SecurityGroupIds"),
        ("GroupsHaveSubnets", "SecurityGroupIds", "SubnetIds"),
    ];
    for (rule, one, other) in rules {
        let head = format!("  {rule}:");
        let is_given = |list: &str| format!("!Not [\"Fn::EachMemberEquals\": [!Ref {list}, \"\"]]");
        assert_eq!(values(&template, &head, "RuleCondition"), [is_given(one)]);
        assert_eq!(values(&template, &head, "- Assert"), [is_given(other)]);
    }
    let both_or_neither = "(length(var.subnet_ids) > 0) == (length(var.security_group_ids) > 0)".to_owned();
    assert!(values(&terraform("function"), FUNCTION, "condition").contains(&both_or_neither));
}

/// The same name in another region of the account must not be in the way. CloudFormation makes names up where none is given.
#[test]
fn names_of_the_whole_account_have_the_region_in_them() {
    for property in ["ManagedPolicyName", "RoleName"] {
        assert!(!sam().contains(property), "{property}");
    }
    let module = terraform("permissions");
    let named = |kind: &str, name: &str| values(&module, &format!("resource \"{kind}\" \"{name}\" {{"), "name");
    assert_eq!(named("aws_iam_policy", "access"), [r#""${var.name}-access-${local.region}""#]);
    assert_eq!(named("aws_iam_policy", "host"), [r#""${var.name}-host-${local.region}""#]);
    assert_eq!(named("aws_iam_role", "function"), [r#""${var.name}-${local.region}""#]);
}

/// Only `main.tf` asks the variables that may be empty, so that an empty text is as good as none everywhere.
#[test]
fn what_is_empty_is_not_set_in_the_module() {
    let names = ["package", "firewall_api_key_kms_key_arn", "trail_bucket", "trail_kms_key_arn", "alarm_topic_arn"];
    assert_eq!(terraform("variables").matches("= null").count(), names.len());
    for name in names {
        let normalised = format!("var.{name} == \"\" ? null : var.{name}");
        assert_eq!(values(&terraform("main"), "locals {", name), [normalised]);
        for file in ["alarms", "events", "function", "outputs", "permissions", "queue"] {
            assert!(!terraform(file).contains(&format!("var.{name}")), "{file}: {name}");
        }
    }
}
