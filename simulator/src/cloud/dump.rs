//! The whole inventory as the AWS CLI prints it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Cloud, PrefixListId};
use crate::clock::Moment;

/// The answers of `aws ec2 describe-…`, each on one page, with managed resources included.
#[derive(Clone, Debug, PartialEq)]
pub struct Dump {
    /// `describe-instances`
    pub instances: Value,
    /// `describe-network-interfaces`
    pub network_interfaces: Value,
    /// `describe-subnets`
    pub subnets: Value,
    /// `describe-vpcs`
    pub vpcs: Value,
    /// `describe-route-tables`
    pub route_tables: Value,
    /// `describe-security-groups`
    pub security_groups: Value,
    /// `describe-managed-prefix-lists`
    pub managed_prefix_lists: Value,
    /// `get-managed-prefix-list-entries`, for each list
    pub prefix_list_entries: BTreeMap<PrefixListId, Value>,
    /// `describe-vpc-endpoints`
    pub vpc_endpoints: Value,
}

impl Cloud {
    /// Everything there is at that moment.
    pub fn dump(&mut self, now: Moment) -> Dump {
        self.tick(now);
        let lists = self.resources.prefix_lists.keys();
        Dump {
            instances: self.described_whole("DescribeInstances").cli(),
            network_interfaces: self.described_whole("DescribeNetworkInterfaces").cli(),
            subnets: self.described_whole("DescribeSubnets").cli(),
            vpcs: self.described_whole("DescribeVpcs").cli(),
            route_tables: self.described_whole("DescribeRouteTables").cli(),
            security_groups: self.described_whole("DescribeSecurityGroups").cli(),
            managed_prefix_lists: self.described_whole("DescribeManagedPrefixLists").cli(),
            prefix_list_entries: lists.map(|id| (id.clone(), self.entries_whole(id).cli())).collect(),
            vpc_endpoints: self.described_whole("DescribeVpcEndpoints").cli(),
        }
    }
}
