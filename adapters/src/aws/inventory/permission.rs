//! Security groups' permissions, unfolded.

use std::fmt::Display;

use drawbridge_core::{
    command::Trouble,
    inventory::{Peer, Permission},
};

use super::{described, network, required, traffic::traffic};

/// One permission per peer, in a fixed order: EC2 folds and orders them as it likes.
pub(super) fn permissions(
    group: &impl Display,
    folded: &[described::IpPermission],
) -> Result<Vec<Permission>, Trouble> {
    let mut unfolded = Vec::new();
    for permission in folded {
        let traffic = traffic(permission);
        unfolded
            .extend(peers(group, permission)?.into_iter().map(|peer| Permission { traffic: traffic.clone(), peer }));
    }
    unfolded.sort_unstable();
    unfolded.dedup();
    Ok(unfolded)
}

fn peers(group: &impl Display, permission: &described::IpPermission) -> Result<Vec<Peer>, Trouble> {
    let mut peers = Vec::new();
    let v4 = permission.ip_ranges.iter().map(|range| &range.cidr_ip);
    let v6 = permission.ipv6_ranges.iter().map(|range| &range.cidr_ipv6);
    for cidr in v4.chain(v6).flatten() {
        peers.push(Peer::Addresses(network(group, cidr)?));
    }
    for list in &permission.prefix_list_ids {
        peers.push(Peer::PrefixList(required(group, "PrefixListId", &list.prefix_list_id)?));
    }
    // A reference by name alone opens nothing from outside either.
    for pair in permission.user_id_group_pairs.iter().filter(|pair| pair.group_id.is_some()) {
        peers.push(Peer::Group(required(group, "GroupId", &pair.group_id)?));
    }
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::inventory::tests::read;

    #[test]
    fn permissions_are_unfolded_in_a_fixed_order() {
        let permissions = json!([
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "203.0.113.0/24"}, {"CidrIp": "0.0.0.0/0"}],
                "Ipv6Ranges": [{"CidrIpv6": "::/0"}], "PrefixListIds": [{"PrefixListId": "pl-1"}],
                "UserIdGroupPairs": [{"GroupId": "sg-2", "UserId": "111122223333"}, {"GroupName": "old"}]},
            {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "192.0.2.5/32"}]}]);
        let mut reversed = permissions.clone();
        reversed.as_array_mut().unwrap().reverse();
        let of = |permissions| {
            read(json!({"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web", "IpPermissions": permissions}]}))
        };
        let held = of(permissions).unwrap();
        assert_eq!(of(reversed).unwrap(), held);
        let ingress = &held.groups.values().next().unwrap().ingress;
        assert_eq!(ingress.len(), 6);
        assert_eq!(ingress[0].peer, Peer::Addresses("192.0.2.5".parse().unwrap()));
        assert_eq!(ingress[5].peer, Peer::Group("sg-2".parse().unwrap()));
    }
}
