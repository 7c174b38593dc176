//! Routes, and what can be on their other end.

use ipnet::IpNet;

use super::{done, find, find_mut};
use crate::{
    clock::Moment,
    cloud::{
        Cloud, Destination, InstanceId, Route, RouteTable, RouteTableId, Target, VpcId, answer::Refusal,
        parameters::Parameters, shape::Record,
    },
};

pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let (destination, target) = (destination(cloud, parameters)?, target(cloud, parameters)?);
    let id: RouteTableId = parameters.required_id("RouteTableId")?;
    let table = find(&cloud.resources.route_tables, &id)?;
    check_place(cloud, table, &destination, &target)?;
    let is_local = networks(cloud, table).iter().any(|cidr| destination == Destination::Cidr(*cidr));
    if is_local || table.routes.iter().any(|route| route.destination == destination) {
        let message = format!("The route identified by {destination} already exists.");
        return Err(Refusal::new("RouteAlreadyExists", message));
    }
    find_mut(&mut cloud.resources.route_tables, &id)?.routes.push(Route { destination, target });
    Ok(done())
}

pub(super) fn replace(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let (destination, target) = (destination(cloud, parameters)?, target(cloud, parameters)?);
    let id: RouteTableId = parameters.required_id("RouteTableId")?;
    check_place(cloud, find(&cloud.resources.route_tables, &id)?, &destination, &target)?;
    let table = find_mut(&mut cloud.resources.route_tables, &id)?;
    let route = table.routes.iter_mut().find(|route| route.destination == destination);
    route.ok_or_else(|| no_route(&destination, &table.id))?.target = target;
    Ok(done())
}

pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let destination = destination(cloud, parameters)?;
    let id: RouteTableId = parameters.required_id("RouteTableId")?;
    let table = find(&cloud.resources.route_tables, &id)?;
    if networks(cloud, table).iter().any(|cidr| destination == Destination::Cidr(*cidr)) {
        let message = format!("cannot remove local route {destination} in route table {id}");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    let place = table.routes.iter().position(|route| route.destination == destination);
    let place = place.ok_or_else(|| no_route(&destination, &id))?;
    find_mut(&mut cloud.resources.route_tables, &id)?.routes.remove(place);
    Ok(done())
}

/// What the VPC's `local` routes are for.
fn networks(cloud: &Cloud, table: &RouteTable) -> Vec<IpNet> {
    cloud.resources.vpcs.get(&table.vpc).into_iter().flat_map(|vpc| vpc.networks()).collect()
}

fn no_route(destination: &Destination, table: &RouteTableId) -> Refusal {
    let message = format!("There is no route defined for '{destination}' in the route table '{table}'.");
    Refusal::new("InvalidRoute.NotFound", message)
}

/// A target must be in the VPC of the table, and only some may take packets that are for the VPC itself.
fn check_place(cloud: &Cloud, table: &RouteTable, destination: &Destination, target: &Target) -> Result<(), Refusal> {
    check_network(cloud, table, target)?;
    let Destination::Cidr(cidr) = destination else { return Ok(()) };
    let inside = networks(cloud, table).iter().any(|network| network != cidr && network.contains(cidr));
    match target {
        Target::Interface(_) | Target::Endpoint(_) | Target::Nat(_) => Ok(()),
        Target::InternetGateway(_) | Target::Transit(_) | Target::Peering(_) | Target::EgressGateway(_) if inside => {
            let message = format!(
                "The destination CIDR block {cidr} is equal to or more specific than one of this VPC's CIDR blocks. \
                 This route can target only an interface or an instance."
            );
            Err(Refusal::new("InvalidParameterValue", message))
        }
        Target::InternetGateway(_) | Target::Transit(_) | Target::Peering(_) => Ok(()),
        Target::EgressGateway(_) if matches!(cidr, IpNet::V4(_)) => {
            Err(Refusal::value("destinationCidrBlock", &cidr.to_string()))
        }
        Target::EgressGateway(_) => Ok(()),
    }
}

fn check_network(cloud: &Cloud, table: &RouteTable, target: &Target) -> Result<(), Refusal> {
    let all = &cloud.resources;
    let of_subnet = |subnet| all.subnets.get(subnet).map(|subnet| &subnet.vpc);
    let (what, vpc, name): (_, Option<&VpcId>, String) = match target {
        Target::InternetGateway(id) => {
            ("network gateway", all.internet_gateways.get(id).and_then(|gateway| gateway.vpc.as_ref()), id.to_string())
        }
        Target::Interface(id) => {
            ("interface", all.interfaces.get(id).and_then(|other| of_subnet(&other.subnet)), id.to_string())
        }
        Target::Endpoint(id) => ("VPC endpoint", all.endpoints.get(id).map(|other| &other.vpc), id.to_string()),
        Target::Nat(id) => ("NAT gateway", all.nat_gateways.get(id).map(|other| &other.vpc), id.to_string()),
        Target::EgressGateway(id) => {
            ("egress only gateway", all.egress_gateways.get(id).map(|other| &other.vpc), id.to_string())
        }
        Target::Transit(id) => {
            let attached = all.transit_attachments.values().any(|other| other.gateway == *id && other.vpc == table.vpc);
            let message = || format!("Transit Gateway {id} was deleted or does not exist.");
            return if attached { Ok(()) } else { Err(Refusal::new("InvalidTransitGatewayID.NotFound", message())) };
        }
        Target::Peering(id) => {
            let peering = all.peerings.get(id);
            let side = peering.is_some_and(|peering| [&peering.requester, &peering.accepter].contains(&&table.vpc));
            ("VPC peering connection", side.then_some(&table.vpc), id.to_string())
        }
    };
    if vpc == Some(&table.vpc) {
        return Ok(());
    }
    let message = format!("route table {} and {what} {name} belong to different networks", table.id);
    Err(Refusal::new("InvalidParameterValue", message))
}

fn destination(cloud: &Cloud, parameters: &Parameters) -> Result<Destination, Refusal> {
    if let Some(id) = parameters.id("DestinationPrefixListId")? {
        return find(&cloud.resources.prefix_lists, &id).map(|_| Destination::PrefixList(id));
    }
    let v6: Option<ipnet::Ipv6Net> = parameters.parsed("DestinationIpv6CidrBlock")?;
    let v4: Option<ipnet::Ipv4Net> = parameters.parsed("DestinationCidrBlock")?;
    let cidr = v6.map(IpNet::V6).or(v4.map(IpNet::V4));
    cidr.map(|cidr| Destination::Cidr(cidr.trunc())).ok_or_else(|| Refusal::missing("destinationCidrBlock"))
}

/// The parameters that name a target. A call has exactly one of them.
const TARGETS: [&str; 8] = [
    "NetworkInterfaceId",
    "InstanceId",
    "GatewayId",
    "VpcEndpointId",
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "EgressOnlyInternetGatewayId",
];

fn target(cloud: &Cloud, parameters: &Parameters) -> Result<Target, Refusal> {
    let all = &cloud.resources;
    let mut given = TARGETS.into_iter().filter(|name| parameters.text(name).is_some());
    let name = match (given.next(), given.next()) {
        (Some(name), None) => name,
        (None, _) => return Err(Refusal::missing("gatewayId")),
        (Some(_), Some(_)) => {
            return Err(Refusal::combination("You must specify only one target for a route."));
        }
    };
    // An endpoint is named as either.
    let is_endpoint = parameters.required(name)?.starts_with("vpce-");
    match name {
        "NetworkInterfaceId" => {
            let id = parameters.required_id(name)?;
            find(&all.interfaces, &id).map(|_| Target::Interface(id))
        }
        "InstanceId" => only_interface(cloud, &parameters.required_id(name)?),
        "VpcEndpointId" | "GatewayId" if is_endpoint => {
            let id = parameters.required_id(name)?;
            find(&all.endpoints, &id).map(|_| Target::Endpoint(id))
        }
        "GatewayId" => {
            let id = parameters.required_id(name)?;
            find(&all.internet_gateways, &id).map(|_| Target::InternetGateway(id))
        }
        "NatGatewayId" => {
            let id = parameters.required_id(name)?;
            find(&all.nat_gateways, &id).map(|_| Target::Nat(id))
        }
        "TransitGatewayId" => parameters.required_id(name).map(Target::Transit),
        "VpcPeeringConnectionId" => {
            let id = parameters.required_id(name)?;
            find(&all.peerings, &id).map(|_| Target::Peering(id))
        }
        "EgressOnlyInternetGatewayId" => {
            let id = parameters.required_id(name)?;
            find(&all.egress_gateways, &id).map(|_| Target::EgressGateway(id))
        }
        _ => Err(Refusal::value(name, parameters.required(name)?)),
    }
}

/// A route to an instance is one to its interface, if it has only one.
fn only_interface(cloud: &Cloud, id: &InstanceId) -> Result<Target, Refusal> {
    find(&cloud.resources.instances, id)?;
    match cloud.resources.interfaces_of(id).as_slice() {
        [only] => Ok(Target::Interface(only.id.clone())),
        [] => Err(Refusal::new("IncorrectInstanceState", format!("The instance '{id}' has no interface"))),
        _ => Err(super::many_interfaces(id)),
    }
}
