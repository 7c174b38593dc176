//! Rules of security groups: authorizing, revoking and changing them in place.

use ipnet::IpNet;

use super::{done, find, find_mut, tags_for};
use crate::{
    clock::Moment,
    cloud::{
        Cloud, Direction, GroupRule, Peer, Permission, Protocol, Traffic,
        answer::Refusal,
        ids::{GroupId, PrefixListId, RuleId},
        parameters::Parameters,
        shape::{Record, Shape},
    },
};

pub(super) fn authorize_ingress(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    authorize(cloud, parameters, Direction::Ingress)
}

pub(super) fn authorize_egress(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    authorize(cloud, parameters, Direction::Egress)
}

pub(super) fn revoke_ingress(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    revoke(cloud, parameters, Direction::Ingress)
}

pub(super) fn revoke_egress(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    revoke(cloud, parameters, Direction::Egress)
}

fn authorize(cloud: &mut Cloud, parameters: &Parameters, direction: Direction) -> Result<Record, Refusal> {
    let id = cloud.group_named(parameters)?;
    let permissions = cloud.permissions(parameters)?;
    let tags = tags_for(parameters, "security-group-rule")?;
    let mut rules = cloud.new_rules(direction, permissions);
    rules.iter_mut().for_each(|rule| rule.tags = tags.clone());
    let group = find_mut(&mut cloud.resources.groups, &id)?;
    for (n, rule) in rules.iter().enumerate() {
        let repeated = rules.iter().take(n).any(|earlier| earlier.allows_like(rule));
        if repeated || group.rule_like(rule).is_some() {
            let message =
                format!("the specified rule \"peer: {}, {}, ALLOW\" already exists", rule.peer, words(rule.traffic));
            return Err(Refusal::new("InvalidPermission.Duplicate", message));
        }
    }
    group.rules.extend(rules.iter().cloned());
    let shapes = rules.iter().map(|rule| rule.authorized(&id, &cloud.account, &cloud.region));
    Ok(done().with("securityGroupRuleSet", Shape::from_iter(shapes)))
}

fn revoke(cloud: &mut Cloud, parameters: &Parameters, direction: Direction) -> Result<Record, Refusal> {
    let id = cloud.group_named(parameters)?;
    let by_id = parameters.ids::<RuleId>("SecurityGroupRuleId")?;
    let permissions = if by_id.is_empty() { cloud.permissions(parameters)? } else { vec![] };
    let wanted = cloud.new_rules(direction, permissions);
    let group = find(&cloud.resources.groups, &id)?;
    let mut gone = vec![];
    for rule in &by_id {
        let found = group.rules.iter().find(|candidate| candidate.id == *rule && candidate.direction == direction);
        gone.push(found.ok_or_else(|| Refusal::not_found::<RuleId>(rule))?.clone());
    }
    let mut unknown = vec![];
    for rule in &wanted {
        match group.rule_like(rule) {
            Some(found) => gone.push(found.clone()),
            None => unknown.push(rule),
        }
    }
    let in_default_vpc = cloud.resources.vpcs.get(&group.vpc).is_some_and(|vpc| vpc.is_default);
    if !unknown.is_empty() && !in_default_vpc {
        return Err(no_such_rule());
    }
    let answer =
        done().with("revokedSecurityGroupRuleSet", Shape::from_iter(gone.iter().map(|rule| rule.revoked(&id))));
    let answer = if unknown.is_empty() {
        answer
    } else {
        answer.with(
            "unknownIpPermissionSet",
            Shape::from_iter(unknown.iter().map(|rule| rule.permission(&cloud.account))),
        )
    };
    find_mut(&mut cloud.resources.groups, &id)?.rules.retain(|rule| !gone.iter().any(|gone| gone.id == rule.id));
    Ok(answer)
}

/// ModifySecurityGroupRules: the id and the direction stay, traffic and peer are new.
pub(super) fn modify(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: GroupId = parameters.required_id("GroupId")?;
    let mut group = find(&cloud.resources.groups, &id)?.clone();
    for update in parameters.list("SecurityGroupRule") {
        let rule_id: RuleId = update.required_id("SecurityGroupRuleId")?;
        let value = update.member("SecurityGroupRule").ok_or_else(|| Refusal::missing("SecurityGroupRule"))?;
        let (traffic, peer) = (traffic(value)?, cloud.single_peer(value)?);
        let rule = group.rules.iter_mut().find(|rule| rule.id == rule_id);
        let rule = rule.ok_or_else(|| Refusal::not_found::<RuleId>(&rule_id))?;
        if std::mem::discriminant(&rule.peer) != std::mem::discriminant(&peer) {
            return Err(Refusal::value("SecurityGroupRule", "the type of a rule cannot change"));
        }
        (rule.traffic, rule.peer, rule.description) = (traffic, peer, value.text("Description").map(str::to_owned));
    }
    cloud.resources.groups.insert(id, group);
    Ok(done())
}

pub(super) fn describe_ingress(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    redescribe(cloud, parameters, Direction::Ingress)
}

pub(super) fn describe_egress(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    redescribe(cloud, parameters, Direction::Egress)
}

/// UpdateSecurityGroupRuleDescriptions: new words for what is allowed already.
fn redescribe(cloud: &mut Cloud, parameters: &Parameters, direction: Direction) -> Result<Record, Refusal> {
    let id = cloud.group_named(parameters)?;
    let mut group = find(&cloud.resources.groups, &id)?.clone();
    for update in parameters.list("SecurityGroupRuleDescription") {
        let rule_id: RuleId = update.required_id("SecurityGroupRuleId")?;
        let rule = group.rules.iter_mut().find(|rule| rule.id == rule_id && rule.direction == direction);
        let rule = rule.ok_or_else(|| Refusal::not_found::<RuleId>(&rule_id))?;
        rule.description = update.text("Description").map(str::to_owned);
    }
    if parameters.member("IpPermissions").is_some() {
        let permissions = cloud.permissions(parameters)?;
        for wanted in cloud.new_rules(direction, permissions) {
            let rule = group.rules.iter_mut().find(|rule| rule.allows_like(&wanted)).ok_or_else(no_such_rule)?;
            rule.description = wanted.description;
        }
    }
    cloud.resources.groups.insert(id, group);
    Ok(done())
}

/// Traffic as EC2's refusals spell it.
fn words(traffic: Traffic) -> String {
    let any = |number: i32| if number == -1 { "ALL".to_owned() } else { number.to_string() };
    let (from, to) = traffic.ports.unwrap_or((-1, -1));
    match traffic.protocol {
        Protocol::All => "ALL".to_owned(),
        Protocol::Tcp => format!("TCP, from port: {from}, to port: {to}"),
        Protocol::Udp => format!("UDP, from port: {from}, to port: {to}"),
        Protocol::Icmp => format!("ICMP, type: {}, code: {}", any(from), any(to)),
        Protocol::Icmpv6 => format!("ICMPv6, type: {}, code: {}", any(from), any(to)),
        Protocol::Number(number) => number.to_string(),
    }
}

fn no_such_rule() -> Refusal {
    Refusal::new("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
}

impl Cloud {
    /// The group that a call is about: by id, or by name in the default VPC.
    pub(super) fn group_named(&self, parameters: &Parameters) -> Result<GroupId, Refusal> {
        if let Some(id) = parameters.id::<GroupId>("GroupId")? {
            return find(&self.resources.groups, &id).map(|group| group.id.clone());
        }
        let name = parameters.text("GroupName").ok_or_else(|| Refusal::missing("GroupId"))?;
        let in_default_vpc = |vpc| self.resources.vpcs.get(vpc).is_some_and(|vpc| vpc.is_default);
        let mut groups = self.resources.groups.values();
        let group = groups.find(|group| group.name == name && in_default_vpc(&group.vpc));
        let message = || format!("The security group '{name}' does not exist in default VPC");
        group.map(|group| group.id.clone()).ok_or_else(|| Refusal::new("InvalidGroup.NotFound", message()))
    }

    /// The permissions of a call, in the list form or in the flat form of one rule.
    fn permissions(&self, parameters: &Parameters) -> Result<Vec<Permission>, Refusal> {
        let listed = parameters.list("IpPermissions").map(|permission| self.permission(permission));
        let mut permissions = listed.collect::<Result<Vec<_>, _>>()?;
        if let Some(cidr) = parameters.text("CidrIp") {
            let peers = vec![(parse_cidr("CidrIp", cidr)?, None)];
            permissions.push(Permission { traffic: traffic(parameters)?, peers });
        }
        if let Some(name) = parameters.text("SourceSecurityGroupName") {
            let mut groups = self.resources.groups.values();
            let group = groups.find(|group| group.name == name);
            let group = group.ok_or_else(|| Refusal::not_found::<GroupId>(name))?;
            let traffic = if parameters.text("IpProtocol").is_some() { traffic(parameters)? } else { Traffic::ALL };
            permissions.push(Permission { traffic, peers: vec![(Peer::Group(group.id.clone()), None)] });
        }
        if permissions.iter().all(|permission| permission.peers.is_empty()) {
            return Err(Refusal::missing("IpPermissions"));
        }
        Ok(permissions)
    }

    fn permission(&self, node: &Parameters) -> Result<Permission, Refusal> {
        let described = |peer: Peer, node: &Parameters| (peer, node.text("Description").map(str::to_owned));
        let mut peers = vec![];
        for range in node.list("IpRanges") {
            peers.push(described(parse_cidr("CidrIp", range.required("CidrIp")?)?, range));
        }
        for range in node.list("Ipv6Ranges") {
            peers.push(described(parse_cidr("CidrIpv6", range.required("CidrIpv6")?)?, range));
        }
        for list in node.list("PrefixListIds") {
            peers.push(described(self.list_peer(list.required_id("PrefixListId")?)?, list));
        }
        for group in node.list("Groups") {
            let id = match group.text("GroupName") {
                Some(_) => self.group_named(group)?,
                None => group.required_id("GroupId")?,
            };
            peers.push(described(self.group_peer(id)?, group));
        }
        Ok(Permission { traffic: traffic(node)?, peers })
    }

    fn single_peer(&self, node: &Parameters) -> Result<Peer, Refusal> {
        if let Some(cidr) = node.text("CidrIpv4") {
            return parse_cidr("CidrIpv4", cidr);
        }
        if let Some(cidr) = node.text("CidrIpv6") {
            return parse_cidr("CidrIpv6", cidr);
        }
        if let Some(id) = node.id("PrefixListId")? {
            return self.list_peer(id);
        }
        self.group_peer(node.required_id("ReferencedGroupId")?)
    }

    fn list_peer(&self, id: PrefixListId) -> Result<Peer, Refusal> {
        find(&self.resources.prefix_lists, &id)?;
        Ok(Peer::PrefixList(id))
    }

    fn group_peer(&self, id: GroupId) -> Result<Peer, Refusal> {
        find(&self.resources.groups, &id)?;
        Ok(Peer::Group(id))
    }
}

fn traffic(node: &Parameters) -> Result<Traffic, Refusal> {
    let text = node.required("IpProtocol")?;
    let protocol: Protocol = text.parse().map_err(|_| Refusal::value("IpProtocol", text))?;
    let ports = match (node.parsed("FromPort")?, node.parsed("ToPort")?) {
        (Some(from), Some(to)) => Some((from, to)),
        (None, None) => None,
        (Some(_), None) => return Err(Refusal::missing("ToPort")),
        (None, Some(_)) => return Err(Refusal::missing("FromPort")),
    };
    if matches!(protocol, Protocol::Tcp | Protocol::Udp) {
        let (from, to) = ports.ok_or_else(|| Refusal::missing("FromPort"))?;
        let any = (from, to) == (-1, -1);
        let sound = 0 <= from && from <= to && to <= 65_535;
        if !(any || sound) {
            let message = format!("Invalid TCP/UDP port range ({from}:{to})");
            return Err(Refusal::new("InvalidParameterValue", message));
        }
    }
    Ok(Traffic::new(protocol, ports))
}

/// Callers may leave host bits set; EC2 keeps the network.
fn parse_cidr(name: &str, text: &str) -> Result<Peer, Refusal> {
    let cidr = text.parse::<IpNet>().ok().filter(|cidr| matches!(cidr, IpNet::V6(_)) == (name == "CidrIpv6"));
    let message = || format!("CIDR block {text} is malformed");
    cidr.map(|cidr| Peer::Cidr(cidr.trunc())).ok_or_else(|| Refusal::new("InvalidParameterValue", message()))
}

impl GroupRule {
    fn allows_like(&self, other: &Self) -> bool {
        (self.direction, self.traffic, &self.peer) == (other.direction, other.traffic, &other.peer)
    }
}
