//! Route tables: which subnets use them, and where they lead.

use std::{collections::BTreeMap, fmt::Display};

use drawbridge_core::{
    command::Trouble,
    id::RouteTableId,
    inventory::{Destination, Inventory, Route, RouteState, RouteTable, TableRole, Target},
};

use super::{described, is_associated, network, required, unusable};

pub(super) fn route_table(table: &described::RouteTable) -> Result<(RouteTableId, RouteTable), Trouble> {
    let id: RouteTableId = required("RouteTable", "RouteTableId", &table.route_table_id)?;
    // An association with a gateway is about traffic that comes in from it, not about a subnet.
    let associations = || {
        let counts = |held: &&described::RouteTableAssociation| {
            held.gateway_id.is_none() && is_associated(held.association_state.as_ref())
        };
        table.associations.iter().filter(counts)
    };
    let is_main = associations().any(|held| held.main == Some(true));
    let subnets = associations().filter(|held| held.subnet_id.is_some());
    let counting = table.routes.iter().filter(|held| !is_shadowed(held, &table.routes));
    let routes = counting.filter_map(|held| route(&id, held).transpose());
    let read = RouteTable {
        vpc: required(&id, "VpcId", &table.vpc_id)?,
        role: if is_main { TableRole::Main } else { TableRole::Plain },
        subnets: subnets.map(|held| required(&id, "SubnetId", &held.subnet_id)).collect::<Result<_, _>>()?,
        routes: routes.collect::<Result<_, _>>()?,
    };
    Ok((id, read))
}

/// Whether a route that was propagated or advertised stands beside a static one for the same destination, which takes the
/// traffic (VPC user guide, route priority).
fn is_shadowed(route: &described::Route, all: &[described::Route]) -> bool {
    let is_learned = |route: &described::Route| {
        matches!(route.origin.as_deref(), Some("EnableVgwRoutePropagation" | "Advertisement"))
    };
    let destination =
        |route: &described::Route| (route.destination_cidr_block.clone(), route.destination_ipv6_cidr_block.clone());
    is_learned(route) && all.iter().any(|other| !is_learned(other) && destination(other) == destination(route))
}

/// A route, unless it is `filtered`: such a one was advertised and is not in use.
fn route(table: &impl Display, route: &described::Route) -> Result<Option<Route>, Trouble> {
    let state = match route.state.as_deref() {
        None | Some("active") => RouteState::Active,
        Some("filtered") => return Ok(None),
        // States that may come one day: whatever they are, it is not plain that traffic takes this route.
        Some(_) => RouteState::Blackhole,
    };
    let cidr = route.destination_cidr_block.as_ref().or(route.destination_ipv6_cidr_block.as_ref());
    let destination = match cidr {
        Some(cidr) => Destination::Addresses(network(table, cidr)?),
        None => Destination::PrefixList(required(table, "a route's destination", &route.destination_prefix_list_id)?),
    };
    Ok(Some(Route { destination, target: target(route), state }))
}

fn target(route: &described::Route) -> Target {
    let (gateway, transit) = (route.gateway_id.as_deref(), route.transit_gateway_id.as_deref());
    let interface = route.network_interface_id.as_deref().and_then(|id| id.parse().ok());
    let instance = route.instance_id.as_deref().and_then(|id| id.parse().ok());
    if gateway == Some("local") {
        Target::Local
    } else if let Some(endpoint) = gateway.and_then(|id| id.parse().ok()) {
        Target::Endpoint(endpoint)
    } else if let Some(transit) = transit.and_then(|id| id.parse().ok()) {
        Target::TransitGateway(transit)
    } else if interface.is_some() || instance.is_some() {
        Target::Interface { interface, instance }
    } else {
        let others = [
            &route.gateway_id,
            &route.nat_gateway_id,
            &route.transit_gateway_id,
            &route.vpc_peering_connection_id,
            &route.local_gateway_id,
            &route.carrier_gateway_id,
            &route.egress_only_internet_gateway_id,
            &route.core_network_arn,
            &route.odb_network_arn,
            &route.network_interface_id,
            &route.instance_id,
        ];
        Target::Other(others.into_iter().flatten().next().cloned().unwrap_or_else(|| "no target".to_owned()))
    }
}

/// A subnet has one route table, and a VPC one main table; during a replacement EC2 may show two for a moment.
pub(super) fn one_table_each(inventory: &Inventory) -> Result<(), Trouble> {
    let (mut by_subnet, mut main) = (BTreeMap::new(), BTreeMap::new());
    for (id, table) in &inventory.route_tables {
        for subnet in &table.subnets {
            if let Some(other) = by_subnet.insert(subnet, id) {
                return Err(unusable(format_args!("`{subnet}` is associated with both `{other}` and `{id}`")));
            }
        }
        if table.role == TableRole::Main
            && let Some(other) = main.insert(&table.vpc, id)
        {
            return Err(unusable(format_args!(
                "both `{other}` and `{id}` are the main route table of `{}`",
                table.vpc
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use drawbridge_core::id::SubnetId;
    use expect_test::{Expect, expect};
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::inventory::tests::read;

    #[track_caller]
    fn check_routes(routes: &Value, expected: &Expect) {
        let held =
            read(json!({"RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Routes": routes}]})).unwrap();
        let said = held.route_tables.into_values().flat_map(|table| table.routes);
        let line = |route: Route| {
            let to = match route.destination {
                Destination::Addresses(range) => range.to_string(),
                Destination::PrefixList(id) => id.to_string(),
            };
            format!("{to} {:?} {:?}\n", route.target, route.state)
        };
        expected.assert_eq(&said.map(line).collect::<String>());
    }

    #[test]
    fn routes() {
        check_routes(
            &json!([{"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"},
                {"DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": "eni-1", "InstanceId": "i-1", "InstanceOwnerId": "111122223333"},
                {"DestinationCidrBlock": "0.0.0.0/1", "NetworkInterfaceId": "eni-1", "State": "blackhole"},
                {"DestinationIpv6CidrBlock": "::/0", "GatewayId": "vpce-1", "State": "active"},
                {"DestinationPrefixListId": "pl-1", "TransitGatewayId": "tgw-1"},
                {"DestinationCidrBlock": "192.0.2.0/24", "GatewayId": "igw-1"},
                {"DestinationCidrBlock": "198.51.100.0/24", "NatGatewayId": "nat-1", "State": "settling"},
                {"DestinationCidrBlock": "203.0.113.0/24", "GatewayId": "vgw-1", "State": "filtered"},
                {"DestinationCidrBlock": "203.0.113.0/25"}]),
            &expect![[r#"
                10.0.0.0/16 Local Active
                any Interface { interface: Some(InterfaceId("eni-1")), instance: Some(InstanceId("i-1")) } Active
                0.0.0.0/1 Interface { interface: Some(InterfaceId("eni-1")), instance: None } Blackhole
                any Endpoint(EndpointId("vpce-1")) Active
                pl-1 TransitGateway(TransitGatewayId("tgw-1")) Active
                192.0.2.0/24 Other("igw-1") Active
                198.51.100.0/24 Other("nat-1") Blackhole
                203.0.113.0/25 Other("no target") Active
            "#]],
        );
    }

    #[test]
    fn a_static_route_shadows_a_learned_one() {
        check_routes(
            &json!([{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "vgw-1", "Origin": "EnableVgwRoutePropagation"},
                {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "vpce-1", "Origin": "CreateRoute"},
                {"DestinationCidrBlock": "10.0.0.0/8", "GatewayId": "vgw-1", "Origin": "EnableVgwRoutePropagation"}]),
            &expect![[r#"
                any Endpoint(EndpointId("vpce-1")) Active
                10.0.0.0/8 Other("vgw-1") Active
            "#]],
        );
    }

    #[test]
    fn a_table_can_be_main_and_associated_and_edges_do_not_count() {
        let held = read(json!({"RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [
            {"Main": true}, {"Main": false, "SubnetId": "subnet-1", "AssociationState": {"State": "associated"}},
            {"Main": false, "SubnetId": "subnet-2", "AssociationState": {"State": "disassociated"}}, {"Main": false, "GatewayId": "igw-1"}]}]}))
        .unwrap();
        let table = held.route_tables.values().next().unwrap();
        assert_eq!(table.role, TableRole::Main);
        assert_eq!(table.subnets.iter().map(SubnetId::as_str).collect::<Vec<_>>(), ["subnet-1"]);
    }
}
