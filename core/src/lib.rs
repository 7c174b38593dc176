//! Decides which security rules a firewall should have for what AWS runs, and in which order to change them. No IO, no
//! clock, no threads: everything that waits or fails is asked of somebody else.
//!
//! Three layers, each knowing nothing of the next:
//!
//! ```text
//! facts      Inventory (AWS)     Firewall {candidate, running}     Config       plain values, read once a look
//!                  \                      |                       /
//! decision   plan(&inventory, &rulebase, &config, &causes) -> Plan              pure: it cannot fail and cannot wait
//!                                         |
//! sequence   Run::advance(elapsed, Input) -> Next                               one request in flight; all waiting and retrying
//!                                         |
//! the world  whatever implements Perform
//! ```
//!
//! An event never says what to do, only that it is worth looking; a run looks, does one thing, and looks again, and it is in
//! sync only when a fresh look finds nothing to change. There is no state but the firewall's and AWS's own, so that a crash
//! at any point is repaired by the next run.
//!
//! # Driving a run
//!
//! The loop below is all that there is to it. Here the world is a firewall held in memory, with nothing but a clean-up rule,
//! and one instance behind it that is open on port 443.
//!
//! ```
//! # use std::{collections::*, future::Future, pin::pin, sync::Arc, task::{Context, Waker}, time::Duration};
//! # use drawbridge_core::{change::*, config::*, firewall::*, inventory::*, range::*, run::*};
//! use drawbridge_core::command::{Command, Failure, Perform, Reply};
//! # use drawbridge_core::{command::{JobState, Look, Trouble}, id::JobId};
//!
//! struct InMemory {
//!     inventory: Inventory,
//!     candidate: Arc<Configuration>,
//!     running: Arc<Configuration>,
//!     elapsed: Duration,
//! }
//!
//! impl Perform for InMemory {
//!     fn elapsed(&self) -> Duration {
//!         self.elapsed
//!     }
//!
//!     async fn perform(&mut self, command: &Command, _limit: Duration) -> Result<Reply, Failure> {
//!         match command {
//!             Command::Observe(_) => Ok(Reply::Facts(Some(Box::new(self.inventory.clone())), Box::new(self.firewall()))),
//!             Command::Apply(changes) => {
//!                 self.candidate = Arc::new(self.candidate.apply(changes));
//!                 Ok(Reply::Applied)
//!             }
//!             Command::Commit(_) => {
//!                 self.running = self.candidate.clone();
//!                 Ok(Reply::Job(JobId(1)))
//!             }
//!             Command::PollJob(_) => Ok(Reply::Polled(JobState::Succeeded)),
//!             Command::FetchLog(_) | Command::CommitAll(_) | Command::Revert => Err(Trouble::Refused("not in this example".into()).permanent()),
//!         }
//!     }
//!
//!     async fn sleep(&mut self, how_long: Duration) {
//!         self.elapsed += how_long;
//!     }
//! }
//! # impl InMemory {
//! #     fn firewall(&self) -> Firewall {
//! #         let (candidate, running) = (self.candidate.clone(), self.running.clone());
//! #         let (pending, failed_commits) = (Vec::new(), Vec::new());
//! #         Firewall { candidate, running, admin: None, unit: None, pending, unfinished_commit: None, failed_commits }
//! #     }
//! # }
//! # let any = || Zones::Any;
//! # let clean_up = RuleFacts {
//! #     name: "clean-up".parse()?, place: Place::Local, rule_type: RuleType::Universal, from: any(), to: any(),
//! #     source: Addresses::any(), destination: Addresses::any(), applications: Applications::Any, service: Services::Any,
//! #     action: Action::Deny, status: Status::Enabled, narrowed_by: Vec::new(), tags: BTreeSet::new(), profiles: Profiles::None,
//! #     description: String::new(), touched_by: BTreeSet::new(), carried: Carried::default(),
//! # };
//! # let zones = BTreeSet::from(["untrust".parse()?, "trust".parse()?]);
//! # let firewall = Arc::new(Configuration { rules: vec![clean_up], zones, ..Configuration::default() });
//! # let config = Config {
//! #     owner: "drawbridge".parse()?, admin: Some("fwsync".parse()?), mode: Mode::Sync, bottom_rule: "clean-up".parse()?,
//! #     untrust: "untrust".parse()?, trust: "trust".parse()?, profile_group: None, log_setting: None,
//! #     gateways: BTreeSet::from([Gateway::Endpoint("vpce-1".parse()?)]), firewall_instances: BTreeSet::new(),
//! #     internal: Set::default(), interfaces: InterfaceScope::Instances, scope: Default::default(),
//! #     directions: BTreeSet::from([Direction::Ingress]), allow_all_egress: AllowAllEgress::LeftOut,
//! #     destination: RuleDestination::Instance, translation: Default::default(), never_open: Default::default(),
//! #     limits: Default::default(), timing: Default::default(),
//! # };
//! # let everywhere = "0.0.0.0/0".parse()?;
//! # let https = Permission { traffic: Traffic::Tcp(Range::single(443)), peer: Peer::Addresses(everywhere) };
//! # let group = Group { name: "web".into(), ingress: vec![https], egress: Vec::new() };
//! # let to_firewall = Target::Endpoint("vpce-1".parse()?);
//! # let route = Route { destination: Destination::Addresses(everywhere), target: to_firewall, state: RouteState::Active };
//! # let table = RouteTable { vpc: "vpc-1".parse()?, role: TableRole::Main, subnets: BTreeSet::new(), routes: vec![route] };
//! # let interface = Interface {
//! #     subnet: "subnet-1".parse()?, vpc: "vpc-1".parse()?, groups: BTreeSet::from(["sg-web".parse()?]),
//! #     addresses: vec!["10.0.1.10".parse()?], instance: Some("i-1".parse()?),
//! # };
//! # let inventory = Inventory {
//! #     account: None, region: "eu-west-1".parse()?, vpcs: BTreeMap::from([("vpc-1".parse()?, Vpc::default())]),
//! #     subnets: BTreeMap::from([("subnet-1".parse()?, Subnet { vpc: "vpc-1".parse()? })]),
//! #     route_tables: BTreeMap::from([("rtb-1".parse()?, table)]),
//! #     interfaces: BTreeMap::from([("eni-1".parse()?, interface)]),
//! #     instances: BTreeMap::from([("i-1".parse()?, Instance { state: InstanceState::Running, tags: BTreeMap::new() })]),
//! #     groups: BTreeMap::from([("sg-web".parse()?, group)]), prefix_lists: BTreeMap::new(),
//! #     endpoints: BTreeSet::new(),
//! # };
//! # let mut world = InMemory { inventory, candidate: firewall.clone(), running: firewall, elapsed: Duration::ZERO };
//!
//! # let driven = async {
//! let trigger = Trigger { logs: Vec::new(), events: Vec::new(), wake: Wake::Always };
//! let mut run = Run::new(config, trigger, Duration::from_secs(600), 1);
//! let mut next = run.advance(world.elapsed(), Input::Begin);
//! let outcome = loop {
//!     let input = match next {
//!         Next::Do(command, limit) => match world.perform(&command, limit).await {
//!             Ok(reply) => Input::Done(reply),
//!             Err(failure) => Input::Failed(failure),
//!         },
//!         Next::Sleep(how_long) => {
//!             world.sleep(how_long).await;
//!             Input::Woke
//!         }
//!         Next::Finish(outcome) => break outcome,
//!     };
//!     next = run.advance(world.elapsed(), input);
//! };
//! assert_eq!(outcome.to_string(), "in sync: 2 changes, 1 commit");
//! assert_eq!(outcome.report.applied[1].to_string(), "+ sg-web-1  any -> 10.0.1.10  ssl on tcp 443, above `clean-up`");
//! # };
//! # assert!(pin!(driven).poll(&mut Context::from_waker(Waker::noop())).is_ready());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Answers
//!
//! [`explain`] says why: for an instance, a group, a rule or a packet. [`effect`] says which traffic a plan opens and closes.
//! Neither decides anything; they look up what the plan and the rulebase say.
//!
//! # Invariants
//!
//! They judge each commit of ours, R to R', against the inventory that the run last looked at. [`invariants::check`] judges
//! those that one commit can show; the tests bear the numbers of all of them.
//!
//! - **I1** No foreign rule differs between R and R', in content or relative order.
//! - **I2** Every owned rule in R' stands above the bottom rule. Excepted are those that an administrator has disabled, and
//!   those under another's uncommitted work.
//! - **I3** No owned rule in R' admits a packet that no security group of an exposed interface admits, or of one whose
//!   exposure nobody can tell. The same are excepted.
//! - **I4** Once faults and people stop, within three runs (the last at least 30 minutes after any failed commit) every wanted
//!   atom is allowed, unless a foreign rule above blocks it, our rule for it was disabled, or limits or mode withhold it.
//! - **I5** Planning right after applying finds nothing.
//! - **I6** A shuffled inventory gives the same plan.
//! - **I7** A transaction applies whole or not at all; cutting the list of transactions anywhere leaves I1 and I3 true.
//! - **I8** Names are unique, at most 63 characters, and never reuse a name in use.
//! - **I9** Nothing that another administrator left uncommitted is committed, reverted or overwritten.
//! - **I10** In sync means: the running configuration, not only the candidate, is as wanted; what I9 protects is named.

pub mod address;
pub mod allowed;
pub mod apply;
pub mod change;
pub mod command;
pub mod config;
pub mod effect;
pub mod event;
pub mod explain;
pub mod exposure;
pub mod firewall;
pub mod fit;
pub mod id;
pub mod invariants;
pub mod inventory;
pub mod limits;
pub mod nat;
pub mod never;
pub mod plan;
pub mod range;
pub mod report;
pub mod retry;
pub mod rulebase;
pub mod run;
pub mod service;
pub mod translate;
pub mod wanted;

// The samples of the tests name the crate as its users do, so that unit tests and integration tests can share them.
#[cfg(test)]
extern crate self as drawbridge_core;
#[cfg(test)]
#[path = "../tests/it/sample.rs"]
mod sample;
