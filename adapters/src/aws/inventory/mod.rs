//! What EC2 described, as the facts that the core reads. Pure.
//!
//! A fact that cannot be read makes the look unusable: leaving it out would look as if it were gone, and remove rules. What
//! is only referred to and not there stays a reference, which the core takes for unknown.

mod permission;
mod routing;
mod traffic;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    net::IpAddr,
    str::FromStr,
};

use drawbridge_core::{
    address::AddressRange,
    command::Trouble,
    id::{AccountId, EndpointId, GroupId, InstanceId, InterfaceId, PrefixListId, Region, SubnetId, VpcId},
    inventory::{Group, Instance, InstanceState, Interface, Inventory, Subnet, Vpc},
    range::Set,
};
use ipnet::IpNet;

use self::{
    permission::permissions,
    routing::{one_table_each, route_table},
};
use super::{described, described::Described};
use crate::text::clean;

/// The facts of one look. What is described is dropped as it is read: of a large account it takes as much as the facts.
///
/// # Errors
/// [`Trouble::Inventory`] names what cannot be read or contradicts itself; another look may see it settled.
pub fn inventory(described: Described, region: Region) -> Result<Inventory, Trouble> {
    let inventory = Inventory {
        account: account(&described),
        region,
        vpcs: keyed(described.vpcs, vpc)?,
        subnets: keyed(described.subnets, subnet)?,
        route_tables: keyed(described.route_tables, route_table)?,
        interfaces: keyed(described.network_interfaces, interface)?,
        instances: keyed(described.reservations.into_iter().flat_map(|reservation| reservation.instances), instance)?,
        groups: keyed(described.security_groups, group)?,
        prefix_lists: described.prefix_lists.iter().filter_map(prefix_list).collect(),
        endpoints: described.vpc_endpoints.iter().filter_map(endpoint).collect::<Result<_, _>>()?,
    };
    one_table_each(&inventory)?;
    Ok(inventory)
}

/// The account whose look this is. Reservations are always the caller's own, and route tables of a shared VPC are shown to its
/// owner alone. Groups may be shared: where owners differ nobody can tell which is ours.
fn account(described: &Described) -> Option<AccountId> {
    let groups = described.security_groups.iter().map(|group| &group.owner_id);
    let interfaces = described.network_interfaces.iter().map(|interface| &interface.owner_id);
    only(described.reservations.iter().map(|reservation| &reservation.owner_id))
        .or_else(|| only(described.route_tables.iter().map(|table| &table.owner_id)))
        .or_else(|| only(groups.chain(interfaces)))
}

/// The one owner of all that tell theirs.
fn only<'o>(owners: impl Iterator<Item = &'o Option<String>>) -> Option<AccountId> {
    let owners: BTreeSet<_> = owners.flatten().collect();
    if owners.len() > 1 { None } else { owners.first()?.parse().ok() }
}

/// The things by id. One that moved to the next page while we read is listed twice, which is no harm if it is the same.
fn keyed<D, K: Ord + Display, V: PartialEq>(
    described: impl IntoIterator<Item = D>,
    read: fn(&D) -> Result<(K, V), Trouble>,
) -> Result<BTreeMap<K, V>, Trouble> {
    let mut map = BTreeMap::new();
    for thing in described {
        let (id, value) = read(&thing)?;
        if map.get(&id).is_some_and(|other| *other != value) {
            return Err(unusable(format_args!("`{id}` is listed twice, with different contents")));
        }
        map.insert(id, value);
    }
    Ok(map)
}

fn vpc(vpc: &described::Vpc) -> Result<(VpcId, Vpc), Trouble> {
    let id: VpcId = required("Vpc", "VpcId", &vpc.vpc_id)?;
    let v4 = vpc.cidr_block_association_set.iter().map(|held| (&held.cidr_block, &held.cidr_block_state));
    let v6 =
        vpc.ipv6_cidr_block_association_set.iter().map(|held| (&held.ipv6_cidr_block, &held.ipv6_cidr_block_state));
    let associated = v4.chain(v6).filter(|(_, state)| is_associated(state.as_ref())).map(|(cidr, _)| cidr);
    let cidrs = associated.chain([&vpc.cidr_block]).flatten().map(|cidr| network(&id, cidr));
    let cidrs = cidrs.collect::<Result<Vec<_>, _>>()?;
    Ok((id, Vpc { cidrs: cidrs.into_iter().collect::<Set<_>>() }))
}

/// What is being associated is meant to be: by the time rules are committed it is.
fn is_associated(state: Option<&described::State>) -> bool {
    matches!(state.and_then(|state| state.state.as_deref()), None | Some("associated" | "associating"))
}

fn subnet(subnet: &described::Subnet) -> Result<(SubnetId, Subnet), Trouble> {
    let id: SubnetId = required("Subnet", "SubnetId", &subnet.subnet_id)?;
    let vpc = required(&id, "VpcId", &subnet.vpc_id)?;
    Ok((id, Subnet { vpc }))
}

fn interface(interface: &described::NetworkInterface) -> Result<(InterfaceId, Interface), Trouble> {
    let id: InterfaceId = required("NetworkInterface", "NetworkInterfaceId", &interface.network_interface_id)?;
    let mut attachment = interface.attachment.iter().filter(|held| held.status.as_deref() != Some("detached"));
    let attached_to = attachment.find(|held| held.instance_id.is_some());
    let groups = interface.groups.iter().map(|held| required(&id, "GroupId", &held.group_id));
    let read = Interface {
        subnet: required(&id, "SubnetId", &interface.subnet_id)?,
        vpc: required(&id, "VpcId", &interface.vpc_id)?,
        groups: groups.collect::<Result<_, _>>()?,
        addresses: addresses(&id, interface)?,
        instance: attached_to.map(|attachment| required(&id, "InstanceId", &attachment.instance_id)).transpose()?,
    };
    Ok((id, read))
}

/// All private addresses. Public ones are translated before they reach the VPC.
fn addresses(id: &impl Display, interface: &described::NetworkInterface) -> Result<Vec<AddressRange>, Trouble> {
    let secondary = interface.private_ip_addresses.iter().map(|held| &held.private_ip_address);
    let v6 = interface.ipv6_addresses.iter().map(|held| &held.ipv6_address);
    let v4_prefixes = interface.ipv4_prefixes.iter().map(|held| &held.ipv4_prefix);
    let v6_prefixes = interface.ipv6_prefixes.iter().map(|held| &held.ipv6_prefix);
    let all =
        [&interface.private_ip_address].into_iter().chain(secondary).chain(v6).chain(v4_prefixes).chain(v6_prefixes);
    let mut addresses = all.flatten().map(|text| network(id, text)).collect::<Result<Vec<_>, _>>()?;
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses)
}

fn instance(instance: &described::Instance) -> Result<(InstanceId, Instance), Trouble> {
    let id: InstanceId = required("Instance", "InstanceId", &instance.instance_id)?;
    let state = match instance.state.as_ref().and_then(|state| state.name.as_deref()) {
        Some("pending") => InstanceState::Pending,
        Some("running") => InstanceState::Running,
        Some("shutting-down") => InstanceState::ShuttingDown,
        Some("terminated") => InstanceState::Terminated,
        Some("stopping") => InstanceState::Stopping,
        Some("stopped") => InstanceState::Stopped,
        other => return Err(unusable(format_args!("`{id}` is in no state we know: `{}`", other.unwrap_or("none")))),
    };
    let tag = |tag: &described::Tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()));
    Ok((id, Instance { state, tags: instance.tags.iter().filter_map(tag).collect() }))
}

fn group(group: &described::SecurityGroup) -> Result<(GroupId, Group), Trouble> {
    let id: GroupId = required("SecurityGroup", "GroupId", &group.group_id)?;
    let read = Group {
        name: group.group_name.clone().unwrap_or_default(),
        ingress: permissions(&id, &group.ip_permissions)?,
        egress: permissions(&id, &group.ip_permissions_egress)?,
    };
    Ok((id, read))
}

/// A list one of whose entries cannot be read is unknown as a whole.
fn prefix_list(
    (id, entries): (&String, &Vec<described::PrefixListEntry>),
) -> Option<(PrefixListId, Vec<AddressRange>)> {
    let entry = |entry: &described::PrefixListEntry| network(id, entry.cidr.as_deref()?).ok();
    let mut ranges = entries.iter().map(entry).collect::<Option<Vec<_>>>()?;
    ranges.sort_unstable();
    ranges.dedup();
    Some((id.parse().ok()?, ranges))
}

/// An endpoint that exists; EC2 lists deleted ones for a while.
fn endpoint(endpoint: &described::VpcEndpoint) -> Option<Result<EndpointId, Trouble>> {
    let is_gone = endpoint.state.as_deref().is_some_and(|state| state.eq_ignore_ascii_case("deleted"));
    (!is_gone).then(|| required("VpcEndpoint", "VpcEndpointId", &endpoint.vpc_endpoint_id))
}

/// An address or a network.
fn network(of: &impl Display, text: &str) -> Result<AddressRange, Trouble> {
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    net.map(AddressRange::from_net)
        .map_err(|_| unusable(format_args!("`{of}` has `{text}` where an address should be")))
}

fn required<T: FromStr>(of: impl Display, member: &str, text: &Option<String>) -> Result<T, Trouble>
where
    T::Err: Display,
{
    let text = text.as_deref().ok_or_else(|| unusable(format_args!("`{of}` is listed without `{member}`")))?;
    text.parse().map_err(|why| unusable(format_args!("`{of}` has an odd `{member}`: {why}")))
}

fn unusable(what: impl Display) -> Trouble {
    Trouble::Inventory(clean(&format!("what AWS listed cannot be used: {what}")))
}

#[cfg(test)]
mod tests {
    use drawbridge_core::config::Gateway;
    use expect_test::{Expect, expect};
    use serde_json::{Value, json};

    use super::*;

    pub(super) fn read(answers: Value) -> Result<Inventory, Trouble> {
        inventory(serde_json::from_value(answers).unwrap(), "eu-west-1".parse().unwrap())
    }

    #[track_caller]
    fn check_unusable(answers: Value, expected: &Expect) {
        expected.assert_eq(&read(answers).unwrap_err().to_string());
    }

    #[test]
    fn all_addresses_of_a_vpc_and_of_an_interface() {
        let held = read(json!({
            "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16",
                "CidrBlockAssociationSet": [{"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": "associated"}},
                    {"CidrBlock": "10.1.0.0/16", "CidrBlockState": {"State": "associating"}},
                    {"CidrBlock": "10.9.0.0/16", "CidrBlockState": {"State": "disassociated"}}],
                "Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlock": "2001:db8::/56"}]}],
            "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "SubnetId": "subnet-unseen", "VpcId": "vpc-1",
                "Groups": [{"GroupId": "sg-1"}], "PrivateIpAddress": "10.0.1.9",
                "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.9"}, {"PrivateIpAddress": "10.0.1.5"}],
                "Ipv6Addresses": [{"Ipv6Address": "2001:db8::9"}], "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.2.16/28"}],
                "Ipv6Prefixes": [{"Ipv6Prefix": "2001:db8:0:1::/80"}],
                "Attachment": {"InstanceId": "i-1", "Status": "attached"}, "Association": {"PublicIp": "198.51.100.7"}}],
        }))
        .unwrap();
        let text = |ranges: &[AddressRange]| ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(text(held.vpcs.values().next().unwrap().cidrs.ranges()), "10.0.0.0/15 2001:db8::/56");
        let interface = held.interfaces.values().next().unwrap();
        assert_eq!(text(&interface.addresses), "10.0.1.5 10.0.1.9 10.0.2.16/28 2001:db8::9 2001:db8:0:1::/80");
        assert_eq!(interface.instance, Some("i-1".parse().unwrap()));
    }

    #[test]
    fn what_cannot_be_read_makes_the_look_unusable() {
        check_unusable(
            json!({"Reservations": [{"Instances": [{"InstanceId": "i-1", "State": {"Name": "dreaming"}}]}]}),
            &expect!["what AWS listed cannot be used: `i-1` is in no state we know: `dreaming`"],
        );
        check_unusable(
            json!({"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "VpcId": "vpc-1"}]}),
            &expect!["what AWS listed cannot be used: `eni-1` is listed without `SubnetId`"],
        );
        check_unusable(
            json!({"Subnets": [{"SubnetId": "lan-1", "VpcId": "vpc-1"}]}),
            &expect![
                "what AWS listed cannot be used: `Subnet` has an odd `SubnetId`: `lan-1` is not a subnet id (`subnet-…`)"
            ],
        );
        check_unusable(
            json!({"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/40"}]}]}]}),
            &expect!["what AWS listed cannot be used: `sg-1` has `10.0.0.0/40` where an address should be"],
        );
        check_unusable(
            json!({"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1"}, {"SubnetId": "subnet-1", "VpcId": "vpc-2"}]}),
            &expect!["what AWS listed cannot be used: `subnet-1` is listed twice, with different contents"],
        );
        let table =
            |id: &str, association: Value| json!({"RouteTableId": id, "VpcId": "vpc-1", "Associations": [association]});
        check_unusable(
            json!({"RouteTables": [table("rtb-1", json!({"SubnetId": "subnet-1"})), table("rtb-2", json!({"SubnetId": "subnet-1"}))]}),
            &expect!["what AWS listed cannot be used: `subnet-1` is associated with both `rtb-1` and `rtb-2`"],
        );
        check_unusable(
            json!({"RouteTables": [table("rtb-1", json!({"Main": true})), table("rtb-2", json!({"Main": true}))]}),
            &expect!["what AWS listed cannot be used: both `rtb-1` and `rtb-2` are the main route table of `vpc-1`"],
        );
    }

    #[test]
    fn a_listed_endpoint_is_known_without_a_route() {
        let held = read(json!({"VpcEndpoints": [{"VpcEndpointId": "vpce-1", "VpcEndpointType": "GatewayLoadBalancer",
            "State": "available"}, {"VpcEndpointId": "vpce-2", "State": "Deleted"}]}));
        let known = |id: &str| held.as_ref().unwrap().knows(&Gateway::Endpoint(id.parse().unwrap()));
        assert!(known("vpce-1") && !known("vpce-2"));
        check_unusable(
            json!({"VpcEndpoints": [{"State": "available"}]}),
            &expect!["what AWS listed cannot be used: `VpcEndpoint` is listed without `VpcEndpointId`"],
        );
    }

    #[test]
    fn the_account_is_that_of_what_nobody_shares() {
        let account = |described| read(described).unwrap().account.map(|account| account.to_string());
        let group = |id: &str, owner: &str| json!({"GroupId": id, "OwnerId": owner});
        let shared = json!([group("sg-1", "000000000000"), group("sg-2", "111122223333")]);
        let reservations = json!([{"OwnerId": "111122223333", "Instances": []}]);
        let tables = json!([{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "OwnerId": "111122223333"}]);
        let ours = Some("111122223333".to_owned());
        assert_eq!(account(json!({"Reservations": reservations, "SecurityGroups": shared})), ours);
        assert_eq!(account(json!({"RouteTables": tables, "SecurityGroups": shared})), ours);
        assert_eq!(account(json!({"SecurityGroups": [group("sg-2", "111122223333")]})), ours);
        assert_eq!(account(json!({"SecurityGroups": shared})), None);
        assert_eq!(account(json!({})), None);
    }
}
