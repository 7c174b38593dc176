//! From the API calls of a story to the parameters of EC2's query form.

use crate::{
    cloud::Cloud,
    script::{Change, Id, Instance, Names, Peer, Permissions, Request, Traffic, Transition},
    world::cloud::subnet_of,
};

/// The parameters of a call, its action first.
pub(super) fn parameters(request: &Request, cloud: &Cloud, names: &Names) -> Result<Vec<(String, String)>, String> {
    let mut query = Query { names, parameters: vec![("Action".to_owned(), request.action().to_owned())] };
    match request {
        Request::Instances(Transition::Start | Transition::Stop | Transition::Terminate, ids) => {
            query.ids("InstanceId", ids);
        }
        Request::Run(instance) => query.launch(instance, cloud)?,
        Request::Permissions(Change::Authorize | Change::Revoke, group, permissions) => {
            query.add("GroupId", names.real(group));
            query.permissions(permissions);
        }
        Request::Raw { parameters, .. } => {
            for (key, value) in parameters {
                query.add(key, names.lengthen(value));
            }
        }
    }
    Ok(query.parameters)
}

struct Query<'a> {
    names: &'a Names,
    parameters: Vec<(String, String)>,
}

impl Query<'_> {
    fn add(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.parameters.push((key.into(), value.into()));
    }

    fn ids(&mut self, key: &str, ids: &[Id]) {
        for (n, id) in (1..).zip(ids) {
            self.add(format!("{key}.{n}"), self.names.real(id));
        }
    }

    fn launch(&mut self, instance: &Instance, cloud: &Cloud) -> Result<(), String> {
        let [std::net::IpAddr::V4(address)] = instance.addresses[..] else {
            return Err(format!("`{}` is launched with exactly one IPv4 address; assign others later", instance.id));
        };
        let subnet = subnet_of(cloud, self.names, instance.subnet.as_ref(), address)?;
        self.add("ImageId", "ami-0123456789abcdef0");
        self.add("InstanceType", "t3.micro");
        self.add("MinCount", "1");
        self.add("MaxCount", "1");
        self.add("SubnetId", subnet.to_string());
        self.add("PrivateIpAddress", address.to_string());
        self.ids("SecurityGroupId", &instance.groups);
        Ok(())
    }

    fn permissions(&mut self, permissions: &Permissions) {
        for (n, permission) in (1..).zip(&permissions.list) {
            let prefix = format!("IpPermissions.{n}");
            let (protocol, ports) = wire(permission.traffic);
            self.add(format!("{prefix}.IpProtocol"), protocol);
            if let Some((from, to)) = ports {
                self.add(format!("{prefix}.FromPort"), from.to_string());
                self.add(format!("{prefix}.ToPort"), to.to_string());
            }
            let mut counts = [0; 4];
            for peer in &permission.peers {
                let (list, key, member, value) = match peer {
                    Peer::Cidr(ipnet::IpNet::V4(cidr)) => (0, "IpRanges", "CidrIp", cidr.to_string()),
                    Peer::Cidr(ipnet::IpNet::V6(cidr)) => (1, "Ipv6Ranges", "CidrIpv6", cidr.to_string()),
                    Peer::Group(id) => (2, "Groups", "GroupId", self.names.real(id)),
                    Peer::PrefixList(id) => (3, "PrefixListIds", "PrefixListId", self.names.real(id)),
                };
                counts[list] += 1;
                self.add(format!("{prefix}.{key}.{}.{member}", counts[list]), value);
            }
        }
    }
}

/// Protocol and ports as a caller writes them.
fn wire(traffic: Traffic) -> (String, Option<(i32, i32)>) {
    let ports = |name: &str, first: u16, last: u16| (name.to_owned(), Some((i32::from(first), i32::from(last))));
    let kinds = |name: &str, kind: i16, code: i16| (name.to_owned(), Some((i32::from(kind), i32::from(code))));
    match traffic {
        Traffic::All => ("-1".to_owned(), None),
        Traffic::Tcp(first, last) => ports("tcp", first, last),
        Traffic::Udp(first, last) => ports("udp", first, last),
        Traffic::Icmp(kind, code) => kinds("icmp", kind, code),
        Traffic::Icmpv6(kind, code) => kinds("icmpv6", kind, code),
        Traffic::Protocol(number) => (number.to_string(), None),
    }
}
