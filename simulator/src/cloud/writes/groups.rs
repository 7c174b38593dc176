//! Security groups themselves, prefix lists and tags.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::{done, find, instances::tags};
use crate::{
    clock::Moment,
    cloud::{
        Cloud, Direction, Peer, Permission, PrefixListId, SecurityGroup, Tags, Traffic, VpcId,
        answer::Refusal,
        ids::{GroupId, ResourceId},
        parameters::Parameters,
        shape::Record,
    },
};

/// A new group allows everything out, without any call that says so.
pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let vpc: VpcId = parameters.required_id("VpcId")?;
    let ipv6 = !find(&cloud.resources.vpcs, &vpc)?.ipv6_cidrs.is_empty();
    let name = parameters.required("GroupName")?.to_owned();
    let description = parameters.required("GroupDescription")?.to_owned();
    if cloud.resources.groups.values().any(|group| group.vpc == vpc && group.name == name) {
        let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
        return Err(Refusal::new("InvalidGroup.Duplicate", message));
    }
    let mut peers = vec![(Peer::Cidr(IpNet::V4(Default::default())), None)];
    if ipv6 {
        peers.push((Peer::Cidr(IpNet::V6(Default::default())), None));
    }
    let rules = cloud.new_rules(Direction::Egress, vec![Permission { traffic: Traffic::ALL, peers }]);
    let id: GroupId = cloud.resource_ids.id();
    let tags = parameters.list("TagSpecification").next().map(tags).unwrap_or_default();
    let arn = format!("arn:aws:ec2:{}:{}:security-group/{id}", cloud.region, cloud.account);
    cloud.resources.groups.insert(id.clone(), SecurityGroup { id: id.clone(), name, description, vpc, rules, tags });
    Ok(done().with("groupId", &id).with("securityGroupArn", arn))
}

pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id = cloud.group_named(parameters)?;
    let on_interface = cloud.resources.interfaces.values().any(|interface| interface.groups.contains(&id));
    let mut others = cloud.resources.groups.values().filter(|group| group.id != id);
    let named = others.any(|group| group.rules.iter().any(|rule| rule.peer == Peer::Group(id.clone())));
    if on_interface || named {
        return Err(Refusal::new("DependencyViolation", format!("resource {id} has a dependent object")));
    }
    cloud.resources.groups.remove(&id);
    Ok(done().with("groupId", &id))
}

/// The change is in force at once; the state says so from the start.
pub(super) fn modify_prefix_list(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: PrefixListId = parameters.required_id("PrefixListId")?;
    let mut list = find(&cloud.resources.prefix_lists, &id)?.clone();
    let current: Option<i64> = parameters.parsed("CurrentVersion")?;
    if current.is_some_and(|current| current != list.version) {
        let message = format!("The prefix list '{id}' has the version {}", list.version);
        return Err(Refusal::new("PrefixListVersionMismatch", message));
    }
    for entry in parameters.list("RemoveEntry") {
        let cidr = cidr(entry)?;
        let place = list.entries.iter().position(|(known, _)| *known == cidr);
        let place = place.ok_or_else(|| Refusal::value("RemoveEntry", &cidr.to_string()))?;
        list.entries.remove(place);
    }
    for entry in parameters.list("AddEntry") {
        let (cidr, description) = (cidr(entry)?, entry.text("Description").map(str::to_owned));
        match list.entries.iter_mut().find(|(known, _)| *known == cidr) {
            Some((_, known)) => *known = description,
            None => list.entries.push((cidr, description)),
        }
    }
    if u32::try_from(list.entries.len()).is_ok_and(|count| count > list.entries_max) {
        let message = format!("The prefix list '{id}' has room for {} entries", list.entries_max);
        return Err(Refusal::new("PrefixListMaxEntriesExceeded", message));
    }
    list.name = parameters.text("PrefixListName").map_or(list.name, str::to_owned);
    list.version += 1;
    let answer = Record::new().with("prefixList", list.shape(&cloud.account, &cloud.region));
    cloud.resources.prefix_lists.insert(id, list);
    Ok(answer)
}

fn cidr(entry: &Parameters) -> Result<IpNet, Refusal> {
    let text = entry.required("Cidr")?;
    text.parse::<IpNet>().map(|cidr| cidr.trunc()).map_err(|_| Refusal::value("Cidr", text))
}

pub(super) fn create_tags(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let new = tags(parameters);
    for_all_tagged(cloud, parameters, |tags| tags.extend(new.clone()))
}

pub(super) fn delete_tags(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let gone = tags(parameters);
    // A tag named with a value goes only if it has that value; without any names, all go.
    for_all_tagged(cloud, parameters, |tags| {
        tags.retain(|key, value| {
            !gone.is_empty() && gone.get(key).is_none_or(|wanted| !wanted.is_empty() && wanted != value)
        });
    })
}

fn for_all_tagged(cloud: &mut Cloud, parameters: &Parameters, change: impl Fn(&mut Tags)) -> Result<Record, Refusal> {
    let ids = parameters.texts("ResourceId");
    if ids.is_empty() {
        return Err(Refusal::missing("ResourceId"));
    }
    for id in &ids {
        cloud.tags_of(id)?;
    }
    for id in ids {
        change(cloud.tags_of(id)?);
    }
    Ok(done())
}

impl Cloud {
    /// The tags of a resource of any kind.
    fn tags_of(&mut self, id: &str) -> Result<&mut Tags, Refusal> {
        let all = &mut self.resources;
        let tags = match id.split_once('-').map_or("", |(prefix, _)| prefix) {
            "i" => tagged(&mut all.instances, id).map(|instance| &mut instance.tags),
            "eni" => tagged(&mut all.interfaces, id).map(|interface| &mut interface.tags),
            "sg" => tagged(&mut all.groups, id).map(|group| &mut group.tags),
            "sgr" => {
                let mut rules = all.groups.values_mut().flat_map(|group| &mut group.rules);
                rules.find(|rule| rule.id.to_string() == id).map(|rule| &mut rule.tags)
            }
            "subnet" => tagged(&mut all.subnets, id).map(|subnet| &mut subnet.tags),
            "vpc" => tagged(&mut all.vpcs, id).map(|vpc| &mut vpc.tags),
            "rtb" => tagged(&mut all.route_tables, id).map(|table| &mut table.tags),
            "pl" => tagged(&mut all.prefix_lists, id).map(|list| &mut list.tags),
            "vpce" => tagged(&mut all.endpoints, id).map(|endpoint| &mut endpoint.tags),
            _ => None,
        };
        tags.ok_or_else(|| Refusal::new("InvalidID", format!("The ID '{id}' is not valid")))
    }
}

fn tagged<'a, I: ResourceId, V>(map: &'a mut BTreeMap<I, V>, id: &str) -> Option<&'a mut V> {
    map.get_mut(&id.parse().ok()?)
}
