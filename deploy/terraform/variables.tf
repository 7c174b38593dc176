# The deployment. The settings of the program are in settings.tf.

variable "name" {
  description = "What the function, the queue and all the rest are called"
  type        = string
  default     = "drawbridge"
}

variable "package" {
  description = "The zip that deploy/build.sh makes"
  type        = string
  default     = null
}

variable "runner" {
  description = "lambda, or host, with which there is a queue and a policy for a host that runs drawbridge watch"
  type        = string
  default     = "lambda"

  validation {
    condition     = contains(["lambda", "host"], var.runner)
    error_message = "It is one of lambda, host."
  }
}

variable "architecture" {
  description = "What the package was built for"
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "It is one of arm64, x86_64."
  }
}

variable "subnet_ids" {
  description = "Private subnets from which the firewall's management interface can be reached; outside any VPC where this is empty"
  type        = list(string)
  default     = []
}

variable "security_group_ids" {
  description = "Groups of the function in these subnets; both are given, or neither is"
  type        = list(string)
  default     = []
}

variable "memory_size" {
  description = "MB for the function. Lambda gives processor time in proportion, and planning is what takes it."
  type        = number
  default     = 512
}

variable "reserve_concurrency" {
  description = "false for accounts whose limit of concurrency is too low to reserve any; the queue's one message group still lets one run at a time"
  type        = bool
  default     = true
}

variable "firewall_api_key_kms_key_arn" {
  description = "The KMS key that encrypts the secret, where it is one of your own"
  type        = string
  default     = null
}

variable "schedule" {
  description = "How often to look without any event"
  type        = string
  default     = "rate(5 minutes)"
}

variable "trail_bucket" {
  description = "A bucket of CloudTrail files that sends its events to EventBridge; for accounts without a trail that EventBridge hears of"
  type        = string
  default     = null
}

variable "trail_prefix" {
  description = "What stands before AWSLogs/ in the keys of that bucket, with the slash at its end"
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.trail_prefix == "" || endswith(var.trail_prefix, "/")
    error_message = "It ends with a slash."
  }
}

variable "trail_kms_key_arn" {
  description = "The KMS key that encrypts the trail's files, if any"
  type        = string
  default     = null
}

variable "log_level" {
  description = "Which log lines to show"
  type        = string
  default     = "info"

  validation {
    condition     = contains(["off", "error", "warn", "info", "debug", "trace"], var.log_level)
    error_message = "It is one of off, error, warn, info, debug, trace."
  }
}

variable "log_retention_days" {
  description = "How long log lines are kept. They say who opened what and why."
  type        = number
  default     = 365
}

variable "alarm_minutes" {
  description = "Alarm after so many minutes without a successful look. It must be more than twice the schedule, with room for one commit."
  type        = number
  default     = 20

  validation {
    condition     = var.alarm_minutes >= 11 && var.alarm_minutes <= 1440
    error_message = "It is between 11 and 1440."
  }
}

variable "alarm_topic_arn" {
  description = "An SNS topic that hears of the alarms"
  type        = string
  default     = null
}
