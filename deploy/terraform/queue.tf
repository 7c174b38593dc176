# The queue.

resource "aws_sqs_queue" "queue" {
  name                        = "${var.name}.fifo"
  fifo_queue                  = true
  content_based_deduplication = true # EventBridge sends no id of its own

  # Six times the function's timeout, as Lambda's guide asks: a batch that finds the function busy is tried again within this
  # time. A batch whose run failed comes back after it, and the message group waits for that.
  visibility_timeout_seconds = 1800
  message_retention_seconds  = 14400 # a wake-up call that is older tells nothing that the next look does not see
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5 # at least five, as Lambda's guide asks
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead.fifo" # of a FIFO queue it must be one, too
  fifo_queue                = true
  message_retention_seconds = 1209600 # two weeks, the most there is
  sqs_managed_sse_enabled   = true
}

data "aws_iam_policy_document" "queue" {
  statement {
    sid    = "WakeUpCalls"
    effect = "Allow"
    actions = [
      "sqs:SendMessage", # the rules of events.tf, and nobody else
    ]
    resources = [aws_sqs_queue.queue.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = concat(values(aws_cloudwatch_event_rule.events)[*].arn, [aws_cloudwatch_event_rule.schedule.arn])
    }
  }
}

resource "aws_sqs_queue_policy" "queue" {
  queue_url = aws_sqs_queue.queue.id
  policy    = data.aws_iam_policy_document.queue.json
}
