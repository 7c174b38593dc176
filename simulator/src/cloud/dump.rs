//! The whole inventory as the AWS CLI prints it.

use std::collections::BTreeMap;

use super::{CliAnswer, Cloud, PrefixListId};
use crate::clock::Moment;

/// The answers of `aws ec2 describe-…`, each on one page, with managed resources included.
#[derive(Clone, Debug, PartialEq)]
pub struct Dump {
    /// `describe-instances`
    pub instances: CliAnswer,
    /// `describe-network-interfaces`
    pub network_interfaces: CliAnswer,
    /// `describe-subnets`
    pub subnets: CliAnswer,
    /// `describe-vpcs`
    pub vpcs: CliAnswer,
    /// `describe-route-tables`
    pub route_tables: CliAnswer,
    /// `describe-security-groups`
    pub security_groups: CliAnswer,
    /// `describe-managed-prefix-lists`
    pub managed_prefix_lists: CliAnswer,
    /// `get-managed-prefix-list-entries`, for each list
    pub prefix_list_entries: BTreeMap<PrefixListId, CliAnswer>,
    /// `describe-vpc-endpoints`
    pub vpc_endpoints: CliAnswer,
}

impl Cloud {
    /// Everything there is at that moment.
    pub fn dump(&mut self, now: Moment) -> Dump {
        self.tick(now);
        let whole = |action| CliAnswer::new(self.described_whole(action));
        let lists = self.resources.prefix_lists.keys();
        Dump {
            instances: whole("DescribeInstances"),
            network_interfaces: whole("DescribeNetworkInterfaces"),
            subnets: whole("DescribeSubnets"),
            vpcs: whole("DescribeVpcs"),
            route_tables: whole("DescribeRouteTables"),
            security_groups: whole("DescribeSecurityGroups"),
            managed_prefix_lists: whole("DescribeManagedPrefixLists"),
            prefix_list_entries: lists.map(|id| (id.clone(), CliAnswer::new(self.entries_whole(id)))).collect(),
            vpc_endpoints: whole("DescribeVpcEndpoints"),
        }
    }
}
