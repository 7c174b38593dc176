# Alarms, and the dashboard.

locals {
  alarms = {
    no-look = {
      description = "No successful look for a while, so rules no longer follow AWS. Read the function's log; run drawbridge doctor."
      metric      = "Looks"
      period      = 60
      periods     = var.alarm_minutes
      threshold   = 1
      comparison  = "LessThanThreshold"
      missing     = "breaching" # silence is what this is about
    }
    refusals = {
      description = "A run withheld something, or would not decide. The log says what, and what to do about it."
      metric      = "Refusals"
      period      = 300
      periods     = 1
      threshold   = 0
      comparison  = "GreaterThanThreshold"
      missing     = "notBreaching"
    }
    commits-failed = {
      description = "A commit failed and was taken back. The log has the lines of the firewall's job."
      metric      = "CommitsFailed"
      period      = 300
      periods     = 1
      threshold   = 0
      comparison  = "GreaterThanThreshold"
      missing     = "notBreaching"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "drawbridge" {
  for_each = local.on_lambda ? local.alarms : {}

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "Drawbridge"
  metric_name         = each.value.metric
  dimensions          = { Owner = var.policy_owner }
  statistic           = "Sum"
  period              = each.value.period
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = each.value.comparison
  treat_missing_data  = each.value.missing
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = "${var.name}-dead-letters"
  alarm_description   = "Runs have failed again and again. Once they succeed nothing is lost, so purge the queue of dead letters."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

locals {
  ours = ["Owner", var.policy_owner]

  # Title, statistic and metrics of each graph, in reading order.
  graphs = [
    ["Looks", "Sum", [
      concat(["Drawbridge", "Looks"], local.ours),
      concat(["Drawbridge", "LooksWithoutChange"], local.ours),
    ]],
    ["Changes and commits", "Sum", [
      concat(["Drawbridge", "Changes"], local.ours),
      concat(["Drawbridge", "Commits"], local.ours),
      concat(["Drawbridge", "CommitsFailed"], local.ours),
    ]],
    ["Seconds", "Average", [
      concat(["Drawbridge", "EventToLiveSeconds"], local.ours, [{ stat = "p50" }]),
      concat(["Drawbridge", "EventToLiveSeconds"], local.ours, [{ stat = "p99" }]),
      concat(["Drawbridge", "CommitSeconds"], local.ours),
    ]],
    ["Rules", "Maximum", [
      concat(["Drawbridge", "OwnedRules"], local.ours),
      concat(["Drawbridge", "ForeignPendingChanges"], local.ours),
    ]],
    ["Trouble", "Sum", [
      concat(["Drawbridge", "Refusals"], local.ours),
      concat(["Drawbridge", "Retries"], local.ours),
      concat(["Drawbridge", "Errors"], local.ours),
    ]],
    ["Waiting", "Maximum", [
      concat(["Drawbridge", "OldestUnappliedChangeSeconds"], local.ours),
      ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", aws_sqs_queue.queue.name],
      ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.dead_letters.name],
    ]],
  ]
}

resource "aws_cloudwatch_dashboard" "drawbridge" {
  count = local.on_lambda ? 1 : 0

  dashboard_name = "${var.name}-${local.region}" # a name of the whole account, and not of this region
  dashboard_body = jsonencode({
    widgets = concat(
      [for number, graph in local.graphs : {
        type   = "metric"
        x      = 8 * (number % 3)
        y      = 6 * floor(number / 3)
        width  = 8
        height = 6
        properties = {
          title   = graph[0]
          region  = local.region
          stat    = graph[1]
          period  = 300
          metrics = graph[2]
        }
      }],
      [{
        type   = "log"
        x      = 0
        y      = 12
        width  = 24
        height = 6
        properties = {
          title  = "Warnings and errors"
          region = local.region
          view   = "table"
          query  = "SOURCE '/aws/lambda/${var.name}' | fields @timestamp, level, fields.message | filter level in ['WARN', 'ERROR'] | sort @timestamp desc | limit 50"
        }
      }],
    )
  })
}
