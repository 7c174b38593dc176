//! Routes, associations of route tables, gateways, endpoints and networks of VPCs.

use ipnet::IpNet;

use super::{done, find, find_mut};
use crate::{
    clock::Moment,
    cloud::{
        Associated, Association, AssociationId, CidrAssociation, CidrAssociationId, CidrState, Cloud, Destination,
        EndpointId, InstanceId, InternetGatewayId, Route, RouteTable, RouteTableId, Target, VpcId,
        answer::Refusal,
        parameters::Parameters,
        shape::{Record, Shape},
    },
};

pub(super) fn create_route(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let (destination, target) = (destination(parameters)?, target(cloud, parameters)?);
    let table = find_mut(&mut cloud.resources.route_tables, &parameters.required_id("RouteTableId")?)?;
    if table.routes.iter().any(|route| route.destination == destination) {
        let message = format!("The route identified by {destination} already exists.");
        return Err(Refusal::new("RouteAlreadyExists", message));
    }
    table.routes.push(Route { destination, target });
    Ok(done())
}

pub(super) fn replace_route(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let (destination, target) = (destination(parameters)?, target(cloud, parameters)?);
    let table = find_mut(&mut cloud.resources.route_tables, &parameters.required_id("RouteTableId")?)?;
    let route = table.routes.iter_mut().find(|route| route.destination == destination);
    route.ok_or_else(|| no_route(&destination, &table.id))?.target = target;
    Ok(done())
}

pub(super) fn delete_route(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let destination = destination(parameters)?;
    let table = find_mut(&mut cloud.resources.route_tables, &parameters.required_id("RouteTableId")?)?;
    let place = table.routes.iter().position(|route| route.destination == destination);
    table.routes.remove(place.ok_or_else(|| no_route(&destination, &table.id))?);
    Ok(done())
}

fn no_route(destination: &Destination, table: &RouteTableId) -> Refusal {
    let message = format!("There is no route defined for '{destination}' in the route table '{table}'.");
    Refusal::new("InvalidRoute.NotFound", message)
}

fn destination(parameters: &Parameters) -> Result<Destination, Refusal> {
    if let Some(id) = parameters.id("DestinationPrefixListId")? {
        return Ok(Destination::PrefixList(id));
    }
    let v6: Option<IpNet> = parameters.parsed("DestinationIpv6CidrBlock")?;
    let cidr = v6.or(parameters.parsed("DestinationCidrBlock")?);
    cidr.map(|cidr| Destination::Cidr(cidr.trunc())).ok_or_else(|| Refusal::missing("DestinationCidrBlock"))
}

fn target(cloud: &Cloud, parameters: &Parameters) -> Result<Target, Refusal> {
    let all = &cloud.resources;
    if let Some(id) = parameters.id("NetworkInterfaceId")? {
        return find(&all.interfaces, &id).map(|_| Target::Interface(id));
    }
    if let Some(id) = parameters.id::<InstanceId>("InstanceId")? {
        find(&all.instances, &id)?;
        return match all.interfaces_of(&id).as_slice() {
            [only] => Ok(Target::Interface(only.id.clone())),
            [] => Err(Refusal::new("IncorrectInstanceState", format!("The instance '{id}' has no interface"))),
            _ => Err(Refusal::new(
                "InvalidInstanceID",
                format!("There are multiple interfaces attached to instance '{id}'."),
            )),
        };
    }
    let gateway = parameters.text("GatewayId");
    // An endpoint is named as either.
    let endpoint = gateway.filter(|id| id.starts_with("vpce-")).map_or("VpcEndpointId", |_| "GatewayId");
    if let Some(id) = parameters.id(endpoint)? {
        return find(&all.endpoints, &id).map(|_| Target::Endpoint(id));
    }
    if let Some(id) = parameters.id("GatewayId")? {
        return find(&all.internet_gateways, &id).map(|_| Target::InternetGateway(id));
    }
    if let Some(id) = parameters.id("NatGatewayId")? {
        return Ok(Target::Nat(id));
    }
    if let Some(id) = parameters.id("TransitGatewayId")? {
        return Ok(Target::Transit(id));
    }
    if let Some(id) = parameters.id("VpcPeeringConnectionId")? {
        return Ok(Target::Peering(id));
    }
    Err(Refusal::missing("GatewayId"))
}

pub(super) fn associate(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let table: RouteTableId = parameters.required_id("RouteTableId")?;
    find(&cloud.resources.route_tables, &table)?;
    let with = match parameters.id("SubnetId")? {
        Some(subnet) => find(&cloud.resources.subnets, &subnet).map(|_| Associated::Subnet(subnet))?,
        None => {
            let gateway: InternetGatewayId = parameters.required_id("GatewayId")?;
            find(&cloud.resources.internet_gateways, &gateway).map(|_| Associated::Gateway(gateway))?
        }
    };
    if cloud.associations().any(|association| association.with == with) {
        let message = "the specified association conflicts with an existing association";
        return Err(Refusal::new("Resource.AlreadyAssociated", message));
    }
    let id = cloud.put_in_force(&table, with)?;
    Ok(Record::new().with("associationId", &id).with("associationState", state("associated")))
}

pub(super) fn disassociate(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: AssociationId = parameters.required_id("AssociationId")?;
    if cloud.association(&id)?.with == Associated::Main {
        let message = format!("cannot disassociate the main route table association {id}");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    cloud.take_out_of_force(&id);
    Ok(done().with("associationState", state("disassociating")))
}

/// On the main association this changes the main table of the VPC.
pub(super) fn replace_association(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: AssociationId = parameters.required_id("AssociationId")?;
    let table: RouteTableId = parameters.required_id("RouteTableId")?;
    find(&cloud.resources.route_tables, &table)?;
    let with = cloud.association(&id)?.with.clone();
    cloud.take_out_of_force(&id);
    let id = cloud.put_in_force(&table, with)?;
    Ok(Record::new().with("newAssociationId", &id).with("associationState", state("associated")))
}

impl Cloud {
    fn associations(&self) -> impl Iterator<Item = &Association> {
        self.resources.route_tables.values().flat_map(|table| &table.associations)
    }

    fn association(&self, id: &AssociationId) -> Result<&Association, Refusal> {
        let found = self.associations().find(|association| association.id == *id);
        found.ok_or_else(|| Refusal::not_found::<AssociationId>(id))
    }

    fn put_in_force(&mut self, table: &RouteTableId, with: Associated) -> Result<AssociationId, Refusal> {
        let id: AssociationId = self.resource_ids.id();
        let table: &mut RouteTable = find_mut(&mut self.resources.route_tables, table)?;
        table.associations.push(Association { id: id.clone(), with });
        Ok(id)
    }

    fn take_out_of_force(&mut self, id: &AssociationId) {
        for table in self.resources.route_tables.values_mut() {
            table.associations.retain(|association| association.id != *id);
        }
    }
}

fn state(name: &str) -> Record {
    Record::new().with("state", name)
}

pub(super) fn attach_gateway(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let vpc: VpcId = parameters.required_id("VpcId")?;
    find(&cloud.resources.vpcs, &vpc)?;
    let gateway = find_mut(&mut cloud.resources.internet_gateways, &parameters.required_id("InternetGatewayId")?)?;
    if let Some(vpc) = &gateway.vpc {
        let message = format!("resource {} is already attached to network {vpc}", gateway.id);
        return Err(Refusal::new("Resource.AlreadyAssociated", message));
    }
    gateway.vpc = Some(vpc);
    Ok(done())
}

pub(super) fn detach_gateway(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let vpc: VpcId = parameters.required_id("VpcId")?;
    let gateway = find_mut(&mut cloud.resources.internet_gateways, &parameters.required_id("InternetGatewayId")?)?;
    if gateway.vpc.as_ref() != Some(&vpc) {
        let message = format!("resource {} is not attached to network {vpc}", gateway.id);
        return Err(Refusal::new("Gateway.NotAttached", message));
    }
    gateway.vpc = None;
    Ok(done())
}

/// Partial success, as in EC2: those that are not there are listed, the others go.
pub(super) fn delete_endpoints(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let ids = parameters.ids::<EndpointId>("VpcEndpointId")?;
    if ids.is_empty() {
        return Err(Refusal::missing("VpcEndpointId"));
    }
    let mut unsuccessful = vec![];
    for id in ids {
        if cloud.resources.endpoints.remove(&id).is_none() {
            let refusal = Refusal::not_found::<EndpointId>(&id);
            let error = Record::new().with("code", refusal.code).with("message", refusal.message);
            unsuccessful.push(Record::new().with("resourceId", &id).with("error", error));
        }
    }
    Ok(Record::new().with("unsuccessful", Shape::from_iter(unsuccessful)))
}

pub(super) fn associate_cidr(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: VpcId = parameters.required_id("VpcId")?;
    find(&cloud.resources.vpcs, &id)?;
    let (v4, v6) = (parameters.parsed("CidrBlock")?, parameters.parsed("Ipv6CidrBlock")?);
    let cidr: IpNet = match (v4, v6) {
        (Some(cidr), None) => IpNet::V4(cidr),
        (None, Some(cidr)) => IpNet::V6(cidr),
        (None, None) => return Err(Refusal::missing("CidrBlock")),
        (Some(_), Some(_)) => {
            return Err(Refusal::combination("Only one of CidrBlock and Ipv6CidrBlock can be given."));
        }
    };
    let association_id: CidrAssociationId = cloud.resource_ids.id();
    let vpc = find_mut(&mut cloud.resources.vpcs, &id)?;
    // The answer says what was begun, the next look what has become of it.
    let answer =
        CidrAssociation { id: association_id.clone(), cidr: cidr.trunc(), state: CidrState::Associating }.shape();
    let (id, state) = (association_id, CidrState::Associated);
    let member = match cidr.trunc() {
        IpNet::V4(cidr) => {
            vpc.cidrs.push(CidrAssociation { id, cidr, state });
            "cidrBlockAssociation"
        }
        IpNet::V6(cidr) => {
            vpc.ipv6_cidrs.push(CidrAssociation { id, cidr, state });
            "ipv6CidrBlockAssociation"
        }
    };
    Ok(Record::new().with("vpcId", &vpc.id).with(member, answer))
}

pub(super) fn disassociate_cidr(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: CidrAssociationId = parameters.required_id("AssociationId")?;
    for vpc in cloud.resources.vpcs.values_mut() {
        let member = if let Some(place) = vpc.cidrs.iter().position(|known| known.id == id) {
            if place == 0 {
                let message = "The primary network of a VPC cannot be disassociated.";
                return Err(Refusal::new("OperationNotPermitted", message));
            }
            let gone = CidrAssociation { state: CidrState::Disassociating, ..vpc.cidrs.remove(place) };
            Some(("cidrBlockAssociation", gone.shape()))
        } else if let Some(place) = vpc.ipv6_cidrs.iter().position(|known| known.id == id) {
            let gone = CidrAssociation { state: CidrState::Disassociating, ..vpc.ipv6_cidrs.remove(place) };
            Some(("ipv6CidrBlockAssociation", gone.shape()))
        } else {
            None
        };
        if let Some((member, shape)) = member {
            return Ok(Record::new().with("vpcId", &vpc.id).with(member, shape));
        }
    }
    Err(Refusal::not_found::<CidrAssociationId>(&id))
}
