//! Launching, starting, stopping and terminating.

use std::{collections::BTreeSet, net::Ipv4Addr};

use super::find;
use crate::{
    clock::Moment,
    cloud::{
        Cloud, Holder, Instance, InstanceId, InstanceState, Interface, SecurityGroup, Subnet, SubnetId, Tags,
        answer::Refusal,
        ids::{GroupId, ReservationId},
        parameters::Parameters,
        shape::{Record, Shape},
    },
};

/// No launch makes more: a guard against typing errors, far below real quotas.
const LAUNCH_MAX: usize = 1000;

pub(super) fn start(cloud: &mut Cloud, parameters: &Parameters, now: Moment) -> Result<Record, Refusal> {
    change_states(cloud, parameters, now, |state| match state {
        InstanceState::Stopped => Ok(Some(InstanceState::Pending)),
        InstanceState::Pending | InstanceState::Running => Ok(None),
        InstanceState::Stopping | InstanceState::ShuttingDown | InstanceState::Terminated => Err("started"),
    })
}

pub(super) fn stop(cloud: &mut Cloud, parameters: &Parameters, now: Moment) -> Result<Record, Refusal> {
    change_states(cloud, parameters, now, |state| match state {
        InstanceState::Pending | InstanceState::Running => Ok(Some(InstanceState::Stopping)),
        InstanceState::Stopping | InstanceState::Stopped => Ok(None),
        InstanceState::ShuttingDown | InstanceState::Terminated => Err("stopped"),
    })
}

pub(super) fn terminate(cloud: &mut Cloud, parameters: &Parameters, now: Moment) -> Result<Record, Refusal> {
    change_states(cloud, parameters, now, |state| match state {
        InstanceState::Pending | InstanceState::Running | InstanceState::Stopping => {
            Ok(Some(InstanceState::ShuttingDown))
        }
        InstanceState::Stopped => Ok(Some(InstanceState::Terminated)),
        InstanceState::ShuttingDown | InstanceState::Terminated => Ok(None),
    })
}

pub(super) fn reboot(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    for id in named(parameters)? {
        find(&cloud.resources.instances, &id)?;
    }
    Ok(super::done())
}

/// The instances of a call, each once.
fn named(parameters: &Parameters) -> Result<Vec<InstanceId>, Refusal> {
    let mut ids = parameters.ids("InstanceId")?;
    let mut seen = BTreeSet::new();
    ids.retain(|id: &InstanceId| seen.insert(id.clone()));
    if ids.is_empty() { Err(Refusal::missing("InstanceId")) } else { Ok(ids) }
}

/// Moves all named instances, or none. `may` says where a state leads, if anywhere, or what cannot be done with it.
fn change_states(
    cloud: &mut Cloud,
    parameters: &Parameters,
    now: Moment,
    may: impl Fn(InstanceState) -> Result<Option<InstanceState>, &'static str>,
) -> Result<Record, Refusal> {
    let mut moves = vec![];
    for id in named(parameters)? {
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

/// A launch, checked.
struct Launch {
    subnet: Subnet,
    groups: Vec<GroupId>,
    /// One for each instance.
    addresses: Vec<Ipv4Addr>,
    image: String,
    kind: String,
    tags: Tags,
}

pub(super) fn run(cloud: &mut Cloud, parameters: &Parameters, now: Moment) -> Result<Record, Refusal> {
    let launch = Launch::checked(cloud, parameters)?;
    let reservation: ReservationId = cloud.resource_ids.id();
    let mut launched = vec![];
    for address in launch.addresses {
        let id = cloud.launched_id();
        let mut interface =
            Interface::new(cloud.resource_ids.id(), launch.subnet.id.clone(), address, launch.groups.clone());
        interface.attachment = Some(cloud.attachment(Holder::Instance(id.clone()), 0, now));
        let instance = Instance {
            id: id.clone(),
            reservation: reservation.clone(),
            image: launch.image.clone(),
            kind: launch.kind.clone(),
            launched: now,
            state: InstanceState::Pending,
            due: None,
            operator: None,
            tags: launch.tags.clone(),
        };
        cloud.resources.interfaces.insert(interface.id.clone(), interface);
        cloud.resources.instances.insert(id.clone(), instance);
        launched.push(id);
    }
    // The answer shows them pending, even if they run at once.
    let shape = |id: &InstanceId| {
        let instance = cloud.resources.instances.get(id)?;
        let interfaces = cloud.resources.interfaces_of(id);
        Some(instance.shape(&interfaces, &cloud.resources, &cloud.account, &cloud.region))
    };
    let shapes: Vec<_> = launched.iter().filter_map(shape).collect();
    for id in &launched {
        cloud.enter(id, InstanceState::Pending, now);
    }
    Ok(Record::new()
        .with("reservationId", &reservation)
        .with("ownerId", &cloud.account)
        .with("groupSet", Shape::List(vec![]))
        .with("instancesSet", Shape::from_iter(shapes)))
}

impl Cloud {
    /// The id that was promised to the next launch, or a new one.
    fn launched_id(&mut self) -> InstanceId {
        let promised = self.next_instances.pop_front().filter(|id| !self.resources.instances.contains_key(id));
        promised.unwrap_or_else(|| self.resource_ids.id())
    }
}

impl Launch {
    fn checked(cloud: &Cloud, parameters: &Parameters) -> Result<Self, Refusal> {
        let interface = parameters.list("NetworkInterface").next();
        let place = interface.unwrap_or(parameters);
        let subnet_id: SubnetId = place.required_id("SubnetId")?;
        let subnet = find(&cloud.resources.subnets, &subnet_id)?.clone();
        let mut groups = place.ids::<GroupId>("SecurityGroupId")?;
        for group in &groups {
            find(&cloud.resources.groups, group)?;
        }
        if groups.is_empty() {
            groups.extend(default_group(cloud, &subnet).map(|group| group.id.clone()));
        }
        let (least, most) = (count(parameters, "MinCount")?, count(parameters, "MaxCount")?);
        if least > most {
            return Err(Refusal::value("MinCount", &least.to_string()));
        }
        let addresses = match place.parsed("PrivateIpAddress")? {
            Some(_) if most > 1 => {
                return Err(Refusal::combination("An address can be given to one instance only."));
            }
            Some(address) => cloud.check_address(&subnet, address).map(|()| vec![address])?,
            None => cloud.free_addresses(&subnet, most)?,
        };
        let image = parameters.required("ImageId")?.to_owned();
        let kind = parameters.text("InstanceType").unwrap_or("t3.micro").to_owned();
        let of_instances = |list: &&Parameters| list.text("ResourceType") == Some("instance");
        let tags = parameters.list("TagSpecification").find(of_instances).map(tags).unwrap_or_default();
        Ok(Self { subnet, groups, addresses, image, kind, tags })
    }
}

fn count(parameters: &Parameters, name: &str) -> Result<usize, Refusal> {
    let text = parameters.required(name)?;
    text.parse().ok().filter(|count| (1..=LAUNCH_MAX).contains(count)).ok_or_else(|| Refusal::value(name, text))
}

/// What an interface gets whose maker names no groups.
fn default_group<'a>(cloud: &'a Cloud, subnet: &Subnet) -> Option<&'a SecurityGroup> {
    cloud.resources.groups.values().find(|group| group.vpc == subnet.vpc && group.name == "default")
}

pub(super) fn tags(list: &Parameters) -> Tags {
    let tag = |tag: &Parameters| Some((tag.text("Key")?.to_owned(), tag.text("Value").unwrap_or_default().to_owned()));
    list.list("Tag").filter_map(tag).collect()
}
