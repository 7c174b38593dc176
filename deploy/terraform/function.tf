# The function.

locals {
  # What is null or empty is not set.
  given = { for name, value in local.settings : name => value if value != null && value != "" }

  settings = {
    DRAWBRIDGE_MODE                          = var.mode
    DRAWBRIDGE_GATEWAYS                      = join(",", var.gateways)
    DRAWBRIDGE_FIREWALL_HOSTNAME             = join(",", var.firewall_hostname)
    DRAWBRIDGE_FIREWALL_API_KEY_SECRET_ARN   = var.firewall_api_key_secret_arn
    DRAWBRIDGE_FIREWALL_ADMIN                = var.firewall_admin
    DRAWBRIDGE_FIREWALL_VSYS                 = var.firewall_vsys
    DRAWBRIDGE_FIREWALL_CA_FILE              = var.firewall_ca_file
    DRAWBRIDGE_FIREWALL_FINGERPRINT          = join(",", var.firewall_fingerprint)
    DRAWBRIDGE_FIREWALL_VERIFY               = tostring(var.firewall_verify)
    DRAWBRIDGE_FIREWALL_INSTANCES            = join(",", var.firewall_instances)
    DRAWBRIDGE_POLICY_OWNER                  = var.policy_owner
    DRAWBRIDGE_POLICY_BOTTOM_RULE            = var.policy_bottom_rule
    DRAWBRIDGE_POLICY_UNTRUST_ZONE           = var.policy_untrust_zone
    DRAWBRIDGE_POLICY_TRUST_ZONE             = var.policy_trust_zone
    DRAWBRIDGE_POLICY_SECURITY_PROFILE_GROUP = var.policy_security_profile_group
    DRAWBRIDGE_POLICY_LOG_SETTING            = var.policy_log_setting
    DRAWBRIDGE_POLICY_APPLICATIONS           = var.policy_applications
    DRAWBRIDGE_POLICY_ICMP                   = var.policy_icmp
    DRAWBRIDGE_SERVICES                      = join(",", [for port, application in var.services : "${port}=${application}"])
    DRAWBRIDGE_INTERFACES                    = var.interfaces
    DRAWBRIDGE_SCOPE_VPCS                    = join(",", var.scope_vpcs)
    DRAWBRIDGE_SCOPE_SUBNETS                 = join(",", var.scope_subnets)
    DRAWBRIDGE_SCOPE_INSTANCE_TAGS           = join(",", var.scope_instance_tags)
    DRAWBRIDGE_DIRECTIONS                    = join(",", var.directions)
    DRAWBRIDGE_EGRESS_ALLOW_ALL              = tostring(var.egress_allow_all)
    DRAWBRIDGE_DESTINATION                   = var.destination
    DRAWBRIDGE_NEVER_OPEN                    = join(",", var.never_open)
    DRAWBRIDGE_INTERNAL_CIDRS                = join(",", var.internal_cidrs)
    DRAWBRIDGE_LIMITS_ADDITIONS              = tostring(var.limits_additions)
    DRAWBRIDGE_LIMITS_ADDITIONS_PERCENT      = tostring(var.limits_additions_percent)
    DRAWBRIDGE_LIMITS_REMOVALS               = tostring(var.limits_removals)
    DRAWBRIDGE_LIMITS_REMOVALS_PERCENT       = tostring(var.limits_removals_percent)
    DRAWBRIDGE_TIMING_SETTLE                 = var.timing_settle
    DRAWBRIDGE_TIMING_CONFIRM_EMPTY          = var.timing_confirm_empty
    DRAWBRIDGE_TIMING_POLL                   = var.timing_poll
    DRAWBRIDGE_TIMING_RESERVE                = var.timing_reserve
    DRAWBRIDGE_TIMING_READ                   = var.timing_read
    DRAWBRIDGE_TIMING_WRITE                  = var.timing_write
    DRAWBRIDGE_AWS_LOG_SIZE_MAX              = var.aws_log_size_max
    DRAWBRIDGE_LOG                           = var.log_level
  }
}

resource "aws_lambda_function" "drawbridge" {
  count = local.on_lambda ? 1 : 0

  function_name    = var.name
  description      = "Keeps a firewall's rules in step with security groups"
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  filename         = local.package
  source_code_hash = try(filebase64sha256(local.package), null)
  role             = aws_iam_role.function[0].arn
  memory_size      = var.memory_size

  # A look takes seconds and a commit a few minutes at most; one that takes longer is waited for by the next run. Longer than
  # this would keep a failed batch, and the message group with it, longer in the queue: see visibility_timeout_seconds.
  timeout = 300

  # One writer for a firewall. The message group sees to that as well, but not when somebody invokes the function by hand.
  reserved_concurrent_executions = var.reserve_concurrency ? 1 : -1

  environment {
    variables = local.given
  }

  logging_config {
    log_group  = aws_cloudwatch_log_group.function[0].name
    log_format = "Text" # lines are JSON already; Lambda would filter and wrap them
  }

  dynamic "vpc_config" {
    for_each = local.in_vpc ? [1] : []
    content {
      subnet_ids         = var.subnet_ids
      security_group_ids = var.security_group_ids
    }
  }

  lifecycle {
    precondition {
      condition     = local.package != null
      error_message = "Set `package` to the zip that deploy/build.sh makes."
    }

    precondition {
      condition     = (length(var.subnet_ids) > 0) == (length(var.security_group_ids) > 0)
      error_message = "Set both `subnet_ids` and `security_group_ids`, or neither."
    }
  }

  # Without its rights the function cannot be put into a VPC.
  depends_on = [aws_iam_role_policy.platform, aws_iam_role_policy_attachment.access]
}

resource "aws_lambda_event_source_mapping" "queue" {
  count = local.on_lambda ? 1 : 0

  event_source_arn = aws_sqs_queue.queue.arn
  function_name    = aws_lambda_function.drawbridge[0].arn
  batch_size       = 10 # the most for a FIFO queue, which has no batching window either: `settle` gathers a burst
}

resource "aws_cloudwatch_log_group" "function" {
  count = local.on_lambda ? 1 : 0

  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
}
