//! The simulated firewall, and the adapters' own client talking to it.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use drawbridge::panos::{
    client::{Account, Committed, Panos, Transport},
    request::Request,
    response::Answer,
};
use drawbridge_core::{
    change::Change,
    command::{Failure, JobState},
    firewall::{CommitNote, Configuration, Digest},
};
use drawbridge_simulator::{clock::Moment, firewall::Firewall, xml::Element};

use crate::packets::Packet;

/// The account whose key the settings would give.
pub(crate) const ADMIN: &str = "admin";

/// A firewall with its clock.
#[derive(Clone)]
pub(crate) struct Device {
    model: Firewall,
    now: Moment,
}

impl Device {
    /// A firewall that runs this configuration.
    pub(crate) fn running(config: &str) -> Result<Self, String> {
        let model = Firewall::running_configuration(config).map_err(|error| error.to_string())?;
        Ok(Self { model, now: Moment::default() })
    }

    pub(crate) fn config(&self) -> &Element {
        self.model.running()
    }

    /// The same firewall after these changes were made and committed as one transaction.
    pub(crate) fn after(&self, changes: &[Change], account: &Account) -> Result<Self, String> {
        let mut client = Panos::new(Wire(self.clone()), account.clone());
        now(client.apply(changes)).map_err(|failure| told(&failure))?;
        let note = CommitNote { owner: account.owner.clone(), digest: Digest(0), run: None, naming: None };
        let job = match now(client.commit(&note)).map_err(|failure| told(&failure))? {
            Committed::Job(job) => job,
            Committed::Nothing => return Ok(client.transport_mut().0.clone()),
        };
        client.transport_mut().0.wait();
        match now(client.poll(job)).map_err(|failure| told(&failure))? {
            JobState::Succeeded => Ok(client.transport_mut().0.clone()),
            state @ (JobState::Running(_) | JobState::Failed(_) | JobState::Lost) => {
                Err(format!("the commit has not succeeded: {state:?}"))
            }
        }
    }

    fn wait(&mut self) {
        self.now = self.now + Duration::from_secs(600);
    }

    /// What the client sees when it looks.
    pub(crate) fn observed(&self, account: &Account) -> Result<Configuration, String> {
        let mut client = Panos::new(Wire(self.clone()), account.clone());
        let seen = now(client.observe()).map_err(|failure| told(&failure))?;
        Ok(Arc::unwrap_or_clone(seen.running))
    }

    /// The rule that the firewall itself says a packet would meet; nothing if that is a default rule.
    pub(crate) fn tested(&mut self, packet: &Packet<'_>) -> Result<Option<String>, String> {
        let Packet { from, to, source, destination, protocol, port, app, .. } = packet;
        let port = match protocol {
            6 | 17 => format!("<destination-port>{port}</destination-port>"),
            _ => String::new(),
        };
        let command = format!(
            "<test><security-policy-match><from>{from}</from><to>{to}</to><source>{source}</source>\
             <destination>{destination}</destination><protocol>{protocol}</protocol>{port}<application>{app}</application>\
             </security-policy-match></test>"
        );
        let answer = self.model.as_admin(ADMIN, &[("type", "op"), ("cmd", &command)], self.now);
        let answer = Element::parse(&answer.text()).map_err(|malformed| malformed.to_string())?;
        if answer.attribute("status") != Some("success") {
            return Err(answer.to_string());
        }
        let rule = answer.at(&["result", "rules", "entry"]).and_then(|entry| entry.attribute("name"));
        Ok(rule.map(str::to_owned))
    }
}

fn told(failure: &Failure) -> String {
    failure.what.to_string()
}

/// The model as a transport of the client's.
struct Wire(Device);

impl Transport for Wire {
    type Document = String;

    async fn send(&mut self, request: &Request) -> Result<Answer<String>, Failure> {
        let parameters: Vec<_> = request.parameters().iter().map(|(name, value)| (*name, value.as_str())).collect();
        let Device { model, now } = &mut self.0;
        let answer = model.as_admin(ADMIN, &parameters, *now);
        Ok(Answer { status: answer.status, document: answer.text() })
    }
}

/// The outcome of what never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the model answers at once"),
    }
}

/// A configuration twice: nothing is pending.
pub(crate) fn quiet(configuration: Configuration) -> drawbridge_core::firewall::Firewall {
    let configuration = Arc::new(configuration);
    drawbridge_core::firewall::Firewall {
        candidate: Arc::clone(&configuration),
        running: configuration,
        admin: None,
        pending: Vec::new(),
        unit: None,
        unfinished_commit: None,
        failed_commits: Vec::new(),
    }
}
