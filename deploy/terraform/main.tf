# Drawbridge keeps a Palo Alto firewall's security rules in step with AWS security groups.
#
# Wake-up calls of EventBridge go into one FIFO queue with one message group, and the function takes them in batches: one run at
# a time per firewall. `../sam` is the same as a SAM template; `adapters/tests/deploy` compares the two with each other and with
# the program. `../README.md` tells the metrics.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40"
    }
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  suffix    = data.aws_partition.current.dns_suffix
  region    = data.aws_region.current.name

  # What is empty is not set.
  package                      = var.package == "" ? null : var.package
  firewall_api_key_kms_key_arn = var.firewall_api_key_kms_key_arn == "" ? null : var.firewall_api_key_kms_key_arn
  trail_bucket                 = var.trail_bucket == "" ? null : var.trail_bucket
  trail_kms_key_arn            = var.trail_kms_key_arn == "" ? null : var.trail_kms_key_arn
  alarm_topic_arn              = var.alarm_topic_arn == "" ? null : var.alarm_topic_arn

  on_lambda = var.runner == "lambda"
  in_vpc    = local.on_lambda && length(var.subnet_ids) > 0
  has_trail = local.trail_bucket != null
  by_tag    = length(var.scope_instance_tags) > 0

  alarm_actions = local.alarm_topic_arn == null ? [] : [local.alarm_topic_arn]
}
