//! A fake AWS: one account in one region, with EC2, S3 and a CloudTrail that writes down what is done.
//!
//! ```text
//!     query ──► parameters ──► describe / writes ──► shape ──► XML (the caller), CLI JSON (`dump`), CloudTrail JSON (`trail`)
//!                                   │
//!                               Resources: instances, interfaces, groups, route tables …
//! ```
//!
//! The model has no sockets and no clock: every call brings the moment at which it happens. Ids, request ids and log file
//! names come from counters, so the same calls give the same world. A clone is a snapshot; answering from an old one is what
//! eventual consistency looks like.

mod answer;
mod describe;
mod dump;
mod events;
mod group;
mod ids;
mod instance;
mod mishaps;
mod network;
mod parameters;
mod recorded;
mod setup;
mod shape;
mod storage;
mod trail;
mod writes;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

pub use self::{
    answer::Answer,
    dump::Dump,
    group::{Direction, GroupRule, Peer, Permission, PrefixList, Protocol, SecurityGroup, Traffic, UnknownProtocol},
    ids::{
        AssociationId, AttachmentId, CidrAssociationId, EndpointId, GroupId, InstanceId, InterfaceId,
        InternetGatewayId, MalformedId, NatGatewayId, PeeringId, PrefixListId, ReservationId, ResourceId, RouteTableId,
        RuleId, SubnetId, TransitGatewayId, VpcId,
    },
    instance::{Attachment, Holder, Instance, InstanceState, Interface, OnTermination},
    network::{
        Associated, Association, CidrAssociation, CidrState, Destination, EndpointKind, InternetGateway, Route,
        RouteState, RouteTable, Subnet, Tags, Target, Vpc, VpcEndpoint,
    },
    setup::SetupError,
    storage::Object,
};
use self::{
    answer::Refusal, describe::View, ids::Mint, parameters::Parameters, shape::Record, storage::Storage, trail::Trail,
};
use crate::clock::Moment;

/// An account in a region.
#[derive(Clone, Debug)]
pub struct Cloud {
    account: String,
    region: String,
    settings: Settings,
    resources: Resources,
    storage: Storage,
    trail: Trail,
    changes: VecDeque<StateChange>,
    next_instances: VecDeque<InstanceId>,
    /// Apart from the others, so that looking, however often, changes nothing about what comes.
    request_ids: Mint,
    resource_ids: Mint,
    generation: u64,
}

/// How this AWS behaves where AWS leaves a choice or nobody knows.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bucket into which the trail writes. The first log file makes it, if nobody has.
    pub trail_bucket: String,
    /// What stands before `AWSLogs/` in the keys of log files, with its slash.
    pub trail_prefix: String,
    /// The organization whose trail it is: one more segment in the keys.
    pub organization: Option<String>,
    /// How long a starting instance is `pending`.
    pub starting: Duration,
    /// How long a stopping or terminating instance takes.
    pub stopping: Duration,
    /// No page has more elements, whatever the caller allows.
    pub page_max: Option<usize>,
    /// Callers whose reading leaves no records.
    pub unrecorded_readers: BTreeSet<String>,
    /// EC2 actions that nobody may perform.
    pub denied_actions: BTreeSet<String>,
    /// Whether resources that services manage are shown to those who do not ask for them.
    pub managed_resources: Visibility,
    /// What a route to a stopped instance shows. Presumed to be a black hole; not confirmed by AWS's documentation.
    pub stopped_target: RouteState,
}

/// An account's managed resource visibility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Described to everybody.
    Visible,
    /// Described only with `IncludeManagedResources`.
    Hidden,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            trail_bucket: "trail".into(),
            trail_prefix: String::new(),
            organization: None,
            starting: Duration::ZERO,
            stopping: Duration::ZERO,
            page_max: None,
            unrecorded_readers: BTreeSet::new(),
            denied_actions: BTreeSet::new(),
            managed_resources: Visibility::Visible,
            stopped_target: RouteState::Blackhole,
        }
    }
}

/// Everything that EC2 describes, by id.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// VPCs.
    pub vpcs: BTreeMap<VpcId, Vpc>,
    /// Subnets.
    pub subnets: BTreeMap<SubnetId, Subnet>,
    /// Route tables.
    pub route_tables: BTreeMap<RouteTableId, RouteTable>,
    /// Internet gateways.
    pub internet_gateways: BTreeMap<InternetGatewayId, InternetGateway>,
    /// VPC endpoints.
    pub endpoints: BTreeMap<EndpointId, VpcEndpoint>,
    /// Instances, terminated ones too.
    pub instances: BTreeMap<InstanceId, Instance>,
    /// Network interfaces.
    pub interfaces: BTreeMap<InterfaceId, Interface>,
    /// Security groups.
    pub groups: BTreeMap<GroupId, SecurityGroup>,
    /// Prefix lists.
    pub prefix_lists: BTreeMap<PrefixListId, PrefixList>,
}

/// An instance has reached a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// Which instance.
    pub instance: InstanceId,
    /// Which state.
    pub state: InstanceState,
    /// When.
    pub at: Moment,
}

/// How many state changes are kept for somebody to take.
const CHANGES_MAX: usize = 10_000;

impl Cloud {
    /// An empty account with an empty trail bucket.
    pub fn new(account: &str, region: &str) -> Self {
        let mut cloud = Self {
            account: account.to_owned(),
            region: region.to_owned(),
            settings: Settings::default(),
            resources: Resources::default(),
            storage: Storage::default(),
            trail: Trail::default(),
            changes: VecDeque::new(),
            next_instances: VecDeque::new(),
            request_ids: Mint::salted(1),
            resource_ids: Mint::salted(2),
            generation: 0,
        };
        cloud.add_bucket(&Settings::default().trail_bucket);
        cloud
    }

    /// The account's number.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The region's name.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// How this AWS behaves.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How this AWS behaves, to change.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Everything that EC2 describes.
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// Everything that EC2 describes, to bend in ways that no call can.
    pub fn resources_mut(&mut self) -> &mut Resources {
        self.generation += 1;
        &mut self.resources
    }

    /// The id that the next launched instance gets, so that a story can name it beforehand.
    pub fn next_instance_id(&mut self, id: InstanceId) {
        self.next_instances.push_back(id);
    }

    /// Answers a request of the EC2 Query protocol, made by `caller`: a user's name, `role/session`, or a service such as
    /// `autoscaling.amazonaws.com`.
    ///
    /// Writes change the state and leave a record. Refused calls and dry runs leave one too and change nothing.
    pub fn query(&mut self, parameters: &[(String, String)], caller: &str, now: Moment) -> Answer {
        self.tick(now);
        let request_id = self.request_ids.guid();
        let refused = |refusal: &Refusal| Answer::ec2_refused(refusal, &request_id);
        let parameters = match Parameters::parse(parameters) {
            Ok(parameters) => parameters,
            Err(refusal) => return refused(&refusal),
        };
        let action = match parameters.required("Action") {
            Ok(action) => action,
            Err(refusal) => return refused(&refusal),
        };
        let Some(performed) = Performed::of(action) else {
            let message = format!("The action {action} is not valid for this web service.");
            return refused(&Refusal::new("InvalidAction", message));
        };
        let outcome = self.perform(performed, action, &parameters, caller, now);
        let reads = performed.reads();
        self.generation += u64::from(!reads);
        if !(reads && self.settings.unrecorded_readers.contains(caller)) {
            let call = trail::Call { action, parameters: &parameters, caller, now, request_id: &request_id, reads };
            self.record(&call, &outcome);
        }
        self.tick(now);
        match outcome {
            Ok(answer) => Answer::ec2(action, &answer, &request_id),
            Err(refusal) => refused(&refusal),
        }
    }

    fn perform(
        &mut self,
        performed: Performed,
        action: &str,
        parameters: &Parameters,
        caller: &str,
        now: Moment,
    ) -> Result<Record, Refusal> {
        if self.settings.denied_actions.contains(action) {
            return Err(Refusal::unauthorized(action, &self.arn_of(caller)));
        }
        if parameters.flag("DryRun")? {
            return Err(Refusal::dry_run());
        }
        match performed {
            Performed::Read(view) => self.described(view, parameters),
            Performed::ReadEntries => self.prefix_list_entries(parameters),
            Performed::Write(write) => write(self, parameters, now),
        }
    }

    /// Lets time pass: instances that are due reach their next state.
    pub fn tick(&mut self, now: Moment) {
        let due = |instance: &Instance| Some((instance.due.filter(|due| *due <= now)?, instance.state.next()?));
        let mut arrivals: Vec<_> = self
            .resources
            .instances
            .values()
            .filter_map(|instance| due(instance).map(|(at, next)| (at, instance.id.clone(), next)))
            .collect();
        arrivals.sort_by_key(|(at, ..)| *at);
        for (at, id, next) in arrivals {
            self.enter(&id, next, at);
        }
    }

    /// A number that is another one whenever EC2 may describe something else than before.
    pub fn generation(&mut self, now: Moment) -> u64 {
        self.tick(now);
        self.generation
    }

    /// When the next instance reaches its next state, if one is on its way.
    pub fn next_change(&self) -> Option<Moment> {
        self.resources.instances.values().filter_map(|instance| instance.due).min()
    }

    /// The states that instances have reached since this was last asked.
    pub fn take_state_changes(&mut self) -> Vec<StateChange> {
        self.changes.drain(..).collect()
    }

    /// Puts an instance into a state. From a passing one it moves on by itself when it is due.
    fn enter(&mut self, id: &InstanceId, state: InstanceState, at: Moment) {
        let span = if state == InstanceState::Pending { self.settings.starting } else { self.settings.stopping };
        self.generation += 1;
        let Some(instance) = self.resources.instances.get_mut(id) else { return };
        instance.state = state;
        instance.due = state.next().map(|_| at + span);
        if state == InstanceState::Pending {
            instance.launched = at;
        }
        if state == InstanceState::Terminated {
            self.release_interfaces(id);
        }
        self.announce(StateChange { instance: id.clone(), state, at });
    }

    /// A terminated instance's interfaces go with it, or stay behind attached to nothing.
    fn release_interfaces(&mut self, id: &InstanceId) {
        self.resources.interfaces.retain(|_, interface| {
            let attachment = interface.attachment.as_ref();
            interface.instance() != Some(id)
                || attachment.is_none_or(|attachment| attachment.on_termination == OnTermination::Keep)
        });
        for interface in self.resources.interfaces.values_mut().filter(|interface| interface.instance() == Some(id)) {
            interface.attachment = None;
        }
    }

    fn announce(&mut self, change: StateChange) {
        if self.changes.len() == CHANGES_MAX {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
    }
}

/// What carries out an action.
#[derive(Clone, Copy)]
enum Performed {
    Read(&'static View),
    ReadEntries,
    Write(writes::Write),
}

impl Performed {
    fn of(action: &str) -> Option<Self> {
        match action {
            "GetManagedPrefixListEntries" => Some(Self::ReadEntries),
            _ => describe::view(action).map(Self::Read).or_else(|| writes::write(action).map(Self::Write)),
        }
    }

    fn reads(self) -> bool {
        matches!(self, Self::Read(_) | Self::ReadEntries)
    }
}

#[cfg(test)]
mod tests;
