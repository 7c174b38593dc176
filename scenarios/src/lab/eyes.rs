//! A look of the lab's own, at the same facts that Drawbridge looks at, and what Drawbridge would decide about them now.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use drawbridge::{settings::Settings, subject};
use drawbridge_core::{
    address::Family,
    change::{Change, OwnedRule, Position},
    command::{Command, Look, Reply},
    config::Config,
    explain::{Explainer, Sent, Subject, Told},
    exposure::{Exposure, Exposures},
    firewall::Firewall,
    inventory::Inventory,
    plan::{Plan, Standing, plan},
    rulebase::Rulebase,
    service::L4,
    wanted::LeftOut,
};
use drawbridge_simulator::{serve::SharedWorld, world::Packet};
use serde_json::{Value, json};

use crate::{direct::Direct, stage::Act};

/// Whoever looks.
pub(super) struct Eyes {
    world: SharedWorld,
    config: Config,
    actor: Direct,
    facts: Option<(Inventory, Firewall)>,
}

/// What the last look found, in the words of the page.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Whom each rule serves, by its name: group and instance.
    pub(super) serves: BTreeMap<String, Vec<String>>,
    /// What Drawbridge would do to each rule, and why.
    pub(super) planned: BTreeMap<String, String>,
    /// Rules that it would add, in order.
    pub(super) additions: Vec<(OwnedRule, String)>,
    /// Whether each interface is exposed: a word, and why.
    pub(super) exposures: BTreeMap<String, (&'static str, String)>,
    /// What is wanted for each interface, and what becomes of it.
    pub(super) wants: BTreeMap<String, Vec<Value>>,
    /// Permissions of each group that lead to no rule, and why.
    pub(super) left_out: BTreeMap<String, Vec<String>>,
    /// What keeps Drawbridge from deciding anything.
    pub(super) unfit: Option<String>,
}

impl Eyes {
    pub(super) fn new(world: &SharedWorld, settings: &Settings) -> Self {
        let actor = Direct::new(world.clone(), settings);
        Self { world: world.clone(), config: settings.config.clone(), actor, facts: None }
    }

    /// Looks again. While something goes wrong with a command of Drawbridge's, the last look stands.
    pub(super) async fn look(&mut self) -> Seen {
        if self.world.lock().troubles().is_empty() {
            let looked = self.actor.act(&Command::Observe(Look::Everything), Duration::from_secs(60)).await;
            match looked {
                Ok(Reply::Facts(Some(inventory), firewall)) => self.facts = Some((*inventory, *firewall)),
                Ok(_) => {}
                Err(failure) => return Seen { unfit: Some(failure.what.to_string()), ..Seen::default() },
            }
        }
        self.decided(|inventory, _, plan| Seen::of(inventory, &self.config, plan))
            .unwrap_or_else(|unfit| Seen { unfit: Some(unfit), ..Seen::default() })
    }

    /// What Drawbridge would say, from the last look.
    pub(super) fn explain(&self, subject: &Subject) -> Result<Vec<Told>, String> {
        self.decided(|inventory, rulebase, plan| {
            Explainer::of(inventory, rulebase, &self.config, plan).explain(subject).map_err(|error| error.to_string())
        })?
    }

    /// The same of what somebody typed, with ids of either form.
    pub(super) fn explain_text(&self, text: &str) -> Result<(Subject, Vec<Told>), String> {
        let text = self.world.lock().names().lengthen(text);
        let subject = subject::subject(&text).map_err(|error| error.to_string())?;
        let told = self.explain(&subject)?;
        Ok((subject, told))
    }

    /// The rule that the firewall itself says a packet meets in the running configuration; nothing if a default rule
    /// decides.
    pub(super) fn met(&self, sent: &Sent) -> Option<String> {
        let (source, destination) = (IpAddr::from(sent.source), IpAddr::from(sent.destination));
        let inside = |address: IpAddr| {
            let interfaces = self.facts.iter().flat_map(|(inventory, _)| inventory.interfaces.values());
            let mut ranges = interfaces.flat_map(|interface| &interface.addresses);
            ranges.any(|range| IpAddr::from(range.first()) <= address && address <= IpAddr::from(range.last()))
        };
        let (from, to) = match inside(source) && !inside(destination) {
            true => (&self.config.trust, &self.config.untrust),
            false => (&self.config.untrust, &self.config.trust),
        };
        let (protocol, port) = match sent.l4 {
            L4::Tcp(ports) => (6, Some(ports.first())),
            L4::Udp(ports) => (17, Some(ports.first())),
            L4::Ip(number) => (number, None),
            L4::Any => return None,
        };
        let (from, to) = (from.to_string(), to.to_string());
        let application = sent.app.as_ref().map(ToString::to_string);
        let packet = Packet { from, to, source, destination, protocol, port, application };
        self.world.lock().decided_by(&packet).map(|rule| rule.name)
    }

    fn decided<T>(&self, tell: impl FnOnce(&Inventory, &Rulebase<'_>, &Plan) -> T) -> Result<T, String> {
        let Some((inventory, firewall)) = &self.facts else { return Err("nothing was looked at yet".to_owned()) };
        let rulebase = Rulebase::read(firewall, &self.config)
            .and_then(|read| read.of_this_account(inventory, &self.config))
            .map_err(|unfit| unfit.to_string())?;
        let plan = plan(inventory, &rulebase, &self.config, &[]);
        Ok(tell(inventory, &rulebase, &plan))
    }
}

impl Seen {
    fn of(inventory: &Inventory, config: &Config, plan: &Plan) -> Self {
        let mut seen = Self::default();
        seen.standings(plan);
        seen.changes(plan);
        let mut exposures = Exposures::of(inventory, config);
        for (id, interface) in &inventory.interfaces {
            let family = interface.addresses.first().map_or(Family::Ipv4, |range| range.family());
            let said = match exposures.exposure(id, interface, family) {
                Exposure::Yes(via) => ("exposed", via.to_string()),
                Exposure::No(why) => ("not exposed", why.to_string()),
                Exposure::Unknown(doubt) => ("may be exposed", doubt.to_string()),
            };
            seen.exposures.insert(id.to_string(), said);
        }
        for left_out in &plan.wanted.left_out {
            if let LeftOut::Permission(group, ..) = left_out {
                let text = left_out.to_string();
                let text = text.strip_prefix(group.as_str()).map_or(text.as_str(), str::trim_start);
                seen.left_out.entry(group.to_string()).or_default().push(text.to_owned());
            }
        }
        seen
    }

    /// What becomes of everything wanted, by interface and by rule.
    fn standings(&mut self, plan: &Plan) {
        for ((atom, origins), standing) in plan.wanted.atoms.iter().zip(&plan.standings) {
            let (word, rules) = match standing {
                Standing::Ours(name) => ("ours", vec![name.to_string()]),
                Standing::Added(name) => ("added", vec![name.to_string()]),
                Standing::Allowed(by) => ("allowed", by.rules().iter().map(ToString::to_string).collect()),
            };
            for origin in origins {
                let of = origin.instance.as_ref().map_or_else(|| origin.interface.to_string(), ToString::to_string);
                if let Standing::Ours(name) | Standing::Added(name) = standing {
                    let serves = self.serves.entry(name.to_string()).or_default();
                    let served = format!("{} on {of}", origin.group);
                    if !serves.contains(&served) {
                        serves.push(served);
                    }
                }
                let want = json!({
                    "what": format!("{}  {}", atom.peer, atom.service), "group": origin.group.as_str(), "standing": word,
                    "rules": rules,
                });
                self.wants.entry(origin.interface.to_string()).or_default().push(want);
            }
        }
    }

    /// What would be changed now, and what is withheld.
    fn changes(&mut self, plan: &Plan) {
        let withheld = plan.withheld.iter().map(|held| (&held.change, Some(held.why.to_string())));
        for (change, held) in plan.changes.iter().map(|change| (change, None)).chain(withheld) {
            let Some(name) = change.rule() else { continue };
            let why = plan.reasons.get(name).map(|reason| format!(": {reason}")).unwrap_or_default();
            let held = held.map(|why| format!(" (withheld: {why})")).unwrap_or_default();
            let text = format!("{}{why}{held}", verb(change));
            if let Change::Put(rule, Position::Above(_)) = change {
                self.additions.push(((**rule).clone(), text));
            } else {
                self.planned.insert(name.to_string(), text);
            }
        }
    }
}

fn verb(change: &Change) -> &'static str {
    match change {
        Change::Put(_, Position::Above(_)) => "to be added",
        Change::Put(_, Position::InPlace) => "to be rewritten",
        Change::Lift(..) => "to be moved up",
        Change::Delete(_) | Change::Drop(_) => "to be deleted",
        Change::Adopt(_) => "to be adopted",
        Change::Tag(_) | Change::Service(_) => "to be made",
    }
}
