//! What happened in AWS: never what to do, only whether it is worth looking, and what to name a rule that it caused.

use std::{collections::BTreeSet, fmt, time::SystemTime};

use crate::{
    config::Scope,
    id::{GroupId, InstanceId, Subject},
};

/// A successful write that AWS recorded, or a change of an instance's state that EC2 announced. Failed calls, dry runs,
/// reads, and tags of anything but instances do not become events: the codecs drop them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// CloudTrail's `eventID`, or EventBridge's `id`; for people who search logs.
    pub id: String,
    /// The API action (`StartInstances`), or the name of the service event (`BidEvictedEvent`).
    pub name: String,
    /// Who called, as far as the record says; for people.
    pub principal: Option<String>,
    /// Every instance id found anywhere in request, response or service details, except in the text of tags.
    pub instances: BTreeSet<InstanceId>,
    /// The groups that the call itself is about (`groupId` of the request, else of the rules in the response), not those
    /// that a permission refers to.
    pub groups: BTreeSet<GroupId>,
    /// Who says so.
    pub kind: EventKind,
    /// When it happened, as far as the record says; to the second.
    pub at: Option<SystemTime>,
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
///
/// `DeleteNetworkInterface` is not among them, although an interface must be detached before it can be deleted, which is
/// recorded by itself: with `interfaces = "all"` one without an instance counts as long as it is there.
#[rustfmt::skip]
const HARMLESS: &[&str] = &[
    // An instance that reboots stays running and keeps its addresses.
    "RebootInstances",
    // Descriptions open nothing.
    "UpdateSecurityGroupRuleDescriptionsIngress", "UpdateSecurityGroupRuleDescriptionsEgress",
    // Nothing is in a new group; what joins it is recorded by itself.
    "CreateSecurityGroup",
    // Key pairs.
    "CreateKeyPair", "ImportKeyPair", "DeleteKeyPair",
    // Volumes.
    "CreateVolume", "CopyVolumes", "ImportVolume", "DeleteVolume", "RestoreVolumeFromRecycleBin", "AttachVolume",
    "DetachVolume", "ModifyVolume", "ModifyVolumeAttribute", "EnableVolumeIO",
    // Snapshots, with the service events of shared ones.
    "CreateSnapshot", "CreateSnapshots", "CopySnapshot", "ImportSnapshot", "DeleteSnapshot",
    "RestoreSnapshotFromRecycleBin", "ModifySnapshotAttribute", "ResetSnapshotAttribute", "ModifySnapshotTier",
    "RestoreSnapshotTier", "LockSnapshot", "UnlockSnapshot", "EnableFastSnapshotRestores", "DisableFastSnapshotRestores",
    "SharedSnapshotVolumeCreated", "SharedSnapshotCopyInitiated",
    // Images.
    "CreateImage", "CopyImage", "ImportImage", "ExportImage", "RegisterImage", "DeregisterImage",
    "RestoreImageFromRecycleBin", "CreateStoreImageTask", "CreateRestoreImageTask", "ModifyImageAttribute",
    "ResetImageAttribute", "CancelImageLaunchPermission", "EnableImage", "DisableImage", "EnableImageDeprecation",
    "DisableImageDeprecation", "EnableImageDeregistrationProtection", "DisableImageDeregistrationProtection",
    "EnableFastLaunch", "DisableFastLaunch",
    // What watches instances and traffic, and which hosts instances are put on.
    "CreateFlowLogs", "DeleteFlowLogs", "MonitorInstances", "UnmonitorInstances", "CreatePlacementGroup",
    "DeletePlacementGroup",
];

/// Writes that matter only where instances are chosen by their tags.
const TAGGING: &[&str] = &["CreateTags", "DeleteTags"];

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
    pub fn is_worth_a_look(&self, scope: &Scope) -> bool {
        match self.kind {
            EventKind::StateChange => true,
            EventKind::Call if self.is_tagging() => !scope.instance_tags.is_empty(),
            EventKind::Call => !HARMLESS.contains(&self.name.as_str()),
        }
    }

    /// Whether it sets or removes tags, and nothing else.
    pub fn is_tagging(&self) -> bool {
        TAGGING.contains(&self.name.as_str())
    }

    /// What rules are named after that a run adds because of this event, if it is worth a look.
    pub fn causes(&self) -> Vec<Cause> {
        let cause = |subject| Cause { subject, event: self.name.clone() };
        if self.is_about_group_rules() {
            self.groups.iter().cloned().map(Subject::Group).map(cause).collect()
        } else {
            self.instances.iter().cloned().map(Subject::Instance).map(cause).collect()
        }
    }

    fn is_about_group_rules(&self) -> bool {
        GROUP_RULES.contains(&self.name.as_str())
    }
}

/// `StartInstances i-…, i-…`.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let instances = self.instances.iter().map(InstanceId::as_str);
        let groups = self.groups.iter().map(GroupId::as_str);
        let subjects: Vec<_> = if self.is_about_group_rules() { groups.collect() } else { instances.collect() };
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
    use crate::config::InstanceTag;

    fn event(name: &str) -> Event {
        Event {
            id: "1".into(),
            name: name.into(),
            principal: None,
            instances: BTreeSet::from(["i-1".parse().unwrap()]),
            groups: BTreeSet::from(["sg-1".parse().unwrap()]),
            kind: EventKind::Call,
            at: None,
        }
    }

    /// What a run makes of an event: nothing, or a look with causes.
    #[track_caller]
    fn check(events: &[&str], scope: &Scope, expected: Option<&[&str]>) {
        for name in events {
            let event = event(name);
            let causes: Vec<_> = event.causes().into_iter().map(|cause| cause.subject.to_string()).collect();
            match expected {
                Some(subjects) => {
                    assert_eq!((event.is_worth_a_look(scope), &*causes), (true, &*strings(subjects)), "{name}")
                }
                None => assert!(!event.is_worth_a_look(scope), "{name}"),
            }
        }
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    fn by_tag() -> Scope {
        Scope {
            instance_tags: BTreeSet::from([InstanceTag { key: "firewall".into(), value: None }]),
            ..Scope::default()
        }
    }

    const TAGS: &[&str] = &["CreateTags", "DeleteTags"];

    #[test]
    #[rustfmt::skip]
    fn whatever_can_change_the_answer_is_worth_a_look_and_names_its_instances() {
        for scope in [Scope::default(), by_tag()] {
            check(&[
                // Instance state, by calls and by EC2 itself.
                "StartInstances", "StopInstances", "RunInstances", "TerminateInstances", "CreateFleet", "BidEvictedEvent",
                // Which groups apply to an interface, and in which VPCs a group does.
                "ModifyNetworkInterfaceAttribute", "ModifyInstanceAttribute", "AssociateSecurityGroupVpc",
                "DisassociateSecurityGroupVpc", "DeleteSecurityGroup",
                // Interfaces and addresses.
                "CreateNetworkInterface", "AttachNetworkInterface", "DetachNetworkInterface", "DeleteNetworkInterface",
                "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses", "AssignIpv6Addresses", "UnassignIpv6Addresses",
                "AssociateAddress", "DisassociateAddress",
                // Routing.
                "CreateRoute", "ReplaceRoute", "DeleteRoute", "AssociateRouteTable", "DisassociateRouteTable",
                "ReplaceRouteTableAssociation", "EnableVgwRoutePropagation", "DisableVgwRoutePropagation",
                "EnableRouteServerPropagation", "DisableRouteServerPropagation", "CreateVpcEndpoint", "DeleteVpcEndpoints",
                "AttachInternetGateway", "DetachInternetGateway",
                // Prefix lists and networks.
                "ModifyManagedPrefixList", "RestoreManagedPrefixListVersion", "DeleteManagedPrefixList",
                "AssociateVpcCidrBlock", "DisassociateVpcCidrBlock", "AssociateSubnetCidrBlock", "CreateSubnet",
                // Nobody has heard of these.
                "SomethingInventedNextYear", "unreadable record", "",
            ], &scope, Some(&["i-1"]));
        }
    }

    #[test]
    fn a_change_of_permissions_names_the_group() {
        let changes = [
            "AuthorizeSecurityGroupIngress",
            "AuthorizeSecurityGroupEgress",
            "RevokeSecurityGroupIngress",
            "RevokeSecurityGroupEgress",
            "ModifySecurityGroupRules",
        ];
        check(&changes, &Scope::default(), Some(&["sg-1"]));
    }

    #[test]
    #[rustfmt::skip]
    fn harmless_writes_are_not_worth_a_look() {
        for scope in [Scope::default(), by_tag()] {
            check(&[
                "RebootInstances", "UpdateSecurityGroupRuleDescriptionsIngress", "UpdateSecurityGroupRuleDescriptionsEgress",
                "CreateSecurityGroup", "CreateKeyPair", "ImportKeyPair", "DeleteKeyPair", "CreateVolume", "AttachVolume",
                "DetachVolume", "DeleteVolume", "ModifyVolume", "CreateSnapshot", "CreateSnapshots", "CopySnapshot",
                "DeleteSnapshot", "ModifySnapshotAttribute", "SharedSnapshotVolumeCreated", "CreateImage", "CopyImage",
                "RegisterImage", "DeregisterImage", "ModifyImageAttribute", "CreateFlowLogs", "MonitorInstances",
            ], &scope, None);
        }
    }

    #[test]
    fn tags_count_where_instances_are_chosen_by_them() {
        check(TAGS, &by_tag(), Some(&["i-1"]));
        let elsewhere = Scope { vpcs: BTreeSet::from(["vpc-1".parse().unwrap()]), ..Scope::default() };
        for scope in [Scope::default(), elsewhere] {
            check(TAGS, &scope, None);
        }
    }

    #[test]
    fn every_change_of_state_is_worth_a_look() {
        let change = Event { kind: EventKind::StateChange, ..event("instance running") };
        assert!(change.is_worth_a_look(&Scope::default()));
        assert_eq!(change.causes()[0].to_string(), "instance running i-1");
    }

    #[test]
    fn long_lists_are_cut_short() {
        let instances = (1..=5).map(|number| format!("i-{number}").parse().unwrap()).collect();
        let many = Event { instances, ..event("StopInstances") };
        assert_eq!(many.to_string(), "StopInstances i-1, i-2, i-3 and 2 more");
        let four = Event { instances: many.instances.into_iter().take(4).collect(), ..event("StopInstances") };
        assert_eq!(four.to_string(), "StopInstances i-1, i-2, i-3 and 1 more");
        assert_eq!(event("RevokeSecurityGroupEgress").to_string(), "RevokeSecurityGroupEgress sg-1");
        assert_eq!(Event { instances: BTreeSet::new(), ..event("CreateRoute") }.to_string(), "CreateRoute");
    }
}
