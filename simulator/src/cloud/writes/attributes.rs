//! Attributes of instances and interfaces, one at a time.

use super::{done, find, find_mut, many_interfaces, plan::check_groups};
use crate::{
    clock::Moment,
    cloud::{
        Cloud, GroupId, Instance, InstanceId, InstanceState, InterfaceId, OnTermination, Protection, answer::Refusal,
        parameters::Parameters, shape::Record,
    },
};

/// ModifyNetworkInterfaceAttribute
pub(super) fn modify_interface(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    find(&cloud.resources.interfaces, &id)?;
    let on_termination = on_termination(cloud, &id, parameters)?;
    let description = parameters.member("Description").and_then(|node| node.member("Value"));
    let description = description.map(|node| node.value().unwrap_or_default().to_owned());
    let public: Option<bool> = parameters.parsed("AssociatePublicIpAddress")?;
    change(cloud, &id, parameters, "SecurityGroupId")?;
    let interface = find_mut(&mut cloud.resources.interfaces, &id)?;
    if let (Some(wanted), Some(attachment)) = (on_termination, interface.attachment.as_mut()) {
        attachment.on_termination = wanted;
    }
    interface.public_while_on = public.unwrap_or(interface.public_while_on);
    if let Some(description) = description {
        interface.description = description;
    }
    Ok(done())
}

fn on_termination(cloud: &Cloud, id: &InterfaceId, parameters: &Parameters) -> Result<Option<OnTermination>, Refusal> {
    let Some(wanted) = parameters.member("Attachment") else { return Ok(None) };
    let attachment: crate::cloud::AttachmentId = wanted.required_id("AttachmentId")?;
    let known = find(&cloud.resources.interfaces, id)?.attachment.as_ref();
    if known.is_none_or(|known| known.id != attachment) {
        return Err(Refusal::not_found::<crate::cloud::AttachmentId>(&attachment));
    }
    let delete: Option<bool> = wanted.parsed("DeleteOnTermination")?;
    Ok(delete.map(|delete| if delete { OnTermination::Delete } else { OnTermination::Keep }))
}

/// ResetNetworkInterfaceAttribute: the check of source and destination is on again.
pub(super) fn reset_interface(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    find_mut(&mut cloud.resources.interfaces, &id)?.source_dest_check = true;
    Ok(done())
}

/// ModifyInstanceAttribute: of the instance itself, or of its only interface.
pub(super) fn modify_instance(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InstanceId = parameters.required_id("InstanceId")?;
    let instance = find(&cloud.resources.instances, &id)?;
    let wanted = Wanted::checked(parameters)?;
    if (wanted.kind.is_some() || wanted.user_data.is_some()) && instance.state != InstanceState::Stopped {
        let message = format!("The instance '{id}' is not in the 'stopped' state.");
        return Err(Refusal::new("IncorrectInstanceState", message));
    }
    if parameters.member("GroupId").is_some() || parameters.member("SourceDestCheck").is_some() {
        let interface = match cloud.resources.interfaces_of(&id).as_slice() {
            [only] => only.id.clone(),
            [] => {
                let message = format!("The instance '{id}' has no interface");
                return Err(Refusal::new("IncorrectInstanceState", message));
            }
            _ => return Err(many_interfaces(&id)),
        };
        return change(cloud, &interface, parameters, "GroupId");
    }
    wanted.put(find_mut(&mut cloud.resources.instances, &id)?)
}

/// The groups, or the check of source and destination.
fn change(cloud: &mut Cloud, id: &InterfaceId, parameters: &Parameters, list: &str) -> Result<Record, Refusal> {
    let groups = parameters.ids::<GroupId>(list)?;
    let vpc = cloud.subnet_of(id)?.vpc;
    check_groups(cloud, &groups, &vpc, &format!("interface {id}"))?;
    let check = parameters.member("SourceDestCheck").map(|check| check.parsed("Value")).transpose()?.flatten();
    let interface = find_mut(&mut cloud.resources.interfaces, id)?;
    if !groups.is_empty() {
        interface.groups = groups;
    }
    interface.source_dest_check = check.unwrap_or(interface.source_dest_check);
    Ok(done())
}

/// What a call changes of an instance itself.
#[derive(Default)]
struct Wanted {
    termination: Option<Protection>,
    stopping: Option<Protection>,
    kind: Option<String>,
    user_data: Option<String>,
}

impl Wanted {
    /// The value is under the attribute's name, or beside it: `Attribute=instanceType&Value=t3.large`.
    fn checked(parameters: &Parameters) -> Result<Self, Refusal> {
        let text = |attribute: &str, member: &str| match parameters.text("Attribute") {
            Some(named) if named == attribute => parameters.text("Value"),
            Some(_) | None => parameters.member(member).and_then(|node| node.text("Value")),
        };
        let switch = |attribute: &str, member: &str| match text(attribute, member) {
            None => Ok(None),
            Some("true") => Ok(Some(Protection::On)),
            Some("false") => Ok(Some(Protection::Off)),
            Some(other) => Err(Refusal::value(attribute, other)),
        };
        Ok(Self {
            termination: switch("disableApiTermination", "DisableApiTermination")?,
            stopping: switch("disableApiStop", "DisableApiStop")?,
            kind: text("instanceType", "InstanceType").map(str::to_owned),
            user_data: text("userData", "UserData").map(str::to_owned),
        })
    }

    fn put(self, instance: &mut Instance) -> Result<Record, Refusal> {
        let Self { termination, stopping, kind, user_data } = self;
        if termination.is_none() && stopping.is_none() && kind.is_none() && user_data.is_none() {
            return Err(Refusal::combination("No attributes specified."));
        }
        let particulars = &mut instance.particulars;
        particulars.termination = termination.unwrap_or(particulars.termination);
        particulars.stopping = stopping.unwrap_or(particulars.stopping);
        particulars.user_data = user_data.or(particulars.user_data.take());
        if let Some(kind) = kind {
            instance.kind = kind;
        }
        Ok(done())
    }
}
