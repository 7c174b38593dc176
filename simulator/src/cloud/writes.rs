//! Writing: each action checks everything first and changes nothing if it refuses.

mod groups;
mod instances;
mod interfaces;
mod networks;
mod rules;

use std::collections::BTreeMap;

use super::{Cloud, answer::Refusal, ids::ResourceId, parameters::Parameters, shape::Record};
use crate::clock::Moment;

/// What carries out a writing action.
pub(super) type Write = fn(&mut Cloud, &Parameters, Moment) -> Result<Record, Refusal>;

/// What carries out that action.
pub(super) fn write(action: &str) -> Option<Write> {
    WRITES.iter().find(|(name, _)| *name == action).map(|(_, write)| *write)
}

/// All writing actions of this world.
pub(super) const WRITES: [(&str, Write); 38] = [
    ("RunInstances", instances::run),
    ("StartInstances", instances::start),
    ("StopInstances", instances::stop),
    ("RebootInstances", instances::reboot),
    ("TerminateInstances", instances::terminate),
    ("AuthorizeSecurityGroupIngress", rules::authorize_ingress),
    ("AuthorizeSecurityGroupEgress", rules::authorize_egress),
    ("RevokeSecurityGroupIngress", rules::revoke_ingress),
    ("RevokeSecurityGroupEgress", rules::revoke_egress),
    ("ModifySecurityGroupRules", rules::modify),
    ("UpdateSecurityGroupRuleDescriptionsIngress", rules::describe_ingress),
    ("UpdateSecurityGroupRuleDescriptionsEgress", rules::describe_egress),
    ("CreateSecurityGroup", groups::create),
    ("DeleteSecurityGroup", groups::delete),
    ("ModifyManagedPrefixList", groups::modify_prefix_list),
    ("ModifyNetworkInterfaceAttribute", interfaces::modify),
    ("ModifyInstanceAttribute", interfaces::modify_by_instance),
    ("CreateNetworkInterface", interfaces::create),
    ("DeleteNetworkInterface", interfaces::delete),
    ("AttachNetworkInterface", interfaces::attach),
    ("DetachNetworkInterface", interfaces::detach),
    ("AssignPrivateIpAddresses", interfaces::assign_addresses),
    ("UnassignPrivateIpAddresses", interfaces::unassign_addresses),
    ("AssignIpv6Addresses", interfaces::assign_ipv6),
    ("UnassignIpv6Addresses", interfaces::unassign_ipv6),
    ("CreateRoute", networks::create_route),
    ("ReplaceRoute", networks::replace_route),
    ("DeleteRoute", networks::delete_route),
    ("AssociateRouteTable", networks::associate),
    ("DisassociateRouteTable", networks::disassociate),
    ("ReplaceRouteTableAssociation", networks::replace_association),
    ("AttachInternetGateway", networks::attach_gateway),
    ("DetachInternetGateway", networks::detach_gateway),
    ("DeleteVpcEndpoints", networks::delete_endpoints),
    ("AssociateVpcCidrBlock", networks::associate_cidr),
    ("DisassociateVpcCidrBlock", networks::disassociate_cidr),
    ("CreateTags", groups::create_tags),
    ("DeleteTags", groups::delete_tags),
];

/// The answer of most writes.
fn done() -> Record {
    Record::new().wire_only("return", true)
}

fn find<'a, I: ResourceId, V>(map: &'a BTreeMap<I, V>, id: &I) -> Result<&'a V, Refusal> {
    map.get(id).ok_or_else(|| Refusal::not_found::<I>(id))
}

fn find_mut<'a, I: ResourceId, V>(map: &'a mut BTreeMap<I, V>, id: &I) -> Result<&'a mut V, Refusal> {
    map.get_mut(id).ok_or_else(|| Refusal::not_found::<I>(id))
}
