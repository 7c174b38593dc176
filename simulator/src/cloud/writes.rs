//! Writing: each action checks everything first and changes nothing if it refuses.

mod actions;
mod addresses;
mod assignment;
mod attributes;
mod delegation;
mod egress;
mod endpoints;
mod gateways;
mod groups;
mod instances;
mod interfaces;
mod launch;
mod nat;
mod peerings;
mod plan;
mod prefix_lists;
mod routes;
mod rules;
mod sharing;
mod subnets;
mod tables;
mod tags;
mod transit;
mod visibility;
mod vpcs;

use std::{collections::BTreeMap, fmt};

#[cfg(test)]
pub(super) use self::actions::WRITES;
pub(super) use self::actions::write;
use super::{Cloud, InstanceId, Tags, answer::Refusal, ids::ResourceId, parameters::Parameters, shape::Record};
use crate::clock::Moment;

/// What carries out a writing action.
pub(super) type Write = fn(&mut Cloud, &Parameters, Moment) -> Result<Record, Refusal>;

/// The answer of most writes.
fn done() -> Record {
    Record::new().wire_only("return", true)
}

fn find<'a, I: ResourceId, V>(map: &'a BTreeMap<I, V>, id: &I) -> Result<&'a V, Refusal> {
    map.get(id).ok_or_else(|| Refusal::not_found::<I>(id))
}

fn find_mut<'a, I: ResourceId, V>(map: &'a mut BTreeMap<I, V>, id: &I) -> Result<&'a mut V, Refusal> {
    map.get_mut(id).ok_or_else(|| Refusal::not_found::<I>(id))
}

/// Something is still in use.
fn dependent(kind: &str, id: impl fmt::Display) -> Refusal {
    Refusal::new("DependencyViolation", format!("The {kind} '{id}' has dependencies and cannot be deleted."))
}

/// What is asked of an instance can only be asked of one of its interfaces.
fn many_interfaces(id: &InstanceId) -> Refusal {
    let message = format!(
        "There are multiple interfaces attached to instance '{id}'. Please specify an interface ID for the operation \
         instead."
    );
    Refusal::new("InvalidInstanceID", message)
}

/// The tags that a new resource of that type gets; the call makes nothing of another type.
fn tags_for(parameters: &Parameters, kind: &str) -> Result<Tags, Refusal> {
    tags_among(parameters, kind, &[kind])
}

/// The tags that a new resource of that type gets; the call makes resources of several types.
fn tags_among(parameters: &Parameters, kind: &str, taggable: &[&str]) -> Result<Tags, Refusal> {
    let mut tags = Tags::new();
    // The plural is what the younger actions call it.
    for specification in parameters.list("TagSpecification").chain(parameters.list("TagSpecifications")) {
        let wanted = specification.required("ResourceType")?;
        if !taggable.contains(&wanted) {
            let message = format!("'{wanted}' is not a valid taggable resource type for this operation.");
            return Err(Refusal::new("InvalidParameterValue", message));
        }
        if wanted == kind {
            tags.extend(tags::new(specification)?);
        }
    }
    Ok(tags)
}
