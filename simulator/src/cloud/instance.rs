//! Instances.

use std::collections::BTreeMap;

use time::macros::format_description;

use super::{
    Resources, Tags,
    ids::{GroupId, InstanceId, InterfaceId, ReservationId, fingerprint},
    interface::{Interface, private_name},
    network::tags,
    shape::{Record, Shape},
};
use crate::clock::Moment;

/// A virtual machine.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// The launch that it came from.
    pub reservation: ReservationId,
    /// The image that it was launched from.
    pub image: String,
    /// Such as `t3.micro`.
    pub kind: String,
    /// When it was launched or last started.
    pub launched: Moment,
    /// Where it is in its life.
    pub state: InstanceState,
    /// When it reaches the state that follows a passing one.
    pub due: Option<Moment>,
    /// The service that runs it, if it is not the customer's own.
    pub operator: Option<String>,
    /// What else its launch said of it.
    pub particulars: Particulars,
    /// Its tags.
    pub tags: Tags,
}

/// What is known of an instance that no packet depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Particulars {
    /// The key pair.
    pub key_name: Option<String>,
    /// With which the launch can be repeated without effect.
    pub client_token: Option<String>,
    /// Its number within the launch.
    pub launch_index: u32,
    /// In Base64, as it was given.
    pub user_data: Option<String>,
    /// The role that it runs with, by the name of its instance profile.
    pub profile: Option<String>,
    /// `disableApiTermination`
    pub termination: Protection,
    /// `disableApiStop`
    pub stopping: Protection,
    /// Since when it is off because somebody asked for it.
    pub stopped: Option<Moment>,
}

/// Whether calls of a kind are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// They are not.
    #[default]
    Off,
    /// They are.
    On,
}

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// Being started; its interfaces and addresses are there.
    Pending,
    /// On.
    Running,
    /// Being stopped.
    Stopping,
    /// Off, with its interfaces and private addresses.
    Stopped,
    /// Being terminated.
    ShuttingDown,
    /// Gone, but shown for a while.
    Terminated,
}

impl InstanceState {
    /// EC2's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
        }
    }

    /// The state that a passing one leads to.
    pub fn next(self) -> Option<Self> {
        match self {
            Self::Pending => Some(Self::Running),
            Self::Stopping => Some(Self::Stopped),
            Self::ShuttingDown => Some(Self::Terminated),
            Self::Running | Self::Stopped | Self::Terminated => None,
        }
    }

    /// Code and name, as answers have it.
    pub(super) fn shape(self) -> Record {
        let code = match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        };
        Record::new().with("code", code).with("name", self.name())
    }
}

impl Instance {
    /// What DescribeInstances and RunInstances say of it and its interfaces, of which the primary one comes first.
    pub(super) fn shape(&self, interfaces: &[&Interface], resources: &Resources, owner: &str, region: &str) -> Record {
        let attachment = if self.state == InstanceState::Pending { "attaching" } else { "attached" };
        let under_instance = |interface: &&Interface| interface.under_instance(resources, owner, region, attachment);
        let primary = interfaces.first().copied();
        let groups = primary.map_or(Shape::List(vec![]), |interface| resources.group_names(&interface.groups));
        let record = Record::new()
            .with("instanceId", &self.id)
            .with("imageId", &self.image)
            .renamed("instanceState", "State", self.state.shape())
            .with("instanceType", &self.kind)
            .with("launchTime", self.launched)
            .and(self.in_network(primary, resources, region))
            .and(self.machine(owner))
            .and(self.reason());
        record
            .renamed("groupSet", "SecurityGroups", groups)
            .renamed(
                "networkInterfaceSet",
                "NetworkInterfaces",
                Shape::from_iter(interfaces.iter().map(under_instance)),
            )
            .renamed("tagSet", "Tags", tags(&self.tags))
            .with("operator", operator(self.operator.as_deref()))
    }

    /// Where it is: what its primary interface says.
    fn in_network(&self, primary: Option<&Interface>, resources: &Resources, region: &str) -> Record {
        let subnet = primary.and_then(|primary| resources.subnets.get(&primary.subnet));
        let public = primary.and_then(|primary| primary.public_primary(resources));
        let address = primary.and_then(|primary| primary.addresses.first().copied());
        let zone = subnet.map(|subnet| subnet.zone).unwrap_or_default();
        let placement = Record::new()
            .with("availabilityZone", zone.name(region))
            .with("availabilityZoneId", zone.id(region))
            .with("groupName", "")
            .with("tenancy", "default");
        Record::new()
            .with("placement", placement)
            .with("monitoring", Record::new().with("state", "disabled"))
            .with("privateDnsName", address.map(|address| private_name(address, region)).unwrap_or_default())
            .renamed("dnsName", "PublicDnsName", public.as_ref().map(|public| public.name(region)).unwrap_or_default())
            .maybe("subnetId", subnet.map(|subnet| &subnet.id))
            .maybe("vpcId", subnet.map(|subnet| &subnet.vpc))
            .maybe("privateIpAddress", address)
            .maybe_renamed("ipAddress", "PublicIpAddress", public.map(|public| public.address))
            .maybe("ipv6Address", primary.and_then(|primary| primary.ipv6_addresses.first().copied()))
            .maybe("sourceDestCheck", primary.map(|interface| interface.source_dest_check))
    }

    /// What is the same for all instances of this world, and what their launch said.
    fn machine(&self, owner: &str) -> Record {
        let Particulars { key_name, client_token, launch_index, profile, .. } = &self.particulars;
        let volume = Record::new()
            .with("volumeId", format!("vol-0{:016x}", fingerprint(self.id.to_string().as_bytes())))
            .with("status", "attached")
            .with("attachTime", self.launched)
            .with("deleteOnTermination", true);
        let volume = Record::new().with("deviceName", ROOT_DEVICE).with("ebs", volume);
        let volumes = if self.state == InstanceState::Terminated { vec![] } else { vec![volume] };
        let profile = profile.as_ref().map(|name| {
            let id = format!("AIPA{:016X}", fingerprint(name.as_bytes()));
            Record::new().with("arn", format!("arn:aws:iam::{owner}:instance-profile/{name}")).with("id", id)
        });
        Record::new()
            .with("amiLaunchIndex", *launch_index)
            .maybe("keyName", key_name.as_ref())
            .with("productCodes", Shape::List(vec![]))
            .with("clientToken", client_token.clone().unwrap_or_default())
            .maybe("iamInstanceProfile", profile)
            .with("architecture", "x86_64")
            .with("rootDeviceType", "ebs")
            .with("rootDeviceName", ROOT_DEVICE)
            .renamed("blockDeviceMapping", "BlockDeviceMappings", Shape::from_iter(volumes))
            .with("virtualizationType", "hvm")
            .with("hypervisor", "xen")
            .with("ebsOptimized", false)
            .with("enaSupport", true)
    }

    /// Why it is in its state, if somebody asked for it. The form is that of the EC2 user guide, "Instance lifecycle".
    fn reason(&self) -> Record {
        let text = match (self.state, self.particulars.stopped) {
            (InstanceState::Pending | InstanceState::Running, _) | (_, None) => return Record::new().with_reason(""),
            (_, Some(at)) => {
                at.formatted(format_description!("User initiated ([year]-[month]-[day] [hour]:[minute]:[second] GMT)"))
            }
        };
        let message = "Client.UserInitiatedShutdown: User initiated shutdown";
        let reason = Record::new().with("code", "Client.UserInitiatedShutdown").with("message", message);
        Record::new().with_reason(&text).with("stateReason", reason)
    }
}

impl Record {
    fn with_reason(self, text: &str) -> Self {
        self.renamed("reason", "StateTransitionReason", text)
    }
}

/// The device of the one volume that every instance has.
const ROOT_DEVICE: &str = "/dev/xvda";

impl Resources {
    /// The instance's interfaces, the primary one first.
    pub(super) fn interfaces_of(&self, instance: &InstanceId) -> Vec<&Interface> {
        let mut interfaces: Vec<_> =
            self.interfaces.values().filter(|interface| interface.instance() == Some(instance)).collect();
        interfaces.sort_by_key(|interface| interface.device_index());
        interfaces
    }

    /// The same for all instances at once.
    pub(super) fn interfaces_by_instance(&self) -> BTreeMap<&InstanceId, Vec<&Interface>> {
        let mut by_instance: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for interface in self.interfaces.values() {
            if let Some(instance) = interface.instance() {
                by_instance.entry(instance).or_default().push(interface);
            }
        }
        for interfaces in by_instance.values_mut() {
            interfaces.sort_by_key(|interface| interface.device_index());
        }
        by_instance
    }

    /// The instance to which an interface is attached.
    pub(super) fn instance_behind(&self, interface: &InterfaceId) -> Option<&Instance> {
        self.instances.get(self.interfaces.get(interface)?.instance()?)
    }

    /// Groups with their names, as interfaces and instances list them.
    pub(super) fn group_names(&self, groups: &[GroupId]) -> Shape {
        let name = |id: &GroupId| self.groups.get(id).map(|group| group.name.clone());
        groups.iter().map(|id| Record::new().with("groupId", id).maybe("groupName", name(id))).collect()
    }
}

/// Whether a service manages something, and which.
pub(super) fn operator(name: Option<&str>) -> Record {
    Record::new().with("managed", name.is_some()).maybe("principal", name)
}
