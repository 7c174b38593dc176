//! How the internet reaches an interface, read from the AWS CLI's answers the plain way.

use serde_json::Value;

use crate::{settings::Chosen, span::Span, world::Answers};

/// Whether the internet reaches an interface through the firewall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Yes,
    No,
    /// Nobody can tell now.
    Unknown,
}

/// The answers that routing is about.
pub(crate) struct Routes<'a> {
    pub(crate) answers: &'a Answers,
    pub(crate) chosen: &'a Chosen,
}

fn text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value[member].as_str()
}

fn list<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    value[member].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The instance that an interface is attached to.
fn attached(interface: &Value) -> Option<&str> {
    let attachment = &interface["Attachment"];
    text(attachment, "InstanceId").filter(|_| text(attachment, "Status") != Some("detached"))
}

impl<'a> Routes<'a> {
    pub(crate) fn reach(&self, interface: &Value, v4: bool) -> Reach {
        if self.is_firewall(interface) || !self.is_in_scope(interface) {
            return Reach::No;
        }
        match attached(interface).map(|id| self.instance(id)) {
            None if !self.chosen.is("interfaces", "all") || self.is_scoped_by_tag() => return Reach::No,
            Some(None) => return Reach::Unknown,
            Some(Some(instance)) => {
                let is_on = matches!(text(&instance["State"], "Name"), Some("pending" | "running"));
                if !is_on || !self.has_tag(instance) {
                    return Reach::No;
                }
            }
            None => {}
        }
        self.by_route(interface, v4)
    }

    fn gateways(&self) -> Vec<&'a str> {
        self.chosen.list("gateways")
    }

    fn interface(&self, id: &str) -> Option<&'a Value> {
        let mut all = self.answers.list("describe-network-interfaces", "NetworkInterfaces").iter();
        all.find(|interface| text(interface, "NetworkInterfaceId") == Some(id))
    }

    fn instance(&self, id: &str) -> Option<&'a Value> {
        let reservations = self.answers.list("describe-instances", "Reservations").iter();
        let mut all = reservations.flat_map(|reservation| list(reservation, "Instances"));
        all.find(|instance| text(instance, "InstanceId") == Some(id))
    }

    /// The firewall's own: a gateway itself, or attached to the same instance as one.
    pub(crate) fn is_firewall(&self, interface: &Value) -> bool {
        let gateways = self.gateways();
        let by_interface = gateways.iter().filter_map(|id| attached(self.interface(id)?));
        let named = gateways.iter().copied().chain(self.chosen.list("firewall.instances"));
        let instances: Vec<_> = named.chain(by_interface).collect();
        attached(interface).is_some_and(|id| instances.contains(&id))
            || text(interface, "NetworkInterfaceId").is_some_and(|id| gateways.contains(&id))
    }

    fn is_in_scope(&self, interface: &Value) -> bool {
        let within = |key: &str, member: &str| {
            let listed = self.chosen.list(key);
            listed.is_empty() || text(interface, member).is_some_and(|id| listed.contains(&id))
        };
        within("scope.vpcs", "VpcId") && within("scope.subnets", "SubnetId")
    }

    fn is_scoped_by_tag(&self) -> bool {
        !self.chosen.list("scope.instance_tags").is_empty()
    }

    fn has_tag(&self, instance: &Value) -> bool {
        let wanted = self.chosen.list("scope.instance_tags");
        let has = |wanted: &&str| {
            let (key, value) = wanted.split_once('=').map_or((*wanted, None), |(key, value)| (key, Some(value)));
            list(instance, "Tags").iter().any(|tag| {
                text(tag, "Key") == Some(key)
                    && value.is_none_or(|value| text(tag, "Value").unwrap_or_default() == value)
            })
        };
        wanted.is_empty() || wanted.iter().any(has)
    }

    /// The subnet's own route table, else the main one of its VPC.
    fn table(&self, interface: &Value) -> Option<&'a Value> {
        let subnet = text(interface, "SubnetId");
        let mut subnets = self.answers.list("describe-subnets", "Subnets").iter();
        let vpc = subnets.find(|listed| text(listed, "SubnetId") == subnet).unwrap_or(interface);
        let tables = self.answers.list("describe-route-tables", "RouteTables");
        let associated = |table: &&Value, counts: &dyn Fn(&Value) -> bool| {
            let holds = |held: &&Value| {
                let state = text(&held["AssociationState"], "State").unwrap_or("associated");
                text(held, "GatewayId").is_none() && state.starts_with("associat") && counts(held)
            };
            list(table, "Associations").iter().any(|held| holds(&held))
        };
        let own = tables.iter().find(|table| associated(table, &|held| text(held, "SubnetId") == subnet));
        own.or_else(|| {
            let mut of_vpc = tables.iter().filter(|table| text(table, "VpcId") == text(vpc, "VpcId"));
            of_vpc.find(|table| associated(table, &|held| held["Main"] == Value::Bool(true)))
        })
    }

    /// Where both halves of the internet go.
    pub(crate) fn by_route(&self, interface: &Value, v4: bool) -> Reach {
        let Some(table) = self.table(interface) else { return Reach::Unknown };
        let halves = if v4 { ["0.0.0.0/1", "128.0.0.0/1"] } else { ["::/1", "8000::/1"] };
        let whole = if v4 { "0.0.0.0/0" } else { "::/0" };
        for half in halves {
            match self.half(table, half, whole) {
                Reach::Yes => {}
                other @ (Reach::No | Reach::Unknown) => return other,
            }
        }
        Reach::Yes
    }

    /// The longest prefix wins; for equal ones a CIDR before a list; what then differs leaves it open.
    fn half(&self, table: &Value, half: &str, whole: &str) -> Reach {
        let mut found: Vec<(u8, &Value)> = Vec::new();
        for route in list(table, "Routes").iter().filter(|route| text(route, "State") != Some("filtered")) {
            let cidr = text(route, "DestinationCidrBlock").or_else(|| text(route, "DestinationIpv6CidrBlock"));
            let (spans, is_list) = match (cidr, text(route, "DestinationPrefixListId")) {
                (Some(cidr), _) => (Span::parse(cidr).into_iter().collect(), 0),
                (None, Some(id)) => match self.answers.prefix_list(id) {
                    Some(entries) => (entries, 1),
                    None if self.is_for_a_service(id, route) => continue,
                    None => return Reach::Unknown,
                },
                (None, None) => continue,
            };
            for span in spans {
                if Some(span) == Span::parse(half) {
                    found.push((is_list, route));
                } else if Some(span) == Span::parse(whole) {
                    found.push((2 + is_list, route));
                }
            }
        }
        let Some(rank) = found.iter().map(|(rank, _)| *rank).min() else { return Reach::No };
        let mut best = found.iter().filter(|(held, _)| *held == rank).map(|(_, route)| *route);
        let Some(first) = best.next() else { return Reach::No };
        if best.any(|route| target(route) != target(first)) { Reach::Unknown } else { self.leads(first) }
    }

    /// Whether a list that nobody has read is AWS's own, or the route is to an endpoint for one of its services.
    fn is_for_a_service(&self, list: &str, route: &Value) -> bool {
        let is_unread = !self.answers.0.contains_key(&format!("get-managed-prefix-list-entries.{list}"));
        let says = |held: &Value, [id, wanted]: [&str; 2], [member, value]: [&str; 2]| {
            text(held, id) == Some(wanted) && text(held, member) == Some(value)
        };
        let mut lists = self.answers.list("describe-managed-prefix-lists", "PrefixLists").iter();
        let mut endpoints = self.answers.list("describe-vpc-endpoints", "VpcEndpoints").iter();
        let gateway = text(route, "GatewayId").unwrap_or_default();
        is_unread
            && (lists.any(|held| says(held, ["PrefixListId", list], ["OwnerId", "AWS"]))
                || endpoints.any(|held| says(held, ["VpcEndpointId", gateway], ["VpcEndpointType", "Gateway"])))
    }

    fn leads(&self, route: &Value) -> Reach {
        if text(route, "State").is_some_and(|state| state != "active") {
            return Reach::Unknown;
        }
        let is_gateway = |id: &str| self.gateways().contains(&id);
        let (by_interface, by_instance) = (text(route, "NetworkInterfaceId"), text(route, "InstanceId"));
        let by_id = ["GatewayId", "TransitGatewayId"].iter().find_map(|member| text(route, member));
        if let Some(id) = by_id {
            return if is_gateway(id) { Reach::Yes } else { Reach::No };
        }
        let listed = by_interface.map(|id| self.interface(id));
        let attached = listed.flatten().and_then(attached);
        let is_loose = listed.is_some_and(|found| found.is_some()) && attached.is_none() && by_instance.is_none();
        if is_loose {
            Reach::Unknown
        } else if [by_interface, by_instance, attached].into_iter().flatten().any(is_gateway) {
            Reach::Yes
        } else if listed == Some(None) && by_instance.is_none() {
            Reach::Unknown
        } else {
            Reach::No
        }
    }
}

/// Where a route leads, and whether it works.
fn target(route: &Value) -> Vec<Option<&str>> {
    let members =
        ["GatewayId", "TransitGatewayId", "NatGatewayId", "VpcPeeringConnectionId", "NetworkInterfaceId", "InstanceId"];
    let works = text(route, "State").is_none_or(|state| state == "active");
    members.iter().map(|member| text(route, member)).chain([works.then_some("active")]).collect()
}
