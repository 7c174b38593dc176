# What wakes it.

locals {
  patterns = {
    # Calls that can change what the firewall should allow. A call that failed has an `errorCode`. EventBridge hears of calls
    # only where a trail logs in this account and region.
    calls = {
      source = ["aws.ec2"]
      detail-type = [
        "AWS API Call via CloudTrail",
        "AWS Service Event via CloudTrail",
      ]
      detail = {
        eventSource = ["ec2.amazonaws.com"]
        errorCode   = [{ exists = false }]
        eventName = [
          # instances
          "RunInstances",
          "StartInstances",
          "StopInstances",
          "TerminateInstances",
          "BidEvictedEvent",
          # rules of security groups
          "AuthorizeSecurityGroupIngress",
          "AuthorizeSecurityGroupEgress",
          "RevokeSecurityGroupIngress",
          "RevokeSecurityGroupEgress",
          "ModifySecurityGroupRules",
          # which groups apply, and where
          "ModifyNetworkInterfaceAttribute",
          "ModifyInstanceAttribute",
          "AssociateSecurityGroupVpc",
          "DisassociateSecurityGroupVpc",
          # interfaces and their addresses
          "CreateNetworkInterface",
          "AttachNetworkInterface",
          "DetachNetworkInterface",
          "DeleteNetworkInterface",
          "AssignPrivateIpAddresses",
          "UnassignPrivateIpAddresses",
          "AssignIpv6Addresses",
          "UnassignIpv6Addresses",
          # routes, and what they lead to
          "CreateRoute",
          "ReplaceRoute",
          "DeleteRoute",
          "AssociateRouteTable",
          "DisassociateRouteTable",
          "ReplaceRouteTableAssociation",
          "EnableVgwRoutePropagation",
          "DisableVgwRoutePropagation",
          "EnableRouteServerPropagation",
          "DisableRouteServerPropagation",
          "DeleteVpcEndpoints",
          "DetachInternetGateway",
          # prefix lists, and what counts as inside
          "ModifyManagedPrefixList",
          "RestoreManagedPrefixListVersion",
          "DeleteManagedPrefixList",
          "AssociateVpcCidrBlock",
          "DisassociateVpcCidrBlock",
          "AssociateSubnetCidrBlock",
        ]
      }
    }

    # Tags are set all day long; they matter only where instances are chosen by them.
    tags = {
      source = ["aws.ec2"]
      detail-type = [
        "AWS API Call via CloudTrail",
      ]
      detail = {
        eventSource = ["ec2.amazonaws.com"]
        errorCode   = [{ exists = false }]
        eventName = [
          "CreateTags",
          "DeleteTags",
        ]
      }
    }

    # A shutdown from inside, a reclaimed Spot instance and a failed host have no call. `pending` comes with a call of its own.
    states = {
      source = ["aws.ec2"]
      detail-type = [
        "EC2 Instance State-change Notification",
      ]
      detail = {
        state = [
          "running",
          "stopping",
          "stopped",
          "shutting-down",
          "terminated",
        ]
      }
    }

    # S3 cannot notify a FIFO queue, but EventBridge can. The bucket must send its events there. A trail may be of all regions,
    # and each file would be read: those of other regions say nothing about what is looked at here.
    trail = {
      source = ["aws.s3"]
      detail-type = [
        "Object Created",
      ]
      detail = {
        bucket = { name = [coalesce(local.trail_bucket, "none")] }
        object = { key = [{ wildcard = "${var.trail_prefix}AWSLogs/*/CloudTrail/${local.region}/*.json.gz" }] }
      }
    }
  }

  descriptions = {
    calls  = "Successful EC2 calls that can change what the firewall should allow"
    tags   = "Tags that are set or removed"
    states = "Instances that start and stop"
    trail  = "Files that CloudTrail has written about this region"
  }

  rules = toset(concat(["calls", "states"], local.by_tag ? ["tags"] : [], local.has_trail ? ["trail"] : []))
}

resource "aws_cloudwatch_event_rule" "events" {
  for_each = local.rules

  name          = "${var.name}-${each.key}"
  description   = local.descriptions[each.key]
  event_pattern = jsonencode(local.patterns[each.key])
}

# A rule and not EventBridge Scheduler: its events differ by id and time. Scheduler would send the same text each time, of which
# the queue drops what comes twice within five minutes.
resource "aws_cloudwatch_event_rule" "schedule" {
  name                = "${var.name}-schedule"
  description         = "Looks without any event, because events can be lost"
  schedule_expression = var.schedule
}

resource "aws_cloudwatch_event_target" "queue" {
  for_each = merge(aws_cloudwatch_event_rule.events, { schedule = aws_cloudwatch_event_rule.schedule })

  rule      = each.value.name
  target_id = "queue"
  arn       = aws_sqs_queue.queue.arn

  sqs_target {
    message_group_id = "drawbridge"
  }
}
