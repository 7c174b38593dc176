//! How CloudTrail writes down the parameters of a request, in its two styles.
//!
//! Older actions: camel case, lists as `{"items": […]}` under names of their own. Newer ones: the wire form turned into JSON
//! inside an envelope. Seen in the public records of `invictus-ir/aws_dataset` and `DataDog/stratus-red-team`.

use serde_json::{Map, Value, json};

use super::parameters::{Key, Parameters};

/// Which of the two styles an action is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `{"instancesSet": {"items": [{"instanceId": "i-…"}]}}`
    Items,
    /// `{"ModifySecurityGroupRulesRequest": {"SecurityGroupRule": {"tag": 1, …}}}`
    Envelope,
}

impl Style {
    pub(super) fn of(action: &str) -> Self {
        match action {
            "ModifySecurityGroupRules"
            | "UpdateSecurityGroupRuleDescriptionsIngress"
            | "UpdateSecurityGroupRuleDescriptionsEgress"
            | "DescribeSecurityGroupRules"
            | "ModifyManagedPrefixList"
            | "DescribeManagedPrefixLists"
            | "GetManagedPrefixListEntries"
            | "DescribeVpcEndpoints"
            | "DeleteVpcEndpoints"
            | "CreateNatGateway" => Self::Envelope,
            // No record of these has been seen: they are presumed to look like their neighbours.
            "CreateManagedPrefixList"
            | "DeleteManagedPrefixList"
            | "RestoreManagedPrefixListVersion"
            | "GetManagedPrefixListAssociations"
            | "AssociateSecurityGroupVpc"
            | "DisassociateSecurityGroupVpc"
            | "DescribeSecurityGroupVpcAssociations"
            | "GetSecurityGroupsForVpc"
            | "DeleteNatGateway"
            | "DescribeNatGateways"
            | "CreateVpcEndpoint"
            | "CreateTransitGateway"
            | "DeleteTransitGateway"
            | "DescribeTransitGateways"
            | "CreateTransitGatewayVpcAttachment"
            | "DeleteTransitGatewayVpcAttachment"
            | "DescribeTransitGatewayVpcAttachments" => Self::Envelope,
            _ => Self::Items,
        }
    }
}

/// The `requestParameters` of a call.
pub(super) fn request(action: &str, parameters: &Parameters) -> Value {
    match Style::of(action) {
        Style::Items => Value::Object(completed(action, members_as_items(parameters))),
        Style::Envelope => json!({ format!("{action}Request"): members_in_envelope(parameters) }),
    }
}

/// Neither what was asked nor what was asked about.
const NOT_RECORDED: [&str; 3] = ["Action", "Version", "DryRun"];

/// Lists that CloudTrail names differently, and the name of a plain value in them.
const LISTS: [(&str, &str, Option<&str>); 20] = [
    ("InstanceId", "instancesSet", Some("instanceId")),
    ("NetworkInterfaceId", "networkInterfaceIdSet", Some("networkInterfaceId")),
    ("SubnetId", "subnetSet", Some("subnetId")),
    ("VpcId", "vpcSet", Some("vpcId")),
    ("RouteTableId", "routeTableIdSet", Some("routeTableId")),
    ("ResourceId", "resourcesSet", Some("resourceId")),
    ("SecurityGroupId", "groupSet", Some("groupId")),
    ("GroupId", "groupSet", Some("groupId")),
    ("GroupName", "securityGroupSet", Some("groupName")),
    ("SecurityGroupRuleId", "securityGroupRuleIds", Some("securityGroupRuleId")),
    ("PrivateIpAddress", "privateIpAddressesSet", Some("privateIpAddress")),
    ("Ipv6Addresses", "ipv6AddressesSet", Some("ipv6Address")),
    ("IpPermissions", "ipPermissions", None),
    ("Groups", "groups", None),
    ("IpRanges", "ipRanges", None),
    ("Ipv6Ranges", "ipv6Ranges", None),
    ("PrefixListIds", "prefixListIds", None),
    ("NetworkInterface", "networkInterfaceSet", None),
    ("Filter", "filterSet", None),
    ("Value", "valueSet", Some("value")),
];

/// Members that are numbers in CloudTrail's JSON.
const NUMBERS: [&str; 9] = [
    "fromPort",
    "toPort",
    "minCount",
    "maxCount",
    "deviceIndex",
    "maxResults",
    "secondaryPrivateIpAddressCount",
    "ipv6AddressCount",
    "networkCardIndex",
];

fn members_as_items(parameters: &Parameters) -> Map<String, Value> {
    let named = parameters.members().filter_map(|(key, node)| match key {
        Key::Name(name) if !NOT_RECORDED.contains(&name.as_str()) => Some(as_items(name, node)),
        Key::Name(_) | Key::Position(_) => None,
    });
    named.collect()
}

fn as_items(name: &str, node: &Parameters) -> (String, Value) {
    if name == "TagSpecification" {
        return ("tagSpecificationSet".into(), tag_specifications(node));
    }
    if name == "Tag" {
        return (
            "tagSet".into(),
            json!({ "items": node.members().map(|(_, tag)| tag_as_text(tag)).collect::<Vec<_>>() }),
        );
    }
    if !node.is_list() {
        let name = uncapitalized(name);
        let value = match node.value() {
            Some(text) => scalar(&name, text),
            None => Value::Object(members_as_items(node)),
        };
        return (name, value);
    }
    let known = LISTS.iter().find(|(wire, ..)| *wire == name);
    let (list, element) =
        known.map_or((uncapitalized(name), None), |(_, list, element)| ((*list).to_owned(), *element));
    let items: Vec<_> = node.members().map(|(_, item)| list_item(&list, element, item)).collect();
    (list, json!({ "items": items }))
}

fn list_item(list: &str, element: Option<&str>, item: &Parameters) -> Value {
    match item.value() {
        Some(text) => match element {
            Some(element) => json!({ element: text }),
            None => json!(text),
        },
        None => {
            let mut members = members_as_items(item);
            if list == "ipPermissions" {
                // All four kinds of sources are written, those without any as `{}`.
                for sources in ["groups", "ipRanges", "ipv6Ranges", "prefixListIds"] {
                    members.entry(sources).or_insert_with(|| json!({}));
                }
            }
            Value::Object(members)
        }
    }
}

/// The tags of a specification are a plain array, unlike all other lists.
fn tag_specifications(list: &Parameters) -> Value {
    let specification = |(_, node): (&Key, &Parameters)| {
        let tags: Vec<_> = node.list("Tag").map(tag_as_text).collect();
        json!({ "resourceType": node.text("ResourceType"), "tags": tags })
    };
    json!({ "items": list.members().map(specification).collect::<Vec<_>>() })
}

/// In this style the value `true` of a tag stays a text.
fn tag_as_text(tag: &Parameters) -> Value {
    json!({ "key": tag.text("Key"), "value": tag.text("Value").unwrap_or_default() })
}

/// What CloudTrail writes whether or not the caller said it.
fn completed(action: &str, mut members: Map<String, Value>) -> Map<String, Value> {
    let defaults: &[(&str, Value)] = match action {
        "AuthorizeSecurityGroupIngress"
        | "AuthorizeSecurityGroupEgress"
        | "RevokeSecurityGroupIngress"
        | "RevokeSecurityGroupEgress" => &[("ipPermissions", json!({}))],
        "StopInstances" => &[("force", json!(false))],
        "AssignPrivateIpAddresses" => {
            &[("privateIpAddressesSet", json!({})), ("ipv4Prefixes", json!({})), ("allowReassignment", json!(false))]
        }
        "RunInstances" => &[("blockDeviceMapping", json!({}))],
        "DescribeInstances" => &[("instancesSet", json!({})), ("filterSet", json!({}))],
        "DescribeNetworkInterfaces" => &[("networkInterfaceIdSet", json!({})), ("filterSet", json!({}))],
        "DescribeSubnets" => &[("subnetSet", json!({})), ("filterSet", json!({}))],
        "DescribeVpcs" => &[("vpcSet", json!({})), ("filterSet", json!({}))],
        "DescribeRouteTables" => &[("routeTableIdSet", json!({})), ("filterSet", json!({}))],
        "DescribeSecurityGroups" => {
            &[("securityGroupSet", json!({})), ("securityGroupIdSet", json!({})), ("filterSet", json!({}))]
        }
        _ => &[],
    };
    for (name, value) in defaults {
        members.entry(*name).or_insert_with(|| value.clone());
    }
    if action == "RunInstances" {
        // What to launch is itself an item of the list that, in the response, holds what was launched.
        let launched = ["imageId", "keyName", "minCount", "maxCount"];
        let item: Map<_, _> = launched.iter().filter_map(|name| members.remove_entry(*name)).collect();
        members.insert("instancesSet".into(), json!({ "items": [item] }));
    }
    if action == "DescribeSecurityGroups"
        && let Some(groups) = members.remove("groupSet")
    {
        members.insert("securityGroupIdSet".into(), groups);
    }
    members
}

fn members_in_envelope(parameters: &Parameters) -> Map<String, Value> {
    let named = parameters.members().filter_map(|(key, node)| match key {
        Key::Name(name) if !NOT_RECORDED.contains(&name.as_str()) => Some((name.clone(), in_envelope(node))),
        Key::Name(_) | Key::Position(_) => None,
    });
    named.collect()
}

fn in_envelope(node: &Parameters) -> Value {
    if !node.is_list() {
        return match node.value() {
            Some(text) => coerced(text),
            None => Value::Object(members_in_envelope(node)),
        };
    }
    let mut elements: Vec<_> = node.members().zip(1..).map(|((_, element), tag)| tagged(element, tag)).collect();
    // One element stands without its list.
    if elements.len() == 1 { elements.remove(0) } else { Value::Array(elements) }
}

fn tagged(element: &Parameters, tag: u32) -> Value {
    let mut members = members_in_envelope(element);
    if let Some(text) = element.value() {
        members.insert("content".into(), coerced(text));
    }
    members.insert("tag".into(), json!(tag));
    Value::Object(members)
}

/// Texts that look like numbers or truths become such.
pub(super) fn coerced(text: &str) -> Value {
    if let Ok(number) = text.parse::<i64>() {
        return json!(number);
    }
    text.parse::<bool>().map_or_else(|_| json!(text), |truth| json!(truth))
}

fn scalar(name: &str, text: &str) -> Value {
    if NUMBERS.contains(&name)
        && let Ok(number) = text.parse::<i64>()
    {
        return json!(number);
    }
    text.parse::<bool>().map_or_else(|_| json!(text), |truth| json!(truth))
}

fn uncapitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::parameters::tests::fields;

    fn check(action: &str, texts: &[&str], expected: &Value) {
        assert_eq!(&request(action, &Parameters::parse(&fields(texts)).unwrap()), expected);
    }

    #[test]
    fn a_start_names_its_instances_as_items() {
        check(
            "StartInstances",
            &["Action=StartInstances", "Version=2016-11-15", "InstanceId.1=i-0a", "InstanceId.2=i-0b"],
            &json!({"instancesSet": {"items": [{"instanceId": "i-0a"}, {"instanceId": "i-0b"}]}}),
        );
    }

    #[test]
    fn a_permission_has_all_four_kinds_of_sources() {
        check(
            "AuthorizeSecurityGroupIngress",
            &["GroupId=sg-1", "IpPermissions.1.IpProtocol=-1", "IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"],
            &json!({"groupId": "sg-1", "ipPermissions": {"items": [{"ipProtocol": "-1", "groups": {},
                "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}, "ipv6Ranges": {}, "prefixListIds": {}}]}}),
        );
    }

    #[test]
    fn the_flat_form_has_an_empty_list_of_permissions() {
        check(
            "AuthorizeSecurityGroupIngress",
            &["GroupId=sg-1", "IpProtocol=tcp", "FromPort=22", "ToPort=22", "CidrIp=198.51.100.7/32"],
            &json!({"groupId": "sg-1", "ipPermissions": {}, "ipProtocol": "tcp", "fromPort": 22, "toPort": 22,
                "cidrIp": "198.51.100.7/32"}),
        );
        check(
            "RevokeSecurityGroupIngress",
            &["GroupId=sg-1", "SecurityGroupRuleId.1=sgr-1"],
            &json!({"groupId": "sg-1", "ipPermissions": {},
                "securityGroupRuleIds": {"items": [{"securityGroupRuleId": "sgr-1"}]}}),
        );
    }

    #[test]
    fn a_launch_says_what_to_launch_in_an_item() {
        check(
            "RunInstances",
            &[
                "ImageId=ami-1",
                "MinCount=1",
                "MaxCount=2",
                "SubnetId=subnet-1",
                "SecurityGroupId.1=sg-1",
                "TagSpecification.1.ResourceType=instance",
                "TagSpecification.1.Tag.1.Key=Name",
                "TagSpecification.1.Tag.1.Value=web",
            ],
            &json!({"instancesSet": {"items": [{"imageId": "ami-1", "minCount": 1, "maxCount": 2}]},
                "subnetId": "subnet-1", "groupSet": {"items": [{"groupId": "sg-1"}]}, "blockDeviceMapping": {},
                "tagSpecificationSet": {"items": [{"resourceType": "instance",
                    "tags": [{"key": "Name", "value": "web"}]}]}}),
        );
    }

    #[test]
    fn in_an_envelope_one_element_is_an_object_and_two_are_a_list() {
        let rule = "SecurityGroupRule.1.SecurityGroupRuleId=sgr-1";
        let protocol = "SecurityGroupRule.1.SecurityGroupRule.IpProtocol=-1";
        check(
            "ModifySecurityGroupRules",
            &["GroupId=sg-1", rule, protocol],
            &json!({"ModifySecurityGroupRulesRequest": {"GroupId": "sg-1", "SecurityGroupRule":
                {"tag": 1, "SecurityGroupRuleId": "sgr-1", "SecurityGroupRule": {"IpProtocol": -1}}}}),
        );
        check(
            "ModifyManagedPrefixList",
            &[
                "PrefixListId=pl-1",
                "CurrentVersion=3",
                "RemoveEntry.1.Cidr=192.0.2.0/28",
                "RemoveEntry.2.Cidr=192.0.2.16/28",
            ],
            &json!({"ModifyManagedPrefixListRequest": {"PrefixListId": "pl-1", "CurrentVersion": 3, "RemoveEntry":
                [{"tag": 1, "Cidr": "192.0.2.0/28"}, {"tag": 2, "Cidr": "192.0.2.16/28"}]}}),
        );
        check(
            "CreateNatGateway",
            &["SubnetId=subnet-1", "AllocationId=eipalloc-1", "ClientToken=x"],
            &json!({"CreateNatGatewayRequest":
                {"SubnetId": "subnet-1", "AllocationId": "eipalloc-1", "ClientToken": "x"}}),
        );
        check(
            "DeleteVpcEndpoints",
            &["VpcEndpointId.1=vpce-1"],
            &json!({"DeleteVpcEndpointsRequest": {"VpcEndpointId": {"content": "vpce-1", "tag": 1}}}),
        );
    }
}
