//! Starting, stopping and terminating.

use std::collections::BTreeSet;

use super::find;
use crate::{
    clock::Moment,
    cloud::{
        Cloud, Instance, InstanceId, InstanceState, Particulars, Protection,
        answer::Refusal,
        parameters::Parameters,
        shape::{Record, Shape},
    },
};

pub(super) fn start(cloud: &mut Cloud, parameters: &Parameters, now: Moment) -> Result<Record, Refusal> {
    change_states(cloud, parameters, now, |state| match state {
        InstanceState::Stopped => Ok(Some(InstanceState::Pending)),
        InstanceState::Pending | InstanceState::Running => Ok(None),
        InstanceState::Stopping | InstanceState::ShuttingDown | InstanceState::Terminated => Err("started"),
    })
}

pub(super) fn stop(cloud: &mut Cloud, parameters: &Parameters, now: Moment) -> Result<Record, Refusal> {
    check_protection(cloud, parameters, "stopped", "disableApiStop", |particulars| particulars.stopping)?;
    change_states(cloud, parameters, now, |state| match state {
        InstanceState::Pending | InstanceState::Running => Ok(Some(InstanceState::Stopping)),
        InstanceState::Stopping | InstanceState::Stopped => Ok(None),
        InstanceState::ShuttingDown | InstanceState::Terminated => Err("stopped"),
    })
}

pub(super) fn terminate(cloud: &mut Cloud, parameters: &Parameters, now: Moment) -> Result<Record, Refusal> {
    check_protection(cloud, parameters, "terminated", "disableApiTermination", |particulars| particulars.termination)?;
    change_states(cloud, parameters, now, |state| match state {
        InstanceState::Pending | InstanceState::Running | InstanceState::Stopping => {
            Ok(Some(InstanceState::ShuttingDown))
        }
        InstanceState::Stopped => Ok(Some(InstanceState::Terminated)),
        InstanceState::ShuttingDown | InstanceState::Terminated => Ok(None),
    })
}

pub(super) fn reboot(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    named(cloud, parameters)?;
    Ok(super::done())
}

/// Protected instances are left alone by some calls.
fn check_protection(
    cloud: &Cloud,
    parameters: &Parameters,
    deed: &str,
    attribute: &str,
    protection: fn(&Particulars) -> Protection,
) -> Result<(), Refusal> {
    for id in named(cloud, parameters)? {
        if protection(&find(&cloud.resources.instances, &id)?.particulars) == Protection::On {
            let message = format!(
                "The instance '{id}' may not be {deed}. Modify its '{attribute}' instance attribute and try again."
            );
            return Err(Refusal::new("OperationNotPermitted", message));
        }
    }
    Ok(())
}

/// The instances of a call, each once.
fn named(cloud: &Cloud, parameters: &Parameters) -> Result<Vec<InstanceId>, Refusal> {
    let mut ids = parameters.ids("InstanceId")?;
    let mut seen = BTreeSet::new();
    ids.retain(|id: &InstanceId| seen.insert(id.clone()));
    if ids.is_empty() {
        return Err(Refusal::missing("InstanceId"));
    }
    let absent: Vec<_> = ids.iter().filter(|id| !cloud.resources.instances.contains_key(id)).collect();
    if !absent.is_empty() {
        let absent: Vec<_> = absent.into_iter().map(ToString::to_string).collect();
        let absent: Vec<&str> = absent.iter().map(String::as_str).collect();
        return Err(Refusal::instances_not_found(&absent));
    }
    Ok(ids)
}

/// Moves all named instances, or none. `may` says where a state leads, if anywhere, or what cannot be done with it.
fn change_states(
    cloud: &mut Cloud,
    parameters: &Parameters,
    now: Moment,
    may: impl Fn(InstanceState) -> Result<Option<InstanceState>, &'static str>,
) -> Result<Record, Refusal> {
    let mut moves = vec![];
    for id in named(cloud, parameters)? {
        let previous = find(&cloud.resources.instances, &id)?.state;
        let next = may(previous).map_err(|deed| {
            let message = format!("The instance '{id}' is not in a state from which it can be {deed}.");
            Refusal::new("IncorrectInstanceState", message)
        })?;
        moves.push((id, previous, next));
    }
    let mut changed = vec![];
    for (id, previous, next) in moves {
        if let Some(next) = next {
            let note = |instance: &mut Instance| {
                instance.particulars.stopped = (next != InstanceState::Pending).then_some(now);
            };
            cloud.resources.instances.entry(id.clone()).and_modify(note);
            cloud.enter(&id, next, now);
        }
        changed.push(
            Record::new()
                .with("instanceId", &id)
                .with("currentState", next.unwrap_or(previous).shape())
                .with("previousState", previous.shape()),
        );
    }
    Ok(Record::new().with("instancesSet", Shape::from_iter(changed)))
}
