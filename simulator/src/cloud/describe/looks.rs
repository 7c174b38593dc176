//! Reading actions that list no resources: attributes, entries of prefix lists, and what refers to what.

use super::{Look, entry_list, sharing};
use crate::cloud::{
    Cloud, GroupId, InstanceId, InterfaceId, Peer, PrefixListId, Protection, VpcId,
    answer::Refusal,
    ids::ResourceId,
    parameters::Parameters,
    prefix_list::entry_shapes,
    shape::{Record, Shape},
};

pub(super) const LOOKS: [(&str, Look); 9] = [
    ("GetManagedPrefixListEntries", entries),
    ("GetManagedPrefixListAssociations", associations),
    ("DescribeVpcAttribute", vpc_attribute),
    ("DescribeInstanceAttribute", instance_attribute),
    ("DescribeNetworkInterfaceAttribute", interface_attribute),
    ("DescribeSecurityGroupReferences", references),
    ("GetSecurityGroupsForVpc", sharing::of_vpc),
    ("DescribeAccountAttributes", account_attributes),
    ("GetManagedResourceVisibility", |cloud, _| Ok(cloud.visibility())),
];

/// The entries of a version; without one, of the last.
fn entries(cloud: &Cloud, parameters: &Parameters) -> Result<Record, Refusal> {
    let id: PrefixListId = parameters.required_id("PrefixListId")?;
    let list = cloud.resources.prefix_lists.get(&id).ok_or_else(|| Refusal::not_found::<PrefixListId>(&id))?;
    let version = parameters.parsed("TargetVersion")?.unwrap_or(list.version);
    let entries = list.entries_of(version).ok_or_else(|| Refusal::value("TargetVersion", &version.to_string()))?;
    let rows = entry_shapes(entries).into_iter().enumerate().map(|(n, entry)| (format!("{n:06}"), entry)).collect();
    let (rows, token) = cloud.page("GetManagedPrefixListEntries", &(1..=100), rows, parameters)?;
    Ok(entry_list(rows).maybe("nextToken", token))
}

/// The groups and route tables that refer to a prefix list.
fn associations(cloud: &Cloud, parameters: &Parameters) -> Result<Record, Refusal> {
    let id: PrefixListId = parameters.required_id("PrefixListId")?;
    known(cloud.resources.prefix_lists.get(&id), &id)?;
    let row =
        |user: String| (user.clone(), Record::new().with("resourceId", user).with("resourceOwner", &cloud.account));
    let mut rows: Vec<_> = cloud.users(&id).into_iter().map(row).collect();
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    let (rows, token) = cloud.page("GetManagedPrefixListAssociations", &(5..=255), rows, parameters)?;
    let list = Record::new().renamed("prefixListAssociationSet", "PrefixListAssociations", Shape::from_iter(rows));
    Ok(list.maybe("nextToken", token))
}

fn known<I: ResourceId, V>(found: Option<V>, id: &I) -> Result<V, Refusal> {
    found.ok_or_else(|| Refusal::not_found::<I>(id))
}

/// Attributes are shown as structures with one member.
fn value(value: impl Into<Shape>) -> Record {
    Record::new().with("value", value)
}

fn unknown_attribute(name: &str) -> Refusal {
    let message = format!("Value ({name}) for parameter attribute is invalid. Unknown attribute.");
    Refusal::new("InvalidParameterValue", message)
}

fn vpc_attribute(cloud: &Cloud, parameters: &Parameters) -> Result<Record, Refusal> {
    let id: VpcId = parameters.required_id("VpcId")?;
    let attributes = known(cloud.resources.vpcs.get(&id), &id)?.attributes;
    let record = Record::new().with("vpcId", &id);
    match parameters.required("Attribute")? {
        "enableDnsSupport" => Ok(record.with("enableDnsSupport", value(attributes.dns_support))),
        "enableDnsHostnames" => Ok(record.with("enableDnsHostnames", value(attributes.dns_hostnames))),
        "enableNetworkAddressUsageMetrics" => {
            Ok(record.with("enableNetworkAddressUsageMetrics", value(attributes.usage_metrics)))
        }
        other => Err(unknown_attribute(other)),
    }
}

fn instance_attribute(cloud: &Cloud, parameters: &Parameters) -> Result<Record, Refusal> {
    let id: InstanceId = parameters.required_id("InstanceId")?;
    let instance = known(cloud.resources.instances.get(&id), &id)?;
    let primary = cloud.resources.interfaces_of(&id).first().copied();
    let particulars = &instance.particulars;
    let record = Record::new().with("instanceId", &id);
    Ok(match parameters.required("Attribute")? {
        "instanceType" => record.with("instanceType", value(&instance.kind)),
        "disableApiTermination" => {
            record.with("disableApiTermination", value(particulars.termination == Protection::On))
        }
        "disableApiStop" => record.with("disableApiStop", value(particulars.stopping == Protection::On)),
        "userData" => {
            let text = particulars.user_data.as_ref();
            record.with("userData", Record::new().maybe("value", text))
        }
        "sourceDestCheck" => {
            record.with("sourceDestCheck", value(primary.is_none_or(|primary| primary.source_dest_check)))
        }
        "groupSet" => {
            let groups = primary.map(|primary| cloud.resources.group_names(&primary.groups));
            record.renamed("groupSet", "Groups", groups.unwrap_or(Shape::List(vec![])))
        }
        "ebsOptimized" => record.with("ebsOptimized", value(false)),
        "enaSupport" => record.with("enaSupport", value(true)),
        "instanceInitiatedShutdownBehavior" => record.with("instanceInitiatedShutdownBehavior", value("stop")),
        other => return Err(unknown_attribute(other)),
    })
}

fn interface_attribute(cloud: &Cloud, parameters: &Parameters) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    let interface = known(cloud.resources.interfaces.get(&id), &id)?;
    let record = Record::new().with("networkInterfaceId", &id);
    Ok(match parameters.required("Attribute")? {
        "description" => record.with("description", value(&interface.description)),
        "sourceDestCheck" => record.with("sourceDestCheck", value(interface.source_dest_check)),
        "groupSet" => record.renamed("groupSet", "Groups", cloud.resources.group_names(&interface.groups)),
        "associatePublicIpAddress" => record.with("associatePublicIpAddress", interface.public_while_on),
        "attachment" => {
            let attachment = interface.attachment.as_ref().map(|attachment| attachment.full(&cloud.account));
            record.maybe("attachment", attachment)
        }
        other => return Err(unknown_attribute(other)),
    })
}

/// Groups of VPCs on the other side of a peering connection that name one of these groups.
fn references(cloud: &Cloud, parameters: &Parameters) -> Result<Record, Refusal> {
    let mut found = vec![];
    for id in parameters.ids::<GroupId>("GroupId")? {
        let vpc = &known(cloud.resources.groups.get(&id), &id)?.vpc;
        for peering in cloud.resources.peerings.values().filter(|peering| peering.is_active()) {
            let names = |group: &&crate::cloud::SecurityGroup| {
                let sides = [&peering.requester, &peering.accepter];
                group.vpc != *vpc && sides.contains(&&group.vpc) && sides.contains(&vpc)
            };
            let mut others = cloud.resources.groups.values().filter(names);
            if let Some(other) =
                others.find(|group| group.rules.iter().any(|rule| rule.peer == Peer::Group(id.clone())))
            {
                let reference = Record::new().with("groupId", &id).with("referencingVpcId", &other.vpc);
                found.push(reference.with("vpcPeeringConnectionId", &peering.id));
            }
        }
    }
    Ok(Record::new().with("securityGroupReferenceSet", Shape::from_iter(found)))
}

fn account_attributes(cloud: &Cloud, parameters: &Parameters) -> Result<Record, Refusal> {
    let default = cloud.default_vpc().map_or_else(|_| "none".to_owned(), |vpc| vpc.to_string());
    let all = [("supported-platforms", "VPC"), ("default-vpc", default.as_str())];
    let names = parameters.texts("AttributeName");
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|(known, _)| known == *name)) {
        return Err(unknown_attribute(unknown));
    }
    let wanted = all.iter().filter(|(name, _)| names.is_empty() || names.contains(name));
    let attribute = |(name, text): &(&str, &str)| {
        let values = Shape::from_iter([Record::new().with("attributeValue", *text)]);
        Record::new().with("attributeName", *name).renamed("attributeValueSet", "AttributeValues", values)
    };
    Ok(Record::new().renamed("accountAttributeSet", "AccountAttributes", Shape::from_iter(wanted.map(attribute))))
}
