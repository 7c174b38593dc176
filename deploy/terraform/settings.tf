# Settings: `policy.bottom_rule` is `policy_bottom_rule`. What is null or empty is not set, and the program's default holds.
# docs/settings.md describes them.

variable "mode" {
  description = "How far a run may go. Begin with observe, read what it would do, then add-only, then sync."
  type        = string
  default     = "observe"

  validation {
    condition     = contains(["observe", "add-only", "sync"], var.mode)
    error_message = "It is one of observe, add-only, sync."
  }
}

variable "gateways" {
  description = "Ids of the instances, interfaces, GWLB endpoints or transit gateways that stand for the firewall in route tables"
  type        = list(string)

  validation {
    condition     = length(var.gateways) > 0
    error_message = "At least one must be given."
  }
}

variable "firewall_hostname" {
  description = "The management interface, as host or host:port; of a high-availability pair both"
  type        = list(string)

  validation {
    condition     = length(var.firewall_hostname) > 0
    error_message = "At least one must be given."
  }
}

variable "firewall_api_key_secret_arn" {
  description = "The whole ARN of the secret that holds the API key"
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+-[A-Za-z0-9]{6}$", var.firewall_api_key_secret_arn))
    error_message = "It is the whole ARN of a secret, with the six characters at its end."
  }
}

variable "firewall_admin" {
  description = "The account of the API key; the firewall is asked where this is empty"
  type        = string
  default     = null
}

variable "firewall_vsys" {
  description = "The virtual system, vsys1 where this is empty"
  type        = string
  default     = null
}

variable "firewall_ca_file" {
  description = "A PEM file in the package, as /var/task/ca.pem: the authorities that may vouch for the firewall"
  type        = string
  default     = null
}

variable "firewall_fingerprint" {
  description = "SHA-256 fingerprints of the certificates to accept, one for each unit of a pair"
  type        = list(string)
  default     = []
}

variable "firewall_verify" {
  description = "false accepts any certificate, and so any impostor"
  type        = bool
  default     = null
}

variable "firewall_instances" {
  description = "The firewall's own instances, where gateways does not name them"
  type        = list(string)
  default     = []
}

variable "policy_owner" {
  description = "The tag that marks our rules, unique per deployment and firewall"
  type        = string
}

variable "policy_bottom_rule" {
  description = "The administrator's rule above which ours stand"
  type        = string
}

variable "policy_untrust_zone" {
  description = "The zone of the internet"
  type        = string
}

variable "policy_trust_zone" {
  description = "The zone of the instances"
  type        = string
}

variable "policy_security_profile_group" {
  description = "The security profile group of our rules"
  type        = string
  default     = null
}

variable "policy_log_setting" {
  description = "The log forwarding profile of new rules"
  type        = string
  default     = null
}

variable "policy_applications" {
  description = "identified names the application expected on a known port, any never does"
  type        = string
  default     = null

  validation {
    condition     = var.policy_applications == null || contains(["identified", "any"], coalesce(var.policy_applications, "identified"))
    error_message = "It is one of identified, any."
  }
}

variable "policy_icmp" {
  description = "exact, or all, with which any ICMP permission opens icmp and ping"
  type        = string
  default     = null

  validation {
    condition     = var.policy_icmp == null || contains(["exact", "all"], coalesce(var.policy_icmp, "exact"))
    error_message = "It is one of exact, all."
  }
}

variable "services" {
  description = "Applications expected on ports, as { \"tcp/8443\" = \"ssl\" }; any for none"
  type        = map(string)
  default     = {}
}

variable "interfaces" {
  description = "instances, or all, with which interfaces without an instance count too"
  type        = string
  default     = null

  validation {
    condition     = var.interfaces == null || contains(["instances", "all"], coalesce(var.interfaces, "instances"))
    error_message = "It is one of instances, all."
  }
}

variable "scope_vpcs" {
  description = "The VPCs whose interfaces count; all where this is empty"
  type        = list(string)
  default     = []
}

variable "scope_subnets" {
  description = "The subnets whose interfaces count; all where this is empty"
  type        = list(string)
  default     = []
}

variable "scope_instance_tags" {
  description = "Only instances with one of these tags count, as key=value or key"
  type        = list(string)
  default     = []
}

variable "directions" {
  description = "Which permissions become rules: ingress, egress, or both"
  type        = list(string)
  default     = []
}

variable "egress_allow_all" {
  description = "true writes rules for permissions that let everything out, too"
  type        = bool
  default     = null
}

variable "destination" {
  description = "instance, or nat, with which rules name the original address of NAT rules"
  type        = string
  default     = null

  validation {
    condition     = var.destination == null || contains(["instance", "nat"], coalesce(var.destination, "instance"))
    error_message = "It is one of instance, nat."
  }
}

variable "never_open" {
  description = "Ports and peers that are never opened, as tcp/22 or 203.0.113.0/24"
  type        = list(string)
  default     = []
}

variable "internal_cidrs" {
  description = "Networks that count as inside besides the VPC's own"
  type        = list(string)
  default     = []
}

variable "limits_additions" {
  description = "Rules that a run may add"
  type        = number
  default     = null
}

variable "limits_additions_percent" {
  description = "The same, in per cent of our rules"
  type        = number
  default     = null
}

variable "limits_removals" {
  description = "Rules that a run may remove or shrink"
  type        = number
  default     = null
}

variable "limits_removals_percent" {
  description = "The same, in per cent of our rules"
  type        = number
  default     = null
}

variable "timing_settle" {
  description = "Wait after an event, so that a burst is one look"
  type        = string
  default     = null
}

variable "timing_confirm_empty" {
  description = "Wait before believing that nothing is exposed any more"
  type        = string
  default     = null
}

variable "timing_poll" {
  description = "Wait between two questions about a commit"
  type        = string
  default     = null
}

variable "timing_reserve" {
  description = "With less time left than this nothing is begun"
  type        = string
  default     = null
}

variable "timing_read" {
  description = "One read may take this long"
  type        = string
  default     = null
}

variable "timing_write" {
  description = "One write may take this long"
  type        = string
  default     = null
}

variable "aws_log_size_max" {
  description = "The largest log file, unpacked, as 256MiB"
  type        = string
  default     = null
}
