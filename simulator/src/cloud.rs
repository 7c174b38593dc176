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

mod address;
mod answer;
mod buckets;
mod control;
mod describe;
mod dump;
mod events;
mod gateway;
mod group;
mod ids;
mod instance;
mod interface;
mod lifecycle;
mod limits;
mod listing;
mod mishaps;
mod network;
mod outbox;
mod parameters;
mod peering;
mod prefix_list;
mod recorded;
mod routes;
mod setup;
mod shape;
mod storage;
mod trail;
mod writes;
mod zone;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

pub use self::{
    address::{Address, AddressAssociation},
    answer::Answer,
    buckets::S3Request,
    control::{CONTROL, SettingError},
    dump::Dump,
    gateway::{EgressGateway, EndpointKind, InternetGateway, NatGateway, NatReach, VpcEndpoint},
    group::{Direction, GroupRule, Peer, Permission, Protocol, SecurityGroup, Traffic, UnknownProtocol},
    ids::{
        AddressAssociationId, AllocationId, AssociationId, AttachmentId, CidrAssociationId, EgressGatewayId,
        EndpointId, GroupId, InstanceId, InterfaceId, InternetGatewayId, MalformedId, NatGatewayId, PeeringId,
        PrefixListId, ReservationId, ResourceId, RouteTableId, RuleId, SubnetCidrAssociationId, SubnetId,
        TransitAttachmentId, TransitGatewayId, VpcId,
    },
    instance::{Instance, InstanceState, Particulars, Protection},
    interface::{Attachment, Holder, Interface, OnTermination},
    limits::Rate,
    network::{CidrAssociation, CidrState, Gifts, Subnet, Tags, Vpc, VpcAttributes},
    peering::{Peering, PeeringState, TransitAttachment, TransitGateway},
    prefix_list::{Entry, Family, PrefixList},
    routes::{Associated, Association, Destination, Route, RouteState, RouteTable, Target},
    setup::SetupError,
    shape::CliAnswer,
    storage::Object,
    zone::Zone,
};
use self::{
    answer::Refusal, describe::View, ids::Mint, limits::Limits, outbox::Outbox, parameters::Parameters, shape::Record,
    storage::Storage, trail::Trail,
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
    limits: Limits,
    /// Only if somebody is going to ask for it.
    outbox: Option<Outbox>,
    /// The moment of the last call, or of whatever else happened last.
    last_seen: Moment,
    unknown_actions: VecDeque<String>,
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
    /// Actions that nobody may perform: EC2's, and `ListBucket`, `GetObject` and `GetObjectVersion` of S3.
    pub denied_actions: BTreeSet<String>,
    /// When a dry run looks up the ids that it names. The documentation does not say.
    pub dry_runs: DryRuns,
    /// Whose date answers bear.
    pub dates: Dates,
    /// Whether resources that services manage are shown to those who do not ask for them.
    pub managed_resources: Visibility,
    /// What a route to a stopped instance shows. Presumed to be a black hole; not confirmed by AWS's documentation.
    pub stopped_target: RouteState,
    /// How many calls of EC2 to come are refused with `RequestLimitExceeded`.
    pub refused_next: u32,
    /// How many calls of each action EC2 answers; more are refused with `RequestLimitExceeded`.
    pub rate: Option<Rate>,
    /// How long a change is not seen by those who read.
    pub reads_lag: Duration,
    /// How long EventBridge takes. AWS says nothing about it.
    pub event_delay: Duration,
    /// How long S3 takes to tell of a new object.
    pub notification_delay: Duration,
}

/// What a dry run does about ids of things that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DryRuns {
    /// It says that the call would have succeeded.
    Unseeing,
    /// It says that there is no such thing.
    LookingUp,
}

/// Whose date answers bear in their `date` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dates {
    /// That of the machine that serves them.
    Machine,
    /// That of the world, which may be another: as AWS's is another than that of a machine whose clock is wrong.
    World,
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
            dry_runs: DryRuns::Unseeing,
            dates: Dates::Machine,
            managed_resources: Visibility::Visible,
            stopped_target: RouteState::Blackhole,
            refused_next: 0,
            rate: None,
            reads_lag: Duration::ZERO,
            event_delay: Duration::ZERO,
            notification_delay: Duration::ZERO,
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
    /// Egress-only internet gateways.
    pub egress_gateways: BTreeMap<EgressGatewayId, EgressGateway>,
    /// NAT gateways, deleted ones too.
    pub nat_gateways: BTreeMap<NatGatewayId, NatGateway>,
    /// Transit gateways.
    pub transit_gateways: BTreeMap<TransitGatewayId, TransitGateway>,
    /// VPCs at transit gateways.
    pub transit_attachments: BTreeMap<TransitAttachmentId, TransitAttachment>,
    /// Peering connections, refused and deleted ones too.
    pub peerings: BTreeMap<PeeringId, Peering>,
    /// Elastic IP addresses.
    pub addresses: BTreeMap<AllocationId, Address>,
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

/// How many unknown actions are kept for somebody to take.
const UNKNOWN_MAX: usize = 100;

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
            limits: Limits::default(),
            outbox: None,
            last_seen: Moment::default(),
            unknown_actions: VecDeque::new(),
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
        self.last_seen = now;
        let refused = |refusal: &Refusal| Answer::ec2_refused(refusal, &request_id);
        let parameters = match Parameters::parse(parameters) {
            Ok(parameters) => parameters,
            Err(refusal) => return refused(&refusal),
        };
        let action = match parameters.required("Action") {
            Ok(action) => action,
            Err(refusal) => return refused(&refusal),
        };
        if action == "GetCallerIdentity" {
            return self.caller_identity(caller, &request_id);
        }
        let Some(performed) = Performed::of(action) else {
            self.note_unknown(action);
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
        self.admit(action, now)?;
        if self.settings.denied_actions.contains(action) {
            return Err(Refusal::unauthorized(action, &self.arn_of(caller)));
        }
        if parameters.flag("DryRun")? {
            if let (Performed::Look(look), DryRuns::LookingUp) = (performed, self.settings.dry_runs) {
                look(self, parameters)?;
            }
            return Err(Refusal::dry_run());
        }
        match performed {
            Performed::Read(view) => self.look_back(now, |cloud| cloud.described(view, parameters)),
            Performed::Look(look) => self.look_back(now, |cloud| look(cloud, parameters)),
            Performed::Write(write) => {
                if let Some(answer) = self.done_before(action, parameters)? {
                    return Ok(answer);
                }
                self.remember(now);
                let answer = write(self, parameters, now)?;
                self.note_done(action, parameters, &answer);
                Ok(answer)
            }
        }
    }

    fn note_unknown(&mut self, action: &str) {
        if self.unknown_actions.len() == UNKNOWN_MAX {
            self.unknown_actions.pop_front();
        }
        self.unknown_actions.push_back(action.to_owned());
    }

    /// The actions that were asked for since this was last asked, and that this EC2 does not know.
    pub fn take_unknown_actions(&mut self) -> Vec<String> {
        self.unknown_actions.drain(..).collect()
    }
}

/// What carries out an action.
#[derive(Clone, Copy)]
enum Performed {
    Read(&'static View),
    Look(describe::Look),
    Write(writes::Write),
}

impl Performed {
    fn of(action: &str) -> Option<Self> {
        let read = describe::view(action).map(Self::Read).or_else(|| describe::look(action).map(Self::Look));
        read.or_else(|| writes::write(action).map(Self::Write))
    }

    fn reads(self) -> bool {
        matches!(self, Self::Read(_) | Self::Look(_))
    }
}

#[cfg(test)]
mod tests;
