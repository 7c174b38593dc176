//! VPC endpoints.

use super::{find, tags_among};
use crate::{
    clock::Moment,
    cloud::{
        Cloud, Destination, EndpointId, EndpointKind, Family, Interface, PrefixList, PrefixListId, Route, RouteTableId,
        Subnet, SubnetId, Tags, Target, VpcEndpoint, VpcId,
        answer::Refusal,
        ids::{GroupId, fingerprint},
        parameters::Parameters,
        shape::{Record, Shape},
    },
};

pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, now: Moment) -> Result<Record, Refusal> {
    let vpc: VpcId = parameters.required_id("VpcId")?;
    find(&cloud.resources.vpcs, &vpc)?;
    let (kind, service) = (kind(parameters)?, parameters.required("ServiceName")?);
    check_service(cloud, kind, service)?;
    let subnets = subnets(cloud, &vpc, parameters)?;
    let tables = tables(cloud, &vpc, parameters)?;
    let groups = parameters.ids::<GroupId>("SecurityGroupId")?;
    groups.iter().try_for_each(|group| find(&cloud.resources.groups, group).map(drop))?;
    let addresses =
        subnets.iter().map(|subnet| cloud.free_addresses(subnet, 1)).collect::<Result<Vec<_>, _>>()?.concat();
    let tags = tags_among(parameters, "vpc-endpoint", &["vpc-endpoint"])?;
    let mut endpoint = VpcEndpoint::new(cloud.resource_ids.id(), vpc, kind, service);
    (endpoint.created, endpoint.tags, endpoint.groups) = (now, tags, groups);
    for (subnet, address) in subnets.into_iter().zip(addresses) {
        let description = format!("VPC Endpoint Interface {}", endpoint.id);
        let interface = cloud.service_interface(&subnet, address, &description, now);
        endpoint.interfaces.push(interface.id.clone());
        endpoint.subnets.push(subnet.id);
        let kind = if kind == EndpointKind::Interface { "vpc_endpoint" } else { "gateway_load_balancer_endpoint" };
        let interface = Interface { kind: kind.into(), groups: endpoint.groups.clone(), ..interface };
        cloud.resources.interfaces.insert(interface.id.clone(), interface);
    }
    if kind == EndpointKind::Gateway {
        let destination = Destination::PrefixList(cloud.service_list(service));
        for table in &tables {
            let route = Route { destination: destination.clone(), target: Target::Endpoint(endpoint.id.clone()) };
            cloud.resources.route_tables.entry(table.clone()).and_modify(|table| table.routes.push(route));
        }
    }
    endpoint.tables = tables;
    let answer = endpoint.shape(&cloud.resources, &cloud.account);
    cloud.resources.endpoints.insert(endpoint.id.clone(), endpoint);
    let token = parameters.text("ClientToken").unwrap_or_default();
    let answer = if kind == EndpointKind::Gateway { answer } else { answer.instead("state", "pending") };
    Ok(Record::new().with("vpcEndpoint", answer).with("clientToken", token))
}

fn kind(parameters: &Parameters) -> Result<EndpointKind, Refusal> {
    let text = parameters.text("VpcEndpointType").unwrap_or("Gateway");
    let all = [EndpointKind::Gateway, EndpointKind::Interface, EndpointKind::GatewayLoadBalancer];
    all.into_iter().find(|kind| kind.name() == text).ok_or_else(|| Refusal::value("VpcEndpointType", text))
}

fn check_service(cloud: &Cloud, kind: EndpointKind, service: &str) -> Result<(), Refusal> {
    let region = &cloud.region;
    let own = service.strip_prefix(&format!("com.amazonaws.{region}."));
    let shared = service.starts_with(&format!("com.amazonaws.vpce.{region}.vpce-svc-"));
    let fits = match kind {
        EndpointKind::Gateway => matches!(own, Some("s3" | "dynamodb")),
        EndpointKind::Interface => own.is_some() || shared,
        EndpointKind::GatewayLoadBalancer => shared,
    };
    if fits {
        return Ok(());
    }
    Err(Refusal::new("InvalidServiceName", format!("The Vpc Endpoint Service '{service}' does not exist")))
}

fn subnets(cloud: &Cloud, vpc: &VpcId, parameters: &Parameters) -> Result<Vec<Subnet>, Refusal> {
    let ids = parameters.ids::<SubnetId>("SubnetId")?;
    let subnets = ids.iter().map(|id| find(&cloud.resources.subnets, id).cloned()).collect::<Result<Vec<_>, _>>()?;
    match subnets.iter().find(|subnet| subnet.vpc != *vpc) {
        None => Ok(subnets),
        Some(stranger) => {
            let message = format!("subnet {} and VPC {vpc} belong to different networks", stranger.id);
            Err(Refusal::new("InvalidParameter", message))
        }
    }
}

fn tables(cloud: &Cloud, vpc: &VpcId, parameters: &Parameters) -> Result<Vec<RouteTableId>, Refusal> {
    let ids = parameters.ids::<RouteTableId>("RouteTableId")?;
    for id in &ids {
        if find(&cloud.resources.route_tables, id)?.vpc != *vpc {
            let message = format!("Route table {id} and VPC {vpc} belong to different networks");
            return Err(Refusal::new("InvalidParameter", message));
        }
    }
    Ok(ids)
}

/// Partial success, as in EC2: those that are not there are listed, the others go.
pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let ids = parameters.ids::<EndpointId>("VpcEndpointId")?;
    if ids.is_empty() {
        return Err(Refusal::missing("VpcEndpointId"));
    }
    let mut unsuccessful = vec![];
    for id in ids {
        match cloud.resources.endpoints.remove(&id) {
            Some(endpoint) => cloud.clear_away(&endpoint),
            None => {
                let refusal = Refusal::not_found::<EndpointId>(&id);
                let error = Record::new().with("code", refusal.code).with("message", refusal.message);
                unsuccessful.push(Record::new().with("resourceId", &id).with("error", error));
            }
        }
    }
    Ok(Record::new().with("unsuccessful", Shape::from_iter(unsuccessful)))
}

impl Cloud {
    /// Routes that somebody made stay, as black holes; those that came with a gateway endpoint go.
    fn clear_away(&mut self, endpoint: &VpcEndpoint) {
        self.resources.interfaces.retain(|id, _| !endpoint.interfaces.contains(id));
        for table in &endpoint.tables {
            let target = Target::Endpoint(endpoint.id.clone());
            self.resources.route_tables.entry(table.clone()).and_modify(|table| {
                table.routes.retain(|route| route.target != target);
            });
        }
    }

    /// AWS's own list of the networks of a service. Those in it stand for them: networks for documentation (RFC 5737).
    fn service_list(&mut self, service: &str) -> PrefixListId {
        let known = self.resources.prefix_lists.values().find(|list| list.name == service);
        if let Some(list) = known {
            return list.id.clone();
        }
        let digits = fingerprint(service.as_bytes()) & 0xffff_ffff;
        let id: PrefixListId = format!("pl-{digits:08x}").parse().expect("8 hex digits make an id");
        let entries = vec![("192.0.2.0/24".parse().expect("a network"), None)];
        let (name, family, earlier, owner) = (service.to_owned(), Family::V4, vec![], Some("AWS".to_owned()));
        let (version, entries_max, tags) = (1, 50, Tags::new());
        let list = PrefixList { id: id.clone(), name, family, entries, version, earlier, entries_max, owner, tags };
        self.resources.prefix_lists.insert(id.clone(), list);
        id
    }
}
