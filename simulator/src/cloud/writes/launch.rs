//! RunInstances.

use super::{find, plan::Plan, tags_among};
use crate::{
    clock::Moment,
    cloud::{
        Cloud, Holder, Instance, InstanceId, InstanceState, Interface, InterfaceId, OnTermination, Particulars,
        Protection, SubnetId, Tags,
        answer::Refusal,
        ids::{GroupId, ReservationId},
        parameters::Parameters,
        shape::{Record, Shape},
    },
};

/// No launch makes more: a guard against typing errors, far below real quotas.
const LAUNCH_MAX: usize = 1000;

/// What RunInstances can give tags to. Those of volumes and requests are checked and forgotten: neither is described here.
const TAGGABLE: [&str; 6] =
    ["instance", "network-interface", "volume", "spot-instances-request", "elastic-gpu", "capacity-reservation"];

/// All or nothing: what a launch has made goes again if the rest of it is refused.
pub(super) fn run(cloud: &mut Cloud, parameters: &Parameters, now: Moment) -> Result<Record, Refusal> {
    let (resources, ids) = (cloud.resources.clone(), cloud.resource_ids.clone());
    let promised = cloud.next_instances.clone();
    let launched = Launch::checked(cloud, parameters).and_then(|launch| launch.perform(cloud, now));
    if launched.is_err() {
        (cloud.resources, cloud.resource_ids, cloud.next_instances) = (resources, ids, promised);
    }
    let (reservation, launched) = launched?;
    // The answer shows them pending, even if they run at once, and no volume is attached yet.
    let shape = |id: &InstanceId| {
        let instance = cloud.resources.instances.get(id)?;
        let interfaces = cloud.resources.interfaces_of(id);
        let shape = instance.shape(&interfaces, &cloud.resources, &cloud.account, &cloud.region);
        Some(shape.instead("blockDeviceMapping", Shape::List(vec![])))
    };
    let shapes: Vec<_> = launched.iter().filter_map(shape).collect();
    for id in &launched {
        cloud.enter(id, InstanceState::Pending, now);
    }
    Ok(Record::new()
        .with("reservationId", &reservation)
        .with("ownerId", &cloud.account)
        .renamed("groupSet", "Groups", Shape::List(vec![]))
        .renamed("instancesSet", "Instances", Shape::from_iter(shapes)))
}

/// What a caller wants launched.
struct Launch<'a> {
    /// Where the instance's own interface is described, if none is described for itself.
    whole: Parameters,
    interfaces: Vec<&'a Parameters>,
    count: usize,
    image: String,
    kind: String,
    operator: Option<String>,
    particulars: Particulars,
    tags: Tags,
    interface_tags: Tags,
}

impl<'a> Launch<'a> {
    fn checked(cloud: &Cloud, parameters: &'a Parameters) -> Result<Self, Refusal> {
        check_template(parameters)?;
        let image = image(parameters)?;
        let interfaces: Vec<_> = parameters.list("NetworkInterface").collect();
        let count = count(parameters)?;
        check_interfaces(parameters, &interfaces, count)?;
        let operator = parameters.member("Operator").and_then(|operator| operator.text("Principal"));
        Ok(Self {
            whole: if interfaces.is_empty() { whole(cloud, parameters, count)? } else { Parameters::default() },
            interfaces,
            count,
            image,
            kind: parameters.text("InstanceType").unwrap_or("t3.micro").to_owned(),
            operator: operator.map(str::to_owned),
            particulars: particulars(parameters)?,
            tags: tags_among(parameters, "instance", &TAGGABLE)?,
            interface_tags: tags_among(parameters, "network-interface", &TAGGABLE)?,
        })
    }

    fn perform(&self, cloud: &mut Cloud, now: Moment) -> Result<(ReservationId, Vec<InstanceId>), Refusal> {
        let reservation: ReservationId = cloud.resource_ids.id();
        let mut launched = vec![];
        for index in 0..self.count {
            let id = cloud.launched_id();
            let launch_index = u32::try_from(index).unwrap_or(u32::MAX);
            let instance = Instance {
                id: id.clone(),
                reservation: reservation.clone(),
                image: self.image.clone(),
                kind: self.kind.clone(),
                launched: now,
                state: InstanceState::Pending,
                due: None,
                operator: self.operator.clone(),
                particulars: Particulars { launch_index, ..self.particulars.clone() },
                tags: self.tags.clone(),
            };
            cloud.resources.instances.insert(id.clone(), instance);
            self.connect(cloud, &id, now)?;
            launched.push(id);
        }
        Ok((reservation, launched))
    }

    fn connect(&self, cloud: &mut Cloud, instance: &InstanceId, now: Moment) -> Result<(), Refusal> {
        if self.interfaces.is_empty() {
            return self.make(cloud, &self.whole, instance, 0, now);
        }
        for description in &self.interfaces {
            let device: u32 =
                description.parsed("DeviceIndex")?.ok_or_else(|| Refusal::missing("networkInterface.deviceIndex"))?;
            match description.id::<InterfaceId>("NetworkInterfaceId")? {
                Some(id) => take(cloud, &id, instance, device, now)?,
                None => self.make(cloud, description, instance, device, now)?,
            }
        }
        Ok(())
    }

    fn make(
        &self,
        cloud: &mut Cloud,
        description: &Parameters,
        instance: &InstanceId,
        device: u32,
        now: Moment,
    ) -> Result<(), Refusal> {
        let list = if self.interfaces.is_empty() { "Ipv6Address" } else { "Ipv6Addresses" };
        let plan = Plan::checked(cloud, description, list)?;
        let plan = plan.with_tags(self.interface_tags.clone()).with_operator(self.operator.clone());
        let public: Option<bool> = description.parsed("AssociatePublicIpAddress")?;
        let public_while_on = public.unwrap_or(device == 0 && plan.subnet.gives.public_address);
        let mut interface = plan.made(cloud);
        let mut attachment = cloud.attachment(Holder::Instance(instance.clone()), device, now);
        attachment.on_termination = match description.parsed("DeleteOnTermination")? {
            Some(false) => OnTermination::Keep,
            Some(true) | None => OnTermination::Delete,
        };
        (interface.attachment, interface.public_while_on) = (Some(attachment), public_while_on);
        cloud.resources.interfaces.insert(interface.id.clone(), interface);
        Ok(())
    }
}

/// An interface that was there before.
fn take(cloud: &mut Cloud, id: &InterfaceId, instance: &InstanceId, device: u32, now: Moment) -> Result<(), Refusal> {
    if find(&cloud.resources.interfaces, id)?.attachment.is_some() {
        let message = format!("Interface '{id}' is already attached.");
        return Err(Refusal::new("InvalidNetworkInterface.InUse", message));
    }
    let mut attachment = cloud.attachment(Holder::Instance(instance.clone()), device, now);
    attachment.on_termination = OnTermination::Keep;
    let keep = |interface: &mut Interface| interface.attachment = Some(attachment);
    cloud.resources.interfaces.entry(id.clone()).and_modify(keep);
    Ok(())
}

/// The one interface of an instance that is described with the instance itself.
fn whole(cloud: &Cloud, parameters: &Parameters, count: usize) -> Result<Parameters, Refusal> {
    if parameters.text("PrivateIpAddress").is_some() && count > 1 {
        return Err(Refusal::combination("An address can be given to one instance only."));
    }
    let mut whole =
        parameters.only(&["SubnetId", "SecurityGroupId", "PrivateIpAddress", "Ipv6Address", "Ipv6AddressCount"]);
    if whole.text("SubnetId").is_none() {
        let vpc = cloud.default_vpc()?;
        let subnet = cloud.resources.subnets.values().find(|subnet| subnet.vpc == vpc);
        let message = || format!("No subnets found for the default VPC '{vpc}'. Please specify a subnet.");
        let subnet: &SubnetId = &subnet.ok_or_else(|| Refusal::new("MissingInput", message()))?.id;
        whole.put("SubnetId", &subnet.to_string());
    }
    for (n, name) in (1..).zip(parameters.texts("SecurityGroup")) {
        let vpc = cloud.default_vpc()?;
        let group = cloud.resources.groups.values().find(|group| group.vpc == vpc && group.name == name);
        let message = || format!("The security group '{name}' does not exist in VPC '{vpc}'");
        let group: &GroupId = &group.ok_or_else(|| Refusal::new("InvalidGroup.NotFound", message()))?.id;
        whole.put_element("SecurityGroupId", n, &group.to_string());
    }
    Ok(whole)
}

/// Interfaces that are described for themselves, and what does not go with them.
fn check_interfaces(parameters: &Parameters, interfaces: &[&Parameters], count: usize) -> Result<(), Refusal> {
    if interfaces.is_empty() {
        return Ok(());
    }
    let both = |what: &str| {
        let message =
            format!("Network interfaces and an instance-level {what} may not be specified on the same request");
        Err(Refusal::combination(message))
    };
    if parameters.text("SubnetId").is_some() {
        return both("subnet ID");
    }
    if parameters.member("SecurityGroupId").is_some() || parameters.member("SecurityGroup").is_some() {
        return both("security groups");
    }
    if parameters.text("PrivateIpAddress").is_some() {
        return both("private address");
    }
    let devices = interfaces.iter().map(|interface| interface.text("DeviceIndex")).collect::<Vec<_>>();
    if (1..devices.len()).any(|n| devices[..n].contains(&devices[n])) {
        let message = "Each network interface requires a unique device index.";
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    if !devices.contains(&Some("0")) {
        let message = "When specifying network interfaces, you must include a device at index 0.";
        return Err(Refusal::new("UnsupportedOperation", message));
    }
    if interfaces.len() > 1 && interfaces.iter().any(|one| one.text("AssociatePublicIpAddress") == Some("true")) {
        let message = "The associatePublicIPAddress parameter cannot be specified when launching with multiple network interfaces.";
        return Err(Refusal::combination(message));
    }
    if count > 1 && interfaces.iter().any(|one| one.text("NetworkInterfaceId").is_some()) {
        return Err(Refusal::combination("An interface can be given to one instance only."));
    }
    Ok(())
}

/// As many as there may be.
fn count(parameters: &Parameters) -> Result<usize, Refusal> {
    let bound = |name: &str| {
        let text = parameters.required(name)?;
        text.parse().ok().filter(|count| (1..=LAUNCH_MAX).contains(count)).ok_or_else(|| Refusal::value(name, text))
    };
    let (least, most) = (bound("MinCount")?, bound("MaxCount")?);
    if least > most { Err(Refusal::value("MinCount", &least.to_string())) } else { Ok(most) }
}

/// Nobody can make launch templates here, so there is none of any name.
fn check_template(parameters: &Parameters) -> Result<(), Refusal> {
    let Some(template) = parameters.member("LaunchTemplate") else { return Ok(()) };
    let (code, name) = match template.text("LaunchTemplateId") {
        Some(id) => ("InvalidLaunchTemplateId.NotFound", id),
        None => ("InvalidLaunchTemplateName.NotFoundException", template.required("LaunchTemplateName")?),
    };
    Err(Refusal::new(code, format!("The specified launch template, with template name or ID {name}, does not exist.")))
}

/// Images are not described here: every id of the right form is taken for one.
fn image(parameters: &Parameters) -> Result<String, Refusal> {
    let id = parameters.required("ImageId")?;
    let digits = id.strip_prefix("ami-").unwrap_or_default();
    if matches!(digits.len(), 8 | 17) && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Ok(id.to_owned());
    }
    Err(Refusal::new("InvalidAMIID.Malformed", format!("Invalid id: \"{id}\" (expecting \"ami-...\")")))
}

fn particulars(parameters: &Parameters) -> Result<Particulars, Refusal> {
    let protection = |name: &str| Ok(if parameters.flag(name)? { Protection::On } else { Protection::Off });
    let text = |name: &str| parameters.text(name).map(str::to_owned);
    let profile = parameters.member("IamInstanceProfile");
    let of_arn = |profile: &Parameters| profile.text("Arn")?.rsplit_once('/').map(|(_, name)| name.to_owned());
    let profile = profile.and_then(|profile| profile.text("Name").map(str::to_owned).or_else(|| of_arn(profile)));
    Ok(Particulars {
        key_name: text("KeyName"),
        client_token: text("ClientToken"),
        launch_index: 0,
        user_data: text("UserData"),
        profile,
        termination: protection("DisableApiTermination")?,
        stopping: protection("DisableApiStop")?,
        stopped: None,
    })
}

impl Cloud {
    /// The id that was promised to the next launch, or a new one.
    fn launched_id(&mut self) -> InstanceId {
        let promised = self.next_instances.pop_front().filter(|id| !self.resources.instances.contains_key(id));
        promised.unwrap_or_else(|| self.resource_ids.id())
    }
}
