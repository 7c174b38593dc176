//! Tags of resources of any kind.

use std::collections::BTreeMap;

use super::done;
use crate::{
    clock::Moment,
    cloud::{Cloud, Tags, answer::Refusal, ids::ResourceId, parameters::Parameters, shape::Record},
};

/// The tags that a caller lists.
pub(super) fn new(list: &Parameters) -> Result<Tags, Refusal> {
    let mut tags = Tags::new();
    for tag in list.list("Tag") {
        let key = tag.required("Key")?;
        if key.to_ascii_lowercase().starts_with("aws:") {
            let message = "Tag keys starting with 'aws:' are reserved for internal use";
            return Err(Refusal::new("InvalidParameterValue", message));
        }
        tags.insert(key.to_owned(), tag.text("Value").unwrap_or_default().to_owned());
    }
    Ok(tags)
}

pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let new = new(parameters)?;
    if new.is_empty() {
        return Err(Refusal::missing("Tag"));
    }
    for_all_tagged(cloud, parameters, |tags| tags.extend(new.clone()))
}

pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let mut gone = BTreeMap::new();
    for tag in parameters.list("Tag") {
        // A value that is there and empty is not the same as none.
        gone.insert(tag.required("Key")?, tag.member("Value").and_then(Parameters::value));
    }
    // A tag named with a value goes only if it has that value; without any names, all go.
    for_all_tagged(cloud, parameters, |tags| {
        tags.retain(|key, value| {
            !gone.is_empty() && gone.get(key.as_str()).is_none_or(|wanted| wanted.is_some_and(|wanted| wanted != value))
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
            "igw" => tagged(&mut all.internet_gateways, id).map(|gateway| &mut gateway.tags),
            "eigw" => tagged(&mut all.egress_gateways, id).map(|gateway| &mut gateway.tags),
            "nat" => tagged(&mut all.nat_gateways, id).map(|gateway| &mut gateway.tags),
            "eipalloc" => tagged(&mut all.addresses, id).map(|address| &mut address.tags),
            "pcx" => tagged(&mut all.peerings, id).map(|peering| &mut peering.tags),
            "tgw" if id.starts_with("tgw-attach-") => {
                tagged(&mut all.transit_attachments, id).map(|attachment| &mut attachment.tags)
            }
            "tgw" => tagged(&mut all.transit_gateways, id).map(|gateway| &mut gateway.tags),
            _ => None,
        };
        tags.ok_or_else(|| Refusal::new("InvalidID", format!("The ID '{id}' is not valid")))
    }
}

fn tagged<'a, I: ResourceId, V>(map: &'a mut BTreeMap<I, V>, id: &str) -> Option<&'a mut V> {
    map.get_mut(&id.parse().ok()?)
}
