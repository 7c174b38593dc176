//! The SDK's types as the plain ones that files are read into.

use aws_sdk_ec2::types as sdk;

use super::described;

/// Lists that the SDK leaves out when they are empty.
///
/// Not collected: that would write the plain values into the SDK's own allocation, which is many times as large (an instance
/// of the SDK's has more than a hundred members), and keep all of it.
fn list<S, D: From<S>>(items: Option<Vec<S>>) -> Vec<D> {
    let items = items.unwrap_or_default();
    let mut plain = Vec::with_capacity(items.len());
    plain.extend(items.into_iter().map(D::from));
    plain
}

/// Types whose members bear the same names on both sides: copied as they are, or converted one by one.
macro_rules! same {
    ($($type:ident { $($member:ident),* } lists { $($list:ident),* };)+) => {$(
        impl From<sdk::$type> for described::$type {
            fn from(it: sdk::$type) -> Self {
                Self { $($member: it.$member,)* $($list: list(it.$list),)* }
            }
        }
    )+};
}

same! {
    Subnet { subnet_id, vpc_id, subnet_arn } lists {};
    RouteTable { route_table_id, vpc_id, owner_id } lists { routes, associations };
    SecurityGroup { group_id, group_name, owner_id } lists { ip_permissions, ip_permissions_egress };
    IpPermission { ip_protocol, from_port, to_port }
        lists { ip_ranges, ipv6_ranges, prefix_list_ids, user_id_group_pairs };
    IpRange { cidr_ip } lists {};
    Ipv6Range { cidr_ipv6 } lists {};
    PrefixListId { prefix_list_id } lists {};
    GroupIdentifier { group_id } lists {};
    Reservation { owner_id } lists { instances };
    Tag { key, value } lists {};
    PrefixListEntry { cidr } lists {};
}

impl From<sdk::Vpc> for described::Vpc {
    fn from(it: sdk::Vpc) -> Self {
        Self {
            vpc_id: it.vpc_id,
            cidr_block: it.cidr_block,
            cidr_block_association_set: list(it.cidr_block_association_set),
            ipv6_cidr_block_association_set: list(it.ipv6_cidr_block_association_set),
        }
    }
}

impl From<sdk::VpcCidrBlockAssociation> for described::CidrBlockAssociation {
    fn from(it: sdk::VpcCidrBlockAssociation) -> Self {
        Self { cidr_block: it.cidr_block, cidr_block_state: it.cidr_block_state.map(Into::into) }
    }
}

impl From<sdk::VpcIpv6CidrBlockAssociation> for described::Ipv6CidrBlockAssociation {
    fn from(it: sdk::VpcIpv6CidrBlockAssociation) -> Self {
        Self { ipv6_cidr_block: it.ipv6_cidr_block, ipv6_cidr_block_state: it.ipv6_cidr_block_state.map(Into::into) }
    }
}

impl From<sdk::VpcCidrBlockState> for described::State {
    fn from(it: sdk::VpcCidrBlockState) -> Self {
        Self { state: it.state.map(|state| state.as_str().to_owned()) }
    }
}

impl From<sdk::RouteTableAssociationState> for described::State {
    fn from(it: sdk::RouteTableAssociationState) -> Self {
        Self { state: it.state.map(|state| state.as_str().to_owned()) }
    }
}

impl From<sdk::Route> for described::Route {
    fn from(it: sdk::Route) -> Self {
        Self {
            destination_cidr_block: it.destination_cidr_block,
            destination_ipv6_cidr_block: it.destination_ipv6_cidr_block,
            destination_prefix_list_id: it.destination_prefix_list_id,
            gateway_id: it.gateway_id,
            instance_id: it.instance_id,
            network_interface_id: it.network_interface_id,
            nat_gateway_id: it.nat_gateway_id,
            transit_gateway_id: it.transit_gateway_id,
            vpc_peering_connection_id: it.vpc_peering_connection_id,
            local_gateway_id: it.local_gateway_id,
            carrier_gateway_id: it.carrier_gateway_id,
            egress_only_internet_gateway_id: it.egress_only_internet_gateway_id,
            core_network_arn: it.core_network_arn,
            odb_network_arn: it.odb_network_arn,
            origin: it.origin.map(|origin| origin.as_str().to_owned()),
            state: it.state.map(|state| state.as_str().to_owned()),
        }
    }
}

impl From<sdk::RouteTableAssociation> for described::RouteTableAssociation {
    fn from(it: sdk::RouteTableAssociation) -> Self {
        Self {
            main: it.main,
            subnet_id: it.subnet_id,
            gateway_id: it.gateway_id,
            association_state: it.association_state.map(Into::into),
        }
    }
}

impl From<sdk::UserIdGroupPair> for described::GroupIdentifier {
    fn from(it: sdk::UserIdGroupPair) -> Self {
        Self { group_id: it.group_id }
    }
}

impl From<sdk::NetworkInterface> for described::NetworkInterface {
    fn from(it: sdk::NetworkInterface) -> Self {
        Self {
            network_interface_id: it.network_interface_id,
            subnet_id: it.subnet_id,
            vpc_id: it.vpc_id,
            owner_id: it.owner_id,
            groups: list(it.groups),
            private_ip_address: it.private_ip_address,
            private_ip_addresses: list(it.private_ip_addresses),
            ipv6_addresses: list(it.ipv6_addresses),
            ipv4_prefixes: list(it.ipv4_prefixes),
            ipv6_prefixes: list(it.ipv6_prefixes),
            attachment: it.attachment.map(Into::into),
        }
    }
}

impl From<sdk::NetworkInterfacePrivateIpAddress> for described::PrivateIpAddress {
    fn from(it: sdk::NetworkInterfacePrivateIpAddress) -> Self {
        Self { private_ip_address: it.private_ip_address }
    }
}

impl From<sdk::NetworkInterfaceIpv6Address> for described::Ipv6Address {
    fn from(it: sdk::NetworkInterfaceIpv6Address) -> Self {
        Self { ipv6_address: it.ipv6_address }
    }
}

impl From<sdk::Ipv4PrefixSpecification> for described::Ipv4Prefix {
    fn from(it: sdk::Ipv4PrefixSpecification) -> Self {
        Self { ipv4_prefix: it.ipv4_prefix }
    }
}

impl From<sdk::Ipv6PrefixSpecification> for described::Ipv6Prefix {
    fn from(it: sdk::Ipv6PrefixSpecification) -> Self {
        Self { ipv6_prefix: it.ipv6_prefix }
    }
}

impl From<sdk::NetworkInterfaceAttachment> for described::Attachment {
    fn from(it: sdk::NetworkInterfaceAttachment) -> Self {
        Self { instance_id: it.instance_id, status: it.status.map(|status| status.as_str().to_owned()) }
    }
}

impl From<sdk::Instance> for described::Instance {
    fn from(it: sdk::Instance) -> Self {
        Self { instance_id: it.instance_id, state: it.state.map(Into::into), tags: list(it.tags) }
    }
}

impl From<sdk::InstanceState> for described::InstanceState {
    fn from(it: sdk::InstanceState) -> Self {
        Self { name: it.name.map(|name| name.as_str().to_owned()) }
    }
}
