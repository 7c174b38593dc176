//! From the `cloud` section of a story to a cloud.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::{
    clock::Moment,
    cloud::{self, Associated, Cloud, Destination, Holder, Interface, Target, VpcEndpoint},
    script::{CloudLine, Id, Instance, InstanceState, Kind, Names, Peer, Permissions, Placed, TableRole, Traffic},
};

/// What a story begins with that declares no VPC: a subnet for the firewall, one behind it, and the firewall in between.
pub(super) const DEFAULT: &str = "\
vpc vpc-1 10.0.0.0/16
subnet subnet-fw 10.0.0.0/24
subnet subnet-1 10.0.1.0/24
route-table rtb-fw for subnet-fw
route rtb-fw 0.0.0.0/0 -> igw-1
route-table rtb-1 main
route rtb-1 0.0.0.0/0 -> eni-fw
sg sg-fw
instance i-fw 10.0.0.10 sg-fw running
";

/// What is wrong with a line, and the remedy.
type Told = Result<(), String>;

/// A cloud with everything that the lines tell of, in whatever order they do.
pub(super) fn furnished(lines: &[Placed<CloudLine>], names: &mut Names) -> Result<Cloud, (usize, String)> {
    let mut account = "111122223333";
    let mut region = "eu-west-1";
    for line in lines {
        match &line.what {
            CloudLine::Account(number) => account = number,
            CloudLine::Region(name) => region = name,
            CloudLine::Vpc { .. }
            | CloudLine::Subnet { .. }
            | CloudLine::RouteTable { .. }
            | CloudLine::Route { .. } => {}
            CloudLine::Group { .. } | CloudLine::Permissions { .. } | CloudLine::PrefixList { .. } => {}
            CloudLine::Instance(_) | CloudLine::Interface { .. } => {}
            CloudLine::StatesTake(_) | CloudLine::PageSize(_) => {}
        }
    }
    let mut furnisher = Furnisher { cloud: Cloud::new(account, region), names };
    for stage in STAGES {
        for line in lines {
            stage(&mut furnisher, &line.what).map_err(|what| (line.line, what))?;
        }
    }
    Ok(furnisher.cloud)
}

/// What must be there before what: each stage takes the lines that are its own.
const STAGES: [fn(&mut Furnisher<'_>, &CloudLine) -> Told; 6] = [
    |furnisher, line| furnisher.settings(line),
    |furnisher, line| furnisher.vpc_with_networks(line),
    |furnisher, line| furnisher.subnets_groups_and_lists(line),
    |furnisher, line| furnisher.permissions(line),
    |furnisher, line| furnisher.instances(line),
    |furnisher, line| furnisher.interfaces_and_routes(line),
];

struct Furnisher<'a> {
    cloud: Cloud,
    names: &'a mut Names,
}

impl Furnisher<'_> {
    fn settings(&mut self, line: &CloudLine) -> Told {
        let settings = self.cloud.settings_mut();
        if let CloudLine::StatesTake(span) = line {
            (settings.starting, settings.stopping) = (*span, *span);
        } else if let CloudLine::PageSize(size) = line {
            settings.page_max = Some(*size);
        }
        Ok(())
    }

    fn vpc_with_networks(&mut self, line: &CloudLine) -> Told {
        let CloudLine::Vpc { id, cidrs } = line else { return Ok(()) };
        let id: cloud::VpcId = self.real(id)?;
        let Some((IpNet::V4(first), rest)) = cidrs.split_first() else {
            return Err("the first CIDR of a VPC must be an IPv4 one".to_owned());
        };
        told(self.cloud.add_vpc(id.clone(), *first))?;
        rest.iter().try_for_each(|cidr| told(self.cloud.add_vpc_cidr(&id, *cidr)))
    }

    fn subnets_groups_and_lists(&mut self, line: &CloudLine) -> Told {
        if let CloudLine::Subnet { id, cidrs, vpc } = line {
            self.subnet(id, cidrs, vpc.as_ref())
        } else if let CloudLine::RouteTable { id, vpc, .. } = line {
            let vpc = self.vpc(vpc.as_ref())?;
            told(self.cloud.add_route_table(self.real(id)?, vpc))
        } else if let CloudLine::Group { id, vpc } = line {
            self.group(id, vpc.as_ref())
        } else if let CloudLine::PrefixList { id, entries } = line {
            told(self.cloud.add_prefix_list(self.real(id)?, id.as_str(), entries.clone()))
        } else {
            Ok(())
        }
    }

    fn subnet(&mut self, id: &Id, cidrs: &[IpNet], vpc: Option<&Id>) -> Told {
        let (v4, v6) = by_family(cidrs);
        let [cidr] = v4[..] else { return Err(format!("`{id}` needs exactly one IPv4 CIDR")) };
        let real: cloud::SubnetId = self.real(id)?;
        let vpc = self.vpc(vpc)?;
        told(self.cloud.add_subnet(real.clone(), vpc, cidr))?;
        if let Some(subnet) = self.cloud.resources_mut().subnets.get_mut(&real) {
            subnet.ipv6_cidrs = v6;
        }
        Ok(())
    }

    fn group(&mut self, id: &Id, vpc: Option<&Id>) -> Told {
        let vpc = self.vpc(vpc)?;
        told(self.cloud.add_group(self.real(id)?, vpc, id.as_str()))
    }

    /// A group that only its permissions tell of is there too.
    fn permissions(&mut self, line: &CloudLine) -> Told {
        let CloudLine::Permissions { group, permissions } = line else { return Ok(()) };
        let real: cloud::GroupId = self.real(group)?;
        if !self.cloud.resources().groups.contains_key(&real) {
            self.group(group, None)?;
        }
        let Permissions { direction, list } = permissions;
        for permission in list {
            let peer = |peer: &Peer| {
                let peer = match peer {
                    Peer::Cidr(cidr) => cloud::Peer::Cidr(cidr.trunc()),
                    Peer::Group(id) => cloud::Peer::Group(self.real(id)?),
                    Peer::PrefixList(id) => cloud::Peer::PrefixList(self.real(id)?),
                };
                Ok((peer, None))
            };
            let peers = permission.peers.iter().map(peer).collect::<Result<_, String>>()?;
            let permission = cloud::Permission { traffic: permission.traffic.into(), peers };
            told(self.cloud.add_permission(&real, (*direction).into(), permission).map(drop))?;
        }
        Ok(())
    }

    fn instances(&mut self, line: &CloudLine) -> Told {
        let CloudLine::Instance(instance) = line else { return Ok(()) };
        let Instance { id, addresses, groups, subnet, state } = instance;
        let (v4, v6) = addresses_by_family(addresses);
        let Some((first, more)) = v4.split_first() else { return Err(format!("`{id}` needs an IPv4 address")) };
        let subnet = subnet_of(&self.cloud, self.names, subnet.as_ref(), *first)?;
        let groups = self.reals(groups)?;
        let added = self.cloud.add_instance(self.real(id)?, subnet, *first, groups, (*state).into());
        let interface = added.map_err(|error| error.to_string())?;
        self.names.bind(&instance.interface(), &interface.to_string());
        if let Some(interface) = self.cloud.resources_mut().interfaces.get_mut(&interface) {
            interface.addresses.extend(more);
            interface.ipv6_addresses = v6;
        }
        Ok(())
    }

    fn interfaces_and_routes(&mut self, line: &CloudLine) -> Told {
        if let CloudLine::Interface { id, addresses, groups, instance, subnet } = line {
            self.interface(id, addresses, groups, instance.as_ref(), subnet.as_ref())
        } else if let CloudLine::RouteTable { id, role, subnets, .. } = line {
            self.associations(id, *role, subnets)
        } else if let CloudLine::Route { table, destination, target } = line {
            let table = self.real(table)?;
            let target = self.target(&table, target)?;
            told(self.cloud.add_route(&table, Destination::Cidr(*destination), target))
        } else {
            Ok(())
        }
    }

    fn interface(
        &mut self,
        id: &Id,
        addresses: &[IpAddr],
        groups: &[Id],
        instance: Option<&Id>,
        subnet: Option<&Id>,
    ) -> Told {
        let (v4, v6) = addresses_by_family(addresses);
        let first = *v4.first().ok_or_else(|| format!("`{id}` needs an IPv4 address"))?;
        let subnet = subnet_of(&self.cloud, self.names, subnet, first)?;
        let mut interface = Interface::new(self.real(id)?, subnet, first, self.reals(groups)?);
        interface.addresses = v4;
        interface.ipv6_addresses = v6;
        if let Some(instance) = instance {
            let holder: cloud::InstanceId = self.real(instance)?;
            let others = self.cloud.resources().interfaces.values().filter(|other| other.instance() == Some(&holder));
            let device = u32::try_from(others.count()).unwrap_or(u32::MAX);
            interface.attachment = Some(self.cloud.attachment(Holder::Instance(holder), device, Moment::default()));
        }
        told(self.cloud.add_interface(interface))
    }

    fn associations(&mut self, table: &Id, role: TableRole, subnets: &[Id]) -> Told {
        let table = self.real(table)?;
        let mut uses: Vec<_> = self.reals(subnets)?.into_iter().map(Associated::Subnet).collect();
        if role == TableRole::Main {
            uses.push(Associated::Main);
        }
        uses.into_iter().try_for_each(|with| told(self.cloud.associate(&table, with).map(drop)))
    }

    /// Where a route leads. Gateways and endpoints are there as soon as a route leads to them; whatever packets are routed
    /// to must be willing to pass them on.
    fn target(&mut self, table: &cloud::RouteTableId, target: &Id) -> Result<Target, String> {
        let vpc = self.cloud.resources().route_tables.get(table).map(|table| table.vpc.clone());
        let vpc = vpc.ok_or_else(|| "there is no such route table; add it with `route-table`".to_owned())?;
        Ok(match target.kind() {
            Kind::InternetGateway => {
                let id = self.real(target)?;
                if !self.cloud.resources().internet_gateways.contains_key(&id) {
                    told(self.cloud.add_internet_gateway(id.clone(), vpc))?;
                }
                Target::InternetGateway(id)
            }
            Kind::Endpoint => {
                let id: cloud::EndpointId = self.real(target)?;
                if !self.cloud.resources().endpoints.contains_key(&id) {
                    told(self.cloud.add_vpc_endpoint(gateway_load_balancer(id.clone(), vpc)))?;
                }
                Target::Endpoint(id)
            }
            Kind::Interface => Target::Interface(self.forwarding(&self.names.real(target))?),
            Kind::Instance => Target::Interface(self.forwarding(&self.names.real(&target.sibling(Kind::Interface)))?),
            Kind::NatGateway => Target::Nat(self.real(target)?),
            Kind::TransitGateway => Target::Transit(self.real(target)?),
            Kind::Group | Kind::Subnet | Kind::Vpc | Kind::RouteTable | Kind::PrefixList => {
                return Err(format!(
                    "a route cannot lead to `{target}`; give a gateway, interface, instance or endpoint"
                ));
            }
        })
    }

    fn forwarding(&mut self, id: &str) -> Result<cloud::InterfaceId, String> {
        let id: cloud::InterfaceId = parsed(id)?;
        if let Some(interface) = self.cloud.resources_mut().interfaces.get_mut(&id) {
            interface.source_dest_check = false;
        }
        Ok(id)
    }

    /// A VPC by its id; without one, the first of the story.
    fn vpc(&self, id: Option<&Id>) -> Result<cloud::VpcId, String> {
        match (id, self.cloud.resources().vpcs.len()) {
            (Some(id), _) => self.real(id),
            (None, 1) => Ok(self.cloud.resources().vpcs.keys().next().cloned().expect("there is one")),
            (None, 0) => Err("there is no VPC; add one with `vpc`".to_owned()),
            (None, _) => Err("there are several VPCs; say which one with `in`".to_owned()),
        }
    }

    fn real<T: std::str::FromStr<Err: std::fmt::Display>>(&self, id: &Id) -> Result<T, String> {
        parsed(&self.names.real(id))
    }

    fn reals<T: std::str::FromStr<Err: std::fmt::Display>>(&self, ids: &[Id]) -> Result<Vec<T>, String> {
        ids.iter().map(|id| self.real(id)).collect()
    }
}

/// The subnet that is named, else the one that holds the address.
pub(super) fn subnet_of(
    cloud: &Cloud,
    names: &Names,
    named: Option<&Id>,
    address: Ipv4Addr,
) -> Result<cloud::SubnetId, String> {
    if let Some(id) = named {
        return parsed(&names.real(id));
    }
    let mut holding = cloud.resources().subnets.values().filter(|subnet| subnet.cidr.contains(&address));
    match (holding.next(), holding.next()) {
        (Some(subnet), None) => Ok(subnet.id.clone()),
        (None, _) => Err(format!("no subnet holds {address}; choose another address or add a subnet")),
        (Some(_), Some(_)) => Err(format!("several subnets hold {address}; say which one with `in`")),
    }
}

pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(id: &str) -> Result<T, String> {
    id.parse().map_err(|error: T::Err| error.to_string())
}

fn told(done: Result<(), cloud::SetupError>) -> Told {
    done.map_err(|error| error.to_string())
}

fn gateway_load_balancer(id: cloud::EndpointId, vpc: cloud::VpcId) -> VpcEndpoint {
    let service = "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0";
    VpcEndpoint::new(id, vpc, cloud::EndpointKind::GatewayLoadBalancer, service)
}

fn by_family(cidrs: &[IpNet]) -> (Vec<Ipv4Net>, Vec<Ipv6Net>) {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for cidr in cidrs {
        match cidr {
            IpNet::V4(cidr) => v4.push(*cidr),
            IpNet::V6(cidr) => v6.push(*cidr),
        }
    }
    (v4, v6)
}

fn addresses_by_family(addresses: &[IpAddr]) -> (Vec<Ipv4Addr>, Vec<Ipv6Addr>) {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for address in addresses {
        match address {
            IpAddr::V4(address) => v4.push(*address),
            IpAddr::V6(address) => v6.push(*address),
        }
    }
    (v4, v6)
}

impl From<Traffic> for cloud::Traffic {
    fn from(traffic: Traffic) -> Self {
        let ports = |first: u16, last: u16| Some((i32::from(first), i32::from(last)));
        let kinds = |kind: i16, code: i16| Some((i32::from(kind), i32::from(code)));
        match traffic {
            Traffic::All => Self::ALL,
            Traffic::Tcp(first, last) => Self::new(cloud::Protocol::Tcp, ports(first, last)),
            Traffic::Udp(first, last) => Self::new(cloud::Protocol::Udp, ports(first, last)),
            Traffic::Icmp(kind, code) => Self::new(cloud::Protocol::Icmp, kinds(kind, code)),
            Traffic::Icmpv6(kind, code) => Self::new(cloud::Protocol::Icmpv6, kinds(kind, code)),
            Traffic::Protocol(number) => Self::new(cloud::Protocol::Number(number), None),
        }
    }
}

impl From<crate::script::Direction> for cloud::Direction {
    fn from(direction: crate::script::Direction) -> Self {
        match direction {
            crate::script::Direction::Ingress => Self::Ingress,
            crate::script::Direction::Egress => Self::Egress,
        }
    }
}

impl From<InstanceState> for cloud::InstanceState {
    fn from(state: InstanceState) -> Self {
        match state {
            InstanceState::Pending => Self::Pending,
            InstanceState::Running => Self::Running,
            InstanceState::ShuttingDown => Self::ShuttingDown,
            InstanceState::Terminated => Self::Terminated,
            InstanceState::Stopping => Self::Stopping,
            InstanceState::Stopped => Self::Stopped,
        }
    }
}
