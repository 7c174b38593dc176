# The queue.

resource "aws_sqs_queue" "queue" {
  name                        = "${var.name}.fifo"
  fifo_queue                  = true
  content_based_deduplication = true # EventBridge sends no id of its own

  # A batch whose run failed comes back after this, and the message group waits for that: little more than the function's
  # timeout, not the six times that Lambda's guide asks for. These are for batches that find the function busy, and of one
  # message group there is one batch at a time.
  visibility_timeout_seconds = 360
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
