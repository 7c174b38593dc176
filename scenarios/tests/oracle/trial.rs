//! One world put to the test: read, decided and carried out by Drawbridge, judged by the naive readers.

use std::collections::{BTreeMap, BTreeSet};

use drawbridge::{
    offline,
    panos::read::exported,
    settings::{Settings, SettingsFile},
};
use drawbridge_core::{
    change::{Change, Position},
    event::Cause,
    firewall::Configuration,
    id::Subject,
    inventory::Inventory,
    plan::{Plan, plan},
    rulebase::Rulebase,
};
use drawbridge_simulator::xml::Element;
use serde_json::Value;

use crate::{
    device::{Device, quiet},
    dice::Dice,
    groups::{Atom, Cloud},
    nat::Nat,
    objects::Leaf,
    packets::Sampler,
    policy::{Policy, is_our_name},
    settings::Chosen,
    span::Span,
    world::{Answers, World},
};

/// Everything that is known of a world before it is judged.
pub(crate) struct Trial {
    pub(crate) chosen: Chosen,
    pub(crate) atoms: Vec<Atom>,
    pub(crate) spans: Vec<Span>,
    pub(crate) plan: Plan,
    /// The firewall as it was.
    pub(crate) device: Device,
    pub(crate) before: Policy,
    /// The firewall after what the plan says was committed.
    pub(crate) changed: Device,
    pub(crate) after: Policy,
    /// What the firewall translates; that is nobody's to change.
    pub(crate) nat: Nat,
    settings: Settings,
    causes: Vec<Cause>,
    inventory: Inventory,
    answers: Answers,
}

impl Trial {
    /// Decides, and carries out what was decided.
    pub(crate) fn of(world: &World) -> Result<Self, String> {
        let chosen = Chosen::read(&world.settings);
        let file = SettingsFile { name: "settings", text: &world.settings };
        let settings = Settings::read(Some(file), &BTreeMap::new()).map_err(|invalid| invalid.to_string())?;
        let device = Device::running(&world.config)?;
        let inventory = inventory(&world.answers, &settings)?;
        let causes: Vec<_> = world.causes.iter().filter_map(|id| cause(id)).collect();
        let plan = decide(&inventory, device.config(), &settings, &causes)?;
        let changed =
            if plan.changes.is_empty() { device.clone() } else { device.after(&plan.changes, &settings.account())? };
        let before = Policy::read(device.config(), &chosen);
        let after = Policy::read(changed.config(), &chosen);
        let atoms = Cloud::read(&world.answers, &chosen).atoms();
        let spans = spans(world, [&before, &after]);
        let (nat, answers) = (Nat::read(device.config(), &world.answers, &chosen), world.answers.clone());
        Ok(Self {
            chosen,
            atoms,
            spans,
            plan,
            device,
            before,
            changed,
            after,
            nat,
            settings,
            causes,
            inventory,
            answers,
        })
    }

    /// As if something else had come of it.
    pub(crate) fn replace_outcome(&mut self, config: &str) {
        self.changed = Device::running(config).expect("the firewall can run it");
        self.after = Policy::read(self.changed.config(), &self.chosen);
    }

    pub(crate) fn cloud(&self) -> Cloud<'_> {
        Cloud::read(&self.answers, &self.chosen)
    }

    pub(crate) fn sampler(&self, seed: u64) -> Sampler<'_> {
        Sampler::new(&self.chosen, [&self.before, &self.after], &self.nat, &self.atoms, &self.spans, seed)
    }

    /// Names of the rules that the plan adds.
    pub(crate) fn added(&self) -> BTreeSet<String> {
        let is_new = |change: &&Change| matches!(change, Change::Put(_, Position::Above(_)));
        let new = self.plan.changes.iter().filter(is_new).filter_map(Change::rule);
        new.map(ToString::to_string).collect()
    }

    /// What is decided about what was carried out.
    pub(crate) fn planned_again(&self) -> Result<Plan, String> {
        decide(&self.inventory, self.changed.config(), &self.settings, &self.causes)
    }

    /// What is decided when AWS lists everything in another order, and the firewall whatever has no order of its own.
    pub(crate) fn planned_shuffled(&self, seed: u64) -> Result<Plan, String> {
        let mut dice = Dice::seeded(seed);
        let mut answers = self.answers.clone();
        answers.0.values_mut().for_each(|answer| shuffle(answer, &mut dice));
        let mut config = self.device.config().clone();
        shuffle_elements(&mut config, &mut dice);
        decide(&inventory(&answers, &self.settings)?, &config, &self.settings, &self.causes)
    }

    /// What an export tells and what a look by the client tells of the same firewall, as far as both can.
    pub(crate) fn read_twice(&self) -> Result<[Configuration; 2], String> {
        let exported = read(self.device.config(), &self.settings)?;
        let mut observed = self.device.observed(&self.settings.account())?;
        // An export does not hold what is predefined.
        observed.standard_ports.retain(|app, _| exported.standard_ports.contains_key(app));
        Ok([exported, observed])
    }

    /// The firewall after only so many of the changes.
    pub(crate) fn cut(&self, changes: usize) -> Result<Device, String> {
        self.device.after(&self.plan.changes[..changes], &self.settings.account())
    }

    /// What of a configuration is not ours.
    pub(crate) fn foreign(&self, config: &Element) -> Element {
        let mut config = config.clone();
        strip(&mut config, &self.chosen.owner);
        config
    }
}

fn inventory(answers: &Answers, settings: &Settings) -> Result<Inventory, String> {
    offline::from_answers(answers.0.clone(), settings.aws.region.clone()).map_err(|error| error.to_string())
}

fn read(config: &Element, settings: &Settings) -> Result<Configuration, String> {
    exported(&config.to_string(), &settings.firewall.vsys).map_err(|malformed| malformed.to_string())
}

fn cause(id: &str) -> Option<Cause> {
    let instance = id.parse().map(Subject::Instance);
    let subject = instance.or_else(|_| id.parse().map(Subject::Group)).ok()?;
    Some(Cause { subject, event: "TestEvent".to_owned() })
}

fn decide(inventory: &Inventory, config: &Element, settings: &Settings, causes: &[Cause]) -> Result<Plan, String> {
    let firewall = quiet(read(config, settings)?);
    let rulebase = Rulebase::read(&firewall, &settings.config).map_err(|unfit| unfit.to_string())?;
    Ok(plan(inventory, &rulebase, &settings.config, causes))
}

/// All ranges that a world names.
fn spans(world: &World, policies: [&Policy; 2]) -> Vec<Span> {
    let sides =
        policies.into_iter().flat_map(|policy| &policy.rules).flat_map(|rule| [&rule.source, &rule.destination]);
    let named = sides.flat_map(|side| &side.leaves).filter_map(|leaf| match leaf {
        Leaf::Span(span) => Some(*span),
        Leaf::Any | Leaf::Unknown => None,
    });
    let texts = world.answers.texts();
    let all: BTreeSet<_> = texts.into_iter().filter_map(Span::parse).chain(named).collect();
    all.into_iter().collect()
}

fn shuffle(value: &mut Value, dice: &mut Dice) {
    match value {
        Value::Array(list) => {
            dice.shuffle(list);
            list.iter_mut().for_each(|value| shuffle(value, dice));
        }
        Value::Object(members) => members.values_mut().for_each(|value| shuffle(value, dice)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Only rules have an order.
fn shuffle_elements(element: &mut Element, dice: &mut Dice) {
    if element.name != "rules" {
        dice.shuffle(&mut element.children);
    }
    element.children.iter_mut().for_each(|child| shuffle_elements(child, dice));
}

/// Takes our rules, our service objects and our tag out of a configuration.
fn strip(config: &mut Element, owner: &str) {
    let is_tagged = |entry: &Element| entry.child("tag").is_some_and(|tags| tags.members().any(|tag| tag == owner));
    let has_name = |entry: &Element, test: &dyn Fn(&str) -> bool| entry.attribute("name").is_some_and(test);
    let Some(vsys) = vsys_mut(config) else { return };
    let rules = vsys.child_mut("rulebase").and_then(|rulebase| rulebase.child_mut("security")?.child_mut("rules"));
    if let Some(rules) = rules {
        rules.children.retain(|rule| !(is_tagged(rule) && has_name(rule, &is_our_name)));
    }
    if let Some(services) = vsys.child_mut("service") {
        services.children.retain(|service| !is_tagged(service));
    }
    if let Some(tags) = vsys.child_mut("tag") {
        tags.children.retain(|tag| !has_name(tag, &|name| name == owner));
    }
    vsys.children.retain(|child| !child.children.is_empty() || !matches!(child.name.as_str(), "service" | "tag"));
}

/// The virtual system's own configuration: worlds have one device and one virtual system.
fn vsys_mut(config: &mut Element) -> Option<&mut Element> {
    config.child_mut("devices")?.children.first_mut()?.child_mut("vsys")?.children.first_mut()
}
