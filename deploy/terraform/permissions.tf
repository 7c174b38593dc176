# What it may do.

# What the program itself asks of AWS, wherever it runs: it reads. No statement here can change anything in AWS.
data "aws_iam_policy_document" "access" {
  statement {
    sid    = "Inventory"
    effect = "Allow"
    actions = [
      "ec2:DescribeInstances",         # which are on, their tags
      "ec2:DescribeNetworkInterfaces", # addresses, groups, subnets
      "ec2:DescribeRouteTables",       # whose traffic goes through the firewall
      "ec2:DescribeSecurityGroups",    # what is wanted
      "ec2:DescribeSubnets",           # which VPC and route table
      "ec2:DescribeVpcs",              # what counts as inside
    ]
    resources = ["*"] # EC2 takes nothing narrower for these

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.region]
    }
  }

  statement {
    sid    = "PrefixLists"
    effect = "Allow"
    actions = [
      "ec2:GetManagedPrefixListEntries", # what a permission for a prefix list means
    ]
    resources = ["arn:${local.partition}:ec2:${local.region}:*:prefix-list/*"] # AWS's own and shared ones, too
  }

  statement {
    sid    = "FirewallKey"
    effect = "Allow"
    actions = [
      "secretsmanager:GetSecretValue", # the API key
    ]
    resources = [var.firewall_api_key_secret_arn]
  }

  dynamic "statement" {
    for_each = local.firewall_api_key_kms_key_arn == null ? [] : [1]
    content {
      sid    = "FirewallKeyDecryption"
      effect = "Allow"
      actions = [
        "kms:Decrypt", # Secrets Manager decrypts with the caller's rights
      ]
      resources = [local.firewall_api_key_kms_key_arn]

      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = ["secretsmanager.*.${local.suffix}"]
      }
    }
  }

  dynamic "statement" {
    for_each = local.has_trail ? [1] : []
    content {
      sid    = "TrailFiles"
      effect = "Allow"
      actions = [
        "s3:GetObject",        # what happened, to name rules after
        "s3:GetObjectVersion", # the same, where the bucket keeps versions and the event names one
      ]
      resources = ["arn:${local.partition}:s3:::${local.trail_bucket}/${var.trail_prefix}AWSLogs/*/CloudTrail/${local.region}/*"]
    }
  }

  dynamic "statement" {
    for_each = local.has_trail && local.trail_kms_key_arn != null ? [1] : []
    content {
      sid    = "TrailDecryption"
      effect = "Allow"
      actions = [
        "kms:Decrypt", # S3 decrypts with the caller's rights
      ]
      resources = [local.trail_kms_key_arn]

      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = ["s3.*.${local.suffix}"]
      }
    }
  }
}

# The name of a policy is one of the whole account. The region is in it, because another region may have the same `name`.
resource "aws_iam_policy" "access" {
  name        = "${var.name}-access-${local.region}"
  description = "What Drawbridge reads"
  policy      = data.aws_iam_policy_document.access.json
}

# What a host asks for besides, because nobody polls for it.
data "aws_iam_policy_document" "host" {
  statement {
    sid    = "HostQueue"
    effect = "Allow"
    actions = [
      "sqs:ReceiveMessage",          # the long poll
      "sqs:DeleteMessage",           # after a run that succeeded
      "sqs:ChangeMessageVisibility", # while a run takes longer, or to have it back soon
      "sqs:GetQueueAttributes",      # doctor looks at what is in it
    ]
    resources = [aws_sqs_queue.queue.arn]
  }

  dynamic "statement" {
    for_each = local.has_trail ? [1] : []
    content {
      sid    = "HostTrail"
      effect = "Allow"
      actions = [
        "s3:ListBucket", # the files that have come
      ]
      resources = ["arn:${local.partition}:s3:::${local.trail_bucket}"]

      condition {
        test     = "StringLike"
        variable = "s3:prefix"
        values   = ["${var.trail_prefix}AWSLogs/*"]
      }
    }
  }
}

resource "aws_iam_policy" "host" {
  count = local.on_lambda ? 0 : 1

  name        = "${var.name}-host-${local.region}"
  description = "How drawbridge watch is woken"
  policy      = data.aws_iam_policy_document.host.json
}

# What Lambda does in the function's name.
data "aws_iam_policy_document" "platform" {
  statement {
    sid    = "Logs"
    effect = "Allow"
    actions = [
      "logs:CreateLogStream", # one for each execution environment
      "logs:PutLogEvents",    # lines, and the metrics in them
    ]
    resources = [for group in aws_cloudwatch_log_group.function : "${group.arn}:*"] # its streams
  }

  statement {
    sid    = "Queue"
    effect = "Allow"
    actions = [
      "sqs:ReceiveMessage",     # Lambda polls
      "sqs:DeleteMessage",      # a batch whose run succeeded
      "sqs:GetQueueAttributes", # Lambda asks how long it may keep a message
    ]
    resources = [aws_sqs_queue.queue.arn]
  }

  dynamic "statement" {
    for_each = local.in_vpc ? [1] : []
    content {
      sid    = "Network"
      effect = "Allow"
      actions = [
        "ec2:CreateNetworkInterface",     # Lambda puts the function into the subnets
        "ec2:DeleteNetworkInterface",     # and takes it out again
        "ec2:DescribeNetworkInterfaces",  # waits for it to be there
        "ec2:DescribeSubnets",            # checks what it was given
        "ec2:AssignPrivateIpAddresses",   # part of AWS's own list for functions in a VPC
        "ec2:UnassignPrivateIpAddresses", # the same
      ]
      resources = ["*"] # interfaces that do not exist yet have no ARN
    }
  }

  dynamic "statement" {
    for_each = local.in_vpc ? [1] : []
    content {
      sid    = "NetworkIsForLambda"
      effect = "Deny"
      actions = [
        "ec2:CreateNetworkInterface",     # the code of the function never does
        "ec2:DeleteNetworkInterface",     # the same
        "ec2:AssignPrivateIpAddresses",   # the same
        "ec2:UnassignPrivateIpAddresses", # the same
      ]
      resources = ["*"]

      condition {
        test     = "ArnLike"
        variable = "lambda:SourceFunctionArn"
        values   = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}"]
      }
    }
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    effect  = "Allow"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  count = local.on_lambda ? 1 : 0

  name               = "${var.name}-${local.region}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "platform" {
  count = local.on_lambda ? 1 : 0

  name   = "platform"
  role   = aws_iam_role.function[0].id
  policy = data.aws_iam_policy_document.platform.json
}

resource "aws_iam_role_policy_attachment" "access" {
  count = local.on_lambda ? 1 : 0

  role       = aws_iam_role.function[0].name
  policy_arn = aws_iam_policy.access.arn
}
