//! The world's answers as core's replies, without sockets: the same codecs as by wire, on trees and values instead of bytes.

use std::{borrow::Cow, time::Duration};

use drawbridge::{
    aws::{Refusal, cloudtrail},
    offline,
    panos::{
        client::{Committed, Panos, Transport},
        request::Request,
        response::{Answer, Document},
        xml::{Malformed, Node, Nodes, Tag, parse},
    },
    secret::KeySource,
    settings::Settings,
};
use drawbridge_core::{
    command::{Command, Failure, Look, Reply, Trouble},
    firewall::Firewall,
    id::Region,
    inventory::Inventory,
};
use drawbridge_simulator::{
    cloud::{self, CliAnswer, Dump},
    faults::AwsMishap,
    firewall::{self, Body},
    http::aws::Call,
    serve::SharedWorld,
    world::DRAWBRIDGE,
    xml::Element,
};

use crate::stage::Act;

/// Drawbridge against the models themselves.
pub struct Direct {
    world: SharedWorld,
    firewall: Panos<Memory>,
    region: Option<Region>,
    log_size_max: u64,
    /// What was read last, with the generations of the world that it was read from.
    inventory: Option<(u64, Inventory)>,
    facts: Option<(u64, Firewall)>,
}

impl Direct {
    /// With the settings of a story.
    pub fn new(world: SharedWorld, settings: &Settings) -> Self {
        let key = match &settings.firewall.key {
            KeySource::Given(key) => Some(key.expose().to_owned()),
            KeySource::File(_) | KeySource::Secret(_) => None,
        };
        let transport = Memory { world: world.clone(), key, units: settings.firewall.units.names(), chosen: 0 };
        Self {
            world,
            firewall: Panos::new(transport, settings.account()),
            region: settings.aws.region.clone(),
            log_size_max: settings.aws.log_size_max,
            inventory: None,
            facts: None,
        }
    }

    /// What does not change is read once.
    fn inventory(&mut self) -> Result<Inventory, Failure> {
        let generation = self.world.lock().cloud_generation();
        if let Some((read, inventory)) = &self.inventory
            && Some(*read) == generation
        {
            return Ok(inventory.clone());
        }
        let dump = self.world.lock().dump();
        let dump = dump.map_err(|answer| refusal(&answer).of_call(FIRST_CALL))?;
        if let Some(mishap) = self.world.lock().aws_mishap() {
            return Err(of_look(mishap));
        }
        let inventory = offline::from_answers(answers(dump), self.region.clone())
            .map_err(|error| Trouble::Inventory(error.to_string()).permanent())?;
        self.inventory = generation.map(|generation| (generation, inventory.clone()));
        Ok(inventory)
    }

    /// What does not change is read once.
    async fn facts(&mut self) -> Result<Firewall, Failure> {
        let generation = self.world.lock().firewall_generation();
        if let Some((read, facts)) = &self.facts
            && Some(*read) == generation
        {
            return Ok(facts.clone());
        }
        let facts = self.firewall.observe().await?;
        self.facts = generation.map(|generation| (generation, facts.clone()));
        Ok(facts)
    }
}

/// What the adapter asks EC2 first: an error of EC2 meets this call by wire.
const FIRST_CALL: &str = "DescribeVpcs";

impl Act for Direct {
    async fn act(&mut self, command: &Command, _limit: Duration) -> Result<Reply, Failure> {
        match command {
            Command::FetchLog(log) => {
                let call = Call::GetObject { bucket: log.bucket.clone(), key: log.key.clone() };
                let answer = self.world.lock().aws(&call, DRAWBRIDGE);
                if answer.status != 200 {
                    return Err(refusal(&answer).of_log());
                }
                if let Some(AwsMishap::Half | AwsMishap::Slow) = self.world.lock().aws_mishap() {
                    return Err(unanswered("GetObject"));
                }
                let log = cloudtrail::read(&answer.body, self.log_size_max);
                log.map(|log| Reply::Log(log.events)).map_err(|trouble| Trouble::Log(trouble).permanent())
            }
            Command::Observe(look) => {
                let inventory = match look {
                    Look::Everything => Some(Box::new(self.inventory()?)),
                    Look::Firewall => None,
                };
                Ok(Reply::Facts(inventory, Box::new(self.facts().await?)))
            }
            Command::Apply(changes) => self.firewall.apply(changes).await.map(|()| Reply::Applied),
            Command::Commit(note) => Ok(match self.firewall.commit(note).await? {
                Committed::Job(job) => Reply::Job(job),
                Committed::Nothing => Reply::NothingToCommit,
            }),
            Command::CommitAll(note) => Ok(match self.firewall.commit_all(note).await? {
                Committed::Job(job) => Reply::Job(job),
                Committed::Nothing => Reply::NothingToCommit,
            }),
            Command::PollJob(job) => self.firewall.poll(*job).await.map(Reply::Polled),
            Command::Revert => self.firewall.revert().await.map(|()| Reply::Reverted),
        }
    }

    async fn leave(&mut self) {
        self.firewall.leave().await;
    }
}

/// What becomes of a look when something is wrong with every answer of EC2's.
fn of_look(mishap: AwsMishap) -> Failure {
    let odd = |code: &str| Trouble::Aws { call: FIRST_CALL.to_owned(), code: code.to_owned() }.transient();
    match mishap {
        // The time that a look has is over, at whichever call.
        AwsMishap::Slow => unanswered("Describe*"),
        AwsMishap::Half | AwsMishap::Empty => odd("an answer that cannot be read"),
        AwsMishap::SamePage => odd("pages without end"),
    }
}

fn unanswered(call: &str) -> Failure {
    Trouble::AwsUnreachable { call: call.to_owned() }.transient()
}

/// The error in an answer of EC2 (`Response/Errors/Error`) or S3 (`Error`).
fn refusal(answer: &cloud::Answer) -> Refusal {
    let root = Element::parse(&answer.text()).unwrap_or_default();
    let error = root.at(&["Errors", "Error"]).unwrap_or(&root);
    let code = error.child_text("Code").map_or_else(|| format!("HTTP {}", answer.status), str::to_owned);
    Refusal { status: answer.status, code }
}

/// The dump under the names that the AWS CLI's commands have.
fn answers(dump: Dump) -> impl Iterator<Item = (String, CliAnswer)> {
    let lists = dump.prefix_list_entries.into_iter();
    let lists = lists.map(|(id, entries)| (format!("get-managed-prefix-list-entries.{id}"), entries));
    [
        ("describe-instances", dump.instances),
        ("describe-network-interfaces", dump.network_interfaces),
        ("describe-subnets", dump.subnets),
        ("describe-vpcs", dump.vpcs),
        ("describe-route-tables", dump.route_tables),
        ("describe-security-groups", dump.security_groups),
    ]
    .into_iter()
    .map(|(name, answer)| (name.to_owned(), answer))
    .chain(lists)
}

/// The simulated firewall as a transport.
struct Memory {
    world: SharedWorld,
    /// Stories give keys in their settings.
    key: Option<String>,
    units: Vec<String>,
    chosen: usize,
}

/// An answer of the model's.
struct Model(Body);

impl Transport for Memory {
    type Document = Model;

    async fn send(&mut self, request: &Request) -> Result<Answer<Model>, Failure> {
        let parameters = request.parameters().iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let request = firewall::Request { parameters: parameters.collect(), key: self.key.clone(), basic: None };
        let answer = self.world.lock().panos_unit(self.chosen, &request);
        match answer.body {
            // By wire the connection breaks.
            Body::Cut => Err(Trouble::NoAnswer.transient()),
            body @ (Body::Xml(_) | Body::Text(_)) => Ok(Answer { status: answer.status, document: Model(body) }),
        }
    }

    fn units(&self) -> usize {
        self.units.len()
    }

    fn chosen(&self) -> usize {
        self.chosen
    }

    fn choose(&mut self, unit: usize) {
        self.chosen = unit;
    }

    fn unit_name(&self) -> String {
        self.units[self.chosen].clone()
    }
}

impl Document for Model {
    fn nodes(&self) -> impl Nodes<'_> {
        let nodes: Box<dyn Iterator<Item = Result<Node<'_>, Malformed>> + '_> = match &self.0 {
            Body::Xml(element) => Box::new(Walk(vec![Step::Enter(element)])),
            Body::Text(text) => Box::new(parse(text)),
            Body::Cut => Box::new(std::iter::empty()),
        };
        nodes
    }
}

/// A walk through a tree, in document order.
struct Walk<'a>(Vec<Step<'a>>);

enum Step<'a> {
    Enter(&'a Element),
    Text(&'a str),
    Leave,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Node<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(Ok(match self.0.pop()? {
            Step::Enter(element) => {
                self.0.push(Step::Leave);
                self.0.extend(element.children.iter().rev().map(Step::Enter));
                if !element.text.is_empty() {
                    self.0.push(Step::Text(&element.text));
                }
                let attributes = element.attributes.iter();
                let attributes = attributes.map(|(name, value)| (Cow::Borrowed(&**name), Cow::Borrowed(&**value)));
                Node::Open(Tag { name: &element.name, attributes: attributes.collect() })
            }
            Step::Text(text) => Node::Text(Cow::Borrowed(text)),
            Step::Leave => Node::Close,
        }))
    }
}
