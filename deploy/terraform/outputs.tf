output "queue_url" {
  description = "Where wake-up calls go, for drawbridge watch --queue"
  value       = aws_sqs_queue.queue.url
}

output "dead_letters_url" {
  description = "Where calls go whose runs failed again and again"
  value       = aws_sqs_queue.dead_letters.url
}

output "access_policy_arn" {
  description = "What the program reads; for the role of a host, and for yours to try it"
  value       = aws_iam_policy.access.arn
}

output "host_policy_arn" {
  description = "For the role of a host besides"
  value       = one(aws_iam_policy.host[*].arn)
}

output "function_name" {
  description = "The function"
  value       = one(aws_lambda_function.drawbridge[*].function_name)
}
