//! What EC2's describe calls answer, as far as it bears on the question, in the member names of the AWS CLI's JSON.
//!
//! The live client fills these from the SDK's types and the offline reader from files, so that both ways end in the one
//! conversion of [`super::inventory`]. Every member is optional here; which ones a fact cannot do without is decided there.

use std::collections::BTreeMap;

use serde::Deserialize;

macro_rules! described {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $member:ident: $type:ty,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
        #[serde(rename_all = "PascalCase", default, expecting = "an object")]
        #[allow(missing_docs, reason = "the members are named and documented by the EC2 API reference")]
        pub struct $name { $($(#[$attribute])* pub $member: $type,)+ }
    )+};
}

described! {
    /// The answers of all calls together: each has its own list, so one type reads every file.
    Described {
        vpcs: Vec<Vpc>,
        subnets: Vec<Subnet>,
        route_tables: Vec<RouteTable>,
        security_groups: Vec<SecurityGroup>,
        network_interfaces: Vec<NetworkInterface>,
        reservations: Vec<Reservation>,
        vpc_endpoints: Vec<VpcEndpoint>,
        #[serde(rename = "PrefixLists")] managed_prefix_lists: Vec<ManagedPrefixList>,
        /// Of `GetManagedPrefixListEntries`, by the id of the list: the answer itself does not name it.
        #[serde(skip)]
        prefix_lists: BTreeMap<String, Vec<PrefixListEntry>>,
    }

    /// Of `DescribeVpcs`.
    Vpc {
        vpc_id: Option<String>,
        cidr_block: Option<String>,
        cidr_block_association_set: Vec<CidrBlockAssociation>,
        ipv6_cidr_block_association_set: Vec<Ipv6CidrBlockAssociation>,
    }

    /// Of a VPC.
    CidrBlockAssociation { cidr_block: Option<String>, cidr_block_state: Option<State>, }

    /// Of a VPC.
    Ipv6CidrBlockAssociation { ipv6_cidr_block: Option<String>, ipv6_cidr_block_state: Option<State>, }

    /// Of an association.
    State { state: Option<String>, }

    /// Of `DescribeSubnets`.
    Subnet { subnet_id: Option<String>, vpc_id: Option<String>, subnet_arn: Option<String>, }

    /// Of `DescribeRouteTables`.
    RouteTable {
        route_table_id: Option<String>,
        vpc_id: Option<String>,
        owner_id: Option<String>,
        routes: Vec<Route>,
        associations: Vec<RouteTableAssociation>,
    }

    /// Of a route table. One destination and at most one kind of target.
    Route {
        destination_cidr_block: Option<String>,
        destination_ipv6_cidr_block: Option<String>,
        destination_prefix_list_id: Option<String>,
        gateway_id: Option<String>,
        instance_id: Option<String>,
        network_interface_id: Option<String>,
        nat_gateway_id: Option<String>,
        transit_gateway_id: Option<String>,
        vpc_peering_connection_id: Option<String>,
        local_gateway_id: Option<String>,
        carrier_gateway_id: Option<String>,
        egress_only_internet_gateway_id: Option<String>,
        core_network_arn: Option<String>,
        odb_network_arn: Option<String>,
        origin: Option<String>,
        state: Option<String>,
    }

    /// Of a route table.
    RouteTableAssociation {
        main: Option<bool>,
        subnet_id: Option<String>,
        gateway_id: Option<String>,
        association_state: Option<State>,
    }

    /// Of `DescribeSecurityGroups`.
    SecurityGroup {
        group_id: Option<String>,
        group_name: Option<String>,
        owner_id: Option<String>,
        ip_permissions: Vec<IpPermission>,
        ip_permissions_egress: Vec<IpPermission>,
    }

    /// Of a security group: permissions with the same protocol and ports, folded into one with several peers.
    IpPermission {
        ip_protocol: Option<String>,
        from_port: Option<i32>,
        to_port: Option<i32>,
        ip_ranges: Vec<IpRange>,
        ipv6_ranges: Vec<Ipv6Range>,
        prefix_list_ids: Vec<PrefixListId>,
        user_id_group_pairs: Vec<GroupIdentifier>,
    }

    /// Of a permission.
    IpRange { cidr_ip: Option<String>, }

    /// Of a permission.
    Ipv6Range { cidr_ipv6: Option<String>, }

    /// Of a permission.
    PrefixListId { prefix_list_id: Option<String>, }

    /// Of a permission or an interface.
    GroupIdentifier { group_id: Option<String>, }

    /// Of `DescribeNetworkInterfaces`.
    NetworkInterface {
        network_interface_id: Option<String>,
        subnet_id: Option<String>,
        vpc_id: Option<String>,
        owner_id: Option<String>,
        groups: Vec<GroupIdentifier>,
        private_ip_address: Option<String>,
        private_ip_addresses: Vec<PrivateIpAddress>,
        ipv6_addresses: Vec<Ipv6Address>,
        ipv4_prefixes: Vec<Ipv4Prefix>,
        ipv6_prefixes: Vec<Ipv6Prefix>,
        attachment: Option<Attachment>,
    }

    /// Of an interface.
    PrivateIpAddress { private_ip_address: Option<String>, }

    /// Of an interface.
    Ipv6Address { ipv6_address: Option<String>, }

    /// Of an interface: delegated to containers on it.
    Ipv4Prefix { ipv4_prefix: Option<String>, }

    /// Of an interface, likewise.
    Ipv6Prefix { ipv6_prefix: Option<String>, }

    /// Of an interface.
    Attachment { instance_id: Option<String>, status: Option<String>, }

    /// Of `DescribeInstances`: instances launched together.
    Reservation { owner_id: Option<String>, instances: Vec<Instance>, }

    /// Of a reservation.
    Instance { instance_id: Option<String>, state: Option<InstanceState>, tags: Vec<Tag>, }

    /// Of an instance.
    InstanceState { name: Option<String>, }

    /// Of an instance.
    Tag { key: Option<String>, value: Option<String>, }

    /// Of `DescribeVpcEndpoints`.
    VpcEndpoint { vpc_endpoint_id: Option<String>, vpc_endpoint_type: Option<String>, state: Option<String>, }

    /// Of `DescribeManagedPrefixLists`.
    ManagedPrefixList {
        prefix_list_id: Option<String>,
        prefix_list_name: Option<String>,
        owner_id: Option<String>,
    }

    /// Of `GetManagedPrefixListEntries`.
    PrefixListEntry { cidr: Option<String>, }
}

impl Described {
    /// Adds the lists of other answers.
    pub fn extend(&mut self, other: Self) {
        self.vpcs.extend(other.vpcs);
        self.subnets.extend(other.subnets);
        self.route_tables.extend(other.route_tables);
        self.security_groups.extend(other.security_groups);
        self.network_interfaces.extend(other.network_interfaces);
        self.reservations.extend(other.reservations);
        self.vpc_endpoints.extend(other.vpc_endpoints);
        self.managed_prefix_lists.extend(other.managed_prefix_lists);
        self.prefix_lists.extend(other.prefix_lists);
    }

    /// The prefix lists that permissions and routes refer to, each once and in order.
    pub fn prefix_lists_referred_to(&self) -> Vec<String> {
        let permissions = self
            .security_groups
            .iter()
            .flat_map(|group| group.ip_permissions.iter().chain(&group.ip_permissions_egress));
        let of_permissions =
            permissions.flat_map(|permission| &permission.prefix_list_ids).map(|list| &list.prefix_list_id);
        let of_routes =
            self.route_tables.iter().flat_map(|table| &table.routes).map(|route| &route.destination_prefix_list_id);
        let mut ids: Vec<_> = of_permissions.chain(of_routes).flatten().cloned().collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}
