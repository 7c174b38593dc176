//! A world: a cloud and a firewall under one clock, with the faults that a story arms.
//!
//! Nothing happens by itself and nothing has sockets. [`World::perform`] does the deeds of a story; [`World::panos`],
//! [`World::aws`] and [`World::dump`] answer Drawbridge, with whatever is armed for the command that it is at
//! ([`World::begin`]); the clock moves when it is told to ([`World::advance`]).

mod calls;
mod cloud;
mod control;
mod desk;
mod disturbed;
mod firewall;
mod forms;
mod meanwhile;
mod packet;
mod pair;
mod rows;
mod timing;
mod trail;

use std::time::Duration;

use serde_json::{Value, json};

use self::{control::Refused, pair::Pair, timing::Clock};
pub use self::{
    packet::Packet,
    rows::{PendingRow, RuleRow, Tree},
};
use crate::{
    clock::Moment,
    cloud::Cloud,
    faults::{Faults, Moment as Time, Trouble},
    firewall::{Firewall, Ha},
    script::{
        Act, Call, CloudLine, Deed, Ending, FirewallLine, HaState, InstanceState, Limits, Mistake, Names, Placed,
        Script, Show,
    },
    xml::Element,
};

/// Drawbridge's own name: its administrator on the firewall, and the access key of its calls to AWS.
pub const DRAWBRIDGE: &str = "drawbridge";

/// Who makes the API calls of a story.
const OPERATOR: &str = "operator";

/// How long a commit takes unless the story says otherwise: real ones take longer, but nobody wants to wait.
const COMMIT_TAKES: Duration = Duration::from_secs(3);

/// A cloud and a firewall under one clock.
#[derive(Clone, Debug)]
pub struct World {
    clock: Clock,
    firewall: Firewall,
    cloud: Cloud,
    faults: Faults,
    /// Commit jobs of Drawbridge's that are to fail: how many come before each, and with which details.
    failing_jobs: Vec<(u32, Vec<String>)>,
    /// Requests to the firewall that are not answered by it.
    refused: Vec<Refused>,
    meanwhile: meanwhile::Meanwhile,
    /// The cloud as it was when a fault of that kind was armed.
    earlier: Option<Box<Cloud>>,
    time_limit: Option<Duration>,
    names: Names,
    settings: String,
    key: String,
    last_notification: Option<Value>,
    refused_calls: u32,
    /// Every URL that the firewall was asked for.
    urls: Vec<String>,
    /// Only of a firewall that is one.
    pair: Option<Pair>,
}

/// What came of a deed.
#[derive(Clone, Debug, PartialEq)]
pub enum Performed {
    /// The world has changed.
    Done,
    /// Drawbridge hears of something: the event, as Lambda would be given it.
    Heard(Value),
    /// A person runs Drawbridge.
    Applied(Limits),
    /// A person has Drawbridge take away what is its own.
    Uninstalled,
    /// The story wants to see something.
    Asked(Show),
    /// The story says that everything is as wanted by now.
    Settled,
}

impl World {
    /// The world that a story begins with.
    pub fn build(script: &Script) -> Result<Self, Mistake> {
        let lines = furniture(script);
        let mut names = script.names(&lines);
        let mut cloud =
            cloud::furnished(&lines, &mut names).map_err(|(line, what)| script.mistake(line, names.shorten(&what)))?;
        cloud.settings_mut().unrecorded_readers.insert(DRAWBRIDGE.to_owned());

        let mut firewall = Firewall::new();
        firewall.settings.commit_takes = COMMIT_TAKES;
        let key = firewall.add_admin(DRAWBRIDGE);
        firewall::furnish(&mut firewall, &script.setup.firewall, &names)
            .map_err(|(line, what)| script.mistake(line, names.shorten(&what)))?;
        let is_pair = |line: &Placed<FirewallLine>| line.what == FirewallLine::Ha(HaState::Pair);
        let pair = script.setup.firewall.iter().any(is_pair).then(Pair::default);
        Ok(Self {
            clock: Clock::Virtual(Moment::default()),
            firewall,
            cloud,
            faults: Faults::default(),
            failing_jobs: Vec::new(),
            refused: Vec::new(),
            meanwhile: meanwhile::Meanwhile::default(),
            earlier: None,
            time_limit: None,
            settings: names.lengthen(&script.setup.settings),
            names,
            key,
            last_notification: None,
            refused_calls: 0,
            urls: Vec::new(),
            pair,
        })
    }

    /// Drawbridge's settings as the story has them, with the ids of the real form.
    pub fn settings(&self) -> &str {
        &self.settings
    }

    /// The API key of Drawbridge's administrator.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Makes every key worthless that was handed out, and gives Drawbridge's administrator another one.
    pub fn rotate_key(&mut self) {
        self.firewall.expire_keys();
        self.key = self.firewall.key_of(DRAWBRIDGE).unwrap_or_default();
    }

    /// Every URL that the firewall was asked for, as web servers and proxies log it.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Notes one.
    pub(crate) fn note_url(&mut self, url: String) {
        self.urls.push(url);
    }

    /// Short and real ids.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The cloud as it is.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// The cloud as it is, to change how it behaves.
    pub fn cloud_mut(&mut self) -> &mut Cloud {
        &mut self.cloud
    }

    /// The firewall as it is.
    pub fn firewall(&self) -> &Firewall {
        &self.firewall
    }

    /// The security rules, in order.
    pub fn rules(&self, tree: Tree) -> Vec<RuleRow> {
        rows::rules(match tree {
            Tree::Running => self.firewall.running(),
            Tree::Candidate => self.firewall.candidate(),
        })
    }

    /// The security rules of the running configuration, as they stand there.
    pub fn running_rules(&self) -> impl Iterator<Item = &Element> {
        rows::entries(self.firewall.running())
    }

    /// Everything that is not committed, and whose it is.
    pub fn pending(&mut self) -> Vec<PendingRow> {
        let question = "<show><config><list><changes/></list></config></show>";
        let now = self.now();
        let answer = self.firewall.as_admin(DRAWBRIDGE, &[("type", "op"), ("cmd", question)], now);
        Element::parse(&answer.text()).map(|answer| rows::pending(&answer)).unwrap_or_default()
    }

    /// Says that Drawbridge's run is over.
    pub fn end(&mut self) {
        self.faults.end();
    }

    /// Whether Drawbridge's process dies at this moment of the command under way.
    pub fn kills(&self, moment: Time) -> bool {
        self.faults.kills(moment)
    }

    /// Does a deed. What is wrong with it is told with short ids.
    pub fn perform(&mut self, deed: &Deed) -> Result<Performed, String> {
        deed.ids().iter().for_each(|id| self.names.add(id));
        let performed = match deed {
            Deed::Call(call) => self.call(call).map(|()| Performed::Done),
            Deed::Deliver(call) => self.deliver(call.as_ref()),
            Deed::DeliverAgain => self.last_notification.clone().map(Performed::Heard).ok_or_else(|| {
                "nothing was delivered yet that could be delivered again; deliver something before".to_owned()
            }),
            Deed::DeliverFile(file) => {
                let now = self.now();
                let key = trail::put(&mut self.cloud, *file, now);
                Ok(self.notified(&[key]))
            }
            Deed::Notify(call) => self.notify(call),
            Deed::StateChange { instance, state } => self.state_change(&self.names.real(instance), *state),
            Deed::Apply(limits) => Ok(Performed::Applied(*limits)),
            Deed::Uninstall => Ok(Performed::Uninstalled),
            Deed::Schedule => Ok(Performed::Heard(self.cloud.scheduled_event(self.now()))),
            Deed::Wait(span) => {
                self.advance(*span);
                Ok(Performed::Done)
            }
            Deed::Admin { name, act } => self.act(name, act).map(|()| Performed::Done),
            Deed::Fault(fault) => {
                if matches!(fault.trouble, Trouble::Stale | Trouble::Torn) {
                    self.earlier = Some(Box::new(self.cloud.clone()));
                }
                let mut fault = fault.clone();
                if let Trouble::Panos { text, .. } = &mut fault.trouble {
                    *text = self.names.lengthen(text);
                }
                self.faults.arm(fault);
                Ok(Performed::Done)
            }
            Deed::FailJob { nth, details } => {
                let details = details.iter().map(|line| self.names.lengthen(line)).collect();
                self.failing_jobs.push((nth.saturating_sub(1), details));
                Ok(Performed::Done)
            }
            Deed::Amid(amid) => {
                self.meanwhile.add(amid);
                Ok(Performed::Done)
            }
            Deed::Restart(candidate) => {
                self.firewall.restart(*candidate, self.now());
                Ok(Performed::Done)
            }
            Deed::Ha(HaState::Pair) => self.bring_back().map(|()| Performed::Done),
            Deed::Ha(state) => {
                self.firewall.set_ha(Ha::pair(state.name()));
                Ok(Performed::Done)
            }
            Deed::TimeLimit(limit) => {
                self.time_limit = Some(*limit);
                Ok(Performed::Done)
            }
            Deed::Calm => {
                self.calm();
                Ok(Performed::Done)
            }
            Deed::Settled => Ok(Performed::Settled),
            Deed::Show(show) => Ok(Performed::Asked(*show)),
        };
        performed.map_err(|what| self.names.shorten(&what))
    }

    fn act(&mut self, admin: &str, act: &Act) -> Result<(), String> {
        let mut now = self.now();
        let done = desk::act(&mut self.firewall, admin, act, &self.names, &mut now);
        self.set_clock(now);
        done
    }

    /// Makes an API call, with the record that CloudTrail writes of it.
    fn call(&mut self, call: &Call) -> Result<(), String> {
        let mut parameters = calls::parameters(&call.request, &self.cloud, &self.names)?;
        match &call.ending {
            Ending::Failed(code) => return self.refused(&parameters, code),
            Ending::DryRun => parameters.push(("DryRun".to_owned(), "true".to_owned())),
            Ending::Done => {}
        }
        let launched = call.launched();
        if let Some(instance) = launched {
            self.cloud.next_instance_id(cloud::parsed(&self.names.real(&instance.id))?);
        }
        let now = self.now();
        let answer = self.cloud.query(&parameters, OPERATOR, now);
        if answer.status >= 400 && call.ending == Ending::Done {
            let action = call.request.action();
            let refusal = refusal(&answer.text());
            return Err(format!("EC2 refuses `{action}`: {refusal}; write `failed` and a code if that is meant"));
        }
        if let Some(instance) = launched {
            let id = cloud::parsed(&self.names.real(&instance.id))?;
            let interface = self.cloud.resources().interfaces.values().find(|other| other.instance() == Some(&id));
            if let Some(interface) = interface {
                self.names.bind(&instance.interface(), &interface.id.to_string());
            }
        }
        Ok(())
    }

    /// Records a call that EC2 refused with that code. It is made in a copy of this world, and only its record is kept,
    /// under ids of its own.
    fn refused(&mut self, parameters: &[(String, String)], code: &str) -> Result<(), String> {
        let mut elsewhere = self.cloud.clone();
        elsewhere.take_records();
        elsewhere.query(parameters, OPERATOR, self.now());
        let mut record = elsewhere.take_records().pop().ok_or("this cloud knows no such action; choose another")?;
        self.refused_calls += 1;
        for id in ["eventID", "requestID"] {
            let rest = record[id].as_str().and_then(|id| id.get(8..)).unwrap_or_default();
            record[id] = json!(format!("{:08x}{rest}", self.refused_calls));
        }
        record["errorCode"] = json!(code);
        record["errorMessage"] = json!("The call was refused.");
        record["responseElements"] = Value::Null;
        self.cloud.keep(record);
        Ok(())
    }

    /// Writes what CloudTrail has recorded into the bucket, and says under which keys.
    pub fn write_logs(&mut self) -> Vec<String> {
        self.cloud.flush_trail(self.now())
    }

    fn deliver(&mut self, call: Option<&Call>) -> Result<Performed, String> {
        if let Some(call) = call {
            self.call(call)?;
        }
        let keys = self.write_logs();
        if keys.is_empty() {
            return Err("nothing was recorded since the last delivery; make a call before".to_owned());
        }
        Ok(self.notified(&keys))
    }

    fn notified(&mut self, keys: &[String]) -> Performed {
        let notification = self.cloud.s3_notification(keys, self.now());
        self.last_notification = Some(notification.clone());
        Performed::Heard(notification)
    }

    fn notify(&mut self, call: &Call) -> Result<Performed, String> {
        self.cloud.take_records();
        self.call(call)?;
        let record = self.cloud.take_records().pop().ok_or("the call left no record; choose another action")?;
        Ok(Performed::Heard(self.cloud.api_call_event(&record, self.now())))
    }

    /// An instance reaches a state without anybody having called EC2.
    fn state_change(&mut self, instance: &str, state: InstanceState) -> Result<Performed, String> {
        let (id, now) = (cloud::parsed(instance)?, self.now());
        if !self.cloud.resources().instances.contains_key(&id) {
            return Err(format!("there is no instance `{instance}`; add it to the cloud section"));
        }
        match state {
            InstanceState::Stopping | InstanceState::Stopped => self.cloud.shut_down_from_inside(&id, now),
            InstanceState::ShuttingDown | InstanceState::Terminated => self.cloud.reclaim_spot(&id, now),
            InstanceState::Pending | InstanceState::Running => {}
        }
        // Whoever tells of a state has seen it.
        if let Some(instance) = self.cloud.resources_mut().instances.get_mut(&id)
            && instance.state != state.into()
        {
            (instance.state, instance.due) = (state.into(), None);
        }
        Ok(Performed::Heard(self.cloud.state_change_event(&id, state.into(), now)))
    }
}

/// The lines of the cloud: those of the default one come first if the story declares no VPC.
fn furniture(script: &Script) -> Vec<Placed<CloudLine>> {
    let own = &script.setup.cloud;
    if own.iter().any(|line| matches!(line.what, CloudLine::Vpc { .. })) {
        return own.clone();
    }
    let text = format!("cloud\n{}----\n", cloud::DEFAULT);
    let default = Script::parse("default", &text).expect("the text is part of the program");
    default.setup.cloud.into_iter().chain(own.iter().cloned()).collect()
}

/// Code and message of EC2's refusal.
fn refusal(text: &str) -> String {
    let root = Element::parse(text).unwrap_or_default();
    let error = root.at(&["Errors", "Error"]);
    let part = |name| error.and_then(|error| error.child_text(name)).unwrap_or("no reason given").to_owned();
    format!("{}, {}", part("Code"), part("Message"))
}

#[cfg(test)]
mod tests;
