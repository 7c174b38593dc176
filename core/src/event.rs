//! What happened in AWS: never what to do, only whether it is worth looking, and what to name a rule that it caused.

use std::{collections::BTreeSet, fmt};

use crate::id::{GroupId, InstanceId, Subject};

/// A successful write that AWS recorded, or a change of an instance's state that EC2 announced. Failed calls, dry runs and
/// reads do not become events: the codecs drop them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// CloudTrail's `eventID`, or EventBridge's `id`; for people who search logs.
    pub id: String,
    /// The API action (`StartInstances`), or the name of the service event (`BidEvictedEvent`).
    pub name: String,
    /// Who called, as far as the record says; for people.
    pub principal: Option<String>,
    /// Every instance id found anywhere in request, response or service details.
    pub instances: BTreeSet<InstanceId>,
    /// The groups that the call itself is about (`groupId` of the request, else of the rules in the response), not those
    /// that a permission refers to.
    pub groups: BTreeSet<GroupId>,
    /// Which tags were set or removed counts only where the scope is chosen by tag.
    pub kind: EventKind,
}

/// Where an event came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// An API call, or a service event in CloudTrail.
    Call,
    /// EC2's own announcement that an instance has changed its state.
    StateChange,
}

/// What a rule that a run adds is named after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// The instance that was started, launched or attached, or the group whose permissions changed.
    pub subject: Subject,
    /// The event's name, for the rule's description.
    pub event: String,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.event, self.subject)
    }
}

/// Writes to EC2 that cannot change which instance reaches the internet through the firewall, or which permission it has.
/// Every other write causes a look, whether or not we know its name: new actions appear every year.
const HARMLESS: &[&str] = &[
    "RebootInstances",
    "UpdateSecurityGroupRuleDescriptionsIngress",
    "UpdateSecurityGroupRuleDescriptionsEgress",
    "CreateSecurityGroup",
    "CreateKeyPair",
    "ImportKeyPair",
    "DeleteKeyPair",
    "CreateVolume",
    "DeleteVolume",
    "AttachVolume",
    "DetachVolume",
    "ModifyVolume",
    "ModifyVolumeAttribute",
    "EnableVolumeIO",
    "CreateSnapshot",
    "CreateSnapshots",
    "CopySnapshot",
    "DeleteSnapshot",
    "ModifySnapshotAttribute",
    "ModifySnapshotTier",
    "RestoreSnapshotTier",
    "ResetSnapshotAttribute",
    "SharedSnapshotVolumeCreated",
    "SharedSnapshotCopyInitiated",
    "CreateImage",
    "CopyImage",
    "RegisterImage",
    "DeregisterImage",
    "ModifyImageAttribute",
    "ResetImageAttribute",
    "CreateFlowLogs",
    "DeleteFlowLogs",
    "CreatePlacementGroup",
    "DeletePlacementGroup",
    "MonitorInstances",
    "UnmonitorInstances",
    "CreateTags",
    "DeleteTags",
];

/// Writes that change the permissions of the group they name.
const GROUP_RULES: &[&str] = &[
    "AuthorizeSecurityGroupIngress",
    "AuthorizeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
    "RevokeSecurityGroupEgress",
    "ModifySecurityGroupRules",
];

impl Event {
    /// Whether the answer to "what should the firewall allow" may have changed.
    pub fn is_worth_a_look(&self) -> bool {
        match self.kind {
            EventKind::StateChange => true,
            EventKind::Call => !HARMLESS.contains(&self.name.as_str()),
        }
    }

    /// What rules are named after that a run adds because of this event.
    pub fn causes(&self) -> Vec<Cause> {
        let cause = |subject| Cause { subject, event: self.name.clone() };
        if !self.is_worth_a_look() {
            Vec::new()
        } else if GROUP_RULES.contains(&self.name.as_str()) {
            self.groups.iter().cloned().map(Subject::Group).map(cause).collect()
        } else {
            self.instances.iter().cloned().map(Subject::Instance).map(cause).collect()
        }
    }
}

/// `StartInstances i-…, i-…`.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let instances = self.instances.iter().map(InstanceId::as_str);
        let groups = self.groups.iter().map(GroupId::as_str);
        let subjects: Vec<_> =
            if GROUP_RULES.contains(&self.name.as_str()) { groups.collect() } else { instances.collect() };
        match subjects.as_slice() {
            [] => Ok(()),
            [first, second, third, rest @ ..] if !rest.is_empty() => {
                write!(f, " {first}, {second}, {third} and {} more", rest.len())
            }
            few => write!(f, " {}", few.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str) -> Event {
        Event {
            id: "1".into(),
            name: name.into(),
            principal: None,
            instances: BTreeSet::from(["i-1".parse().unwrap()]),
            groups: BTreeSet::from(["sg-1".parse().unwrap()]),
            kind: EventKind::Call,
        }
    }

    #[test]
    fn unknown_writes_are_worth_a_look_and_harmless_ones_are_not() {
        assert!(event("StartInstances").is_worth_a_look());
        assert!(event("SomethingInventedNextYear").is_worth_a_look());
        assert!(!event("CreateSnapshot").is_worth_a_look());
        assert!(Event { kind: EventKind::StateChange, ..event("") }.is_worth_a_look());
    }

    #[test]
    fn a_change_of_permissions_names_the_group_and_everything_else_the_instance() {
        let names = |name| event(name).causes().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names("RevokeSecurityGroupIngress"), ["RevokeSecurityGroupIngress sg-1"]);
        assert_eq!(names("RunInstances"), ["RunInstances i-1"]);
        assert!(names("CreateKeyPair").is_empty());
    }
}
