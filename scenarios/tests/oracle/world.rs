//! A world: settings, the AWS CLI's answers and an exported configuration, all of them texts.

use std::{collections::BTreeMap, fmt};

use proptest::{collection::vec, prelude::*};
use serde_json::Value;

use crate::{draw_cloud, draw_rules, draw_settings, span::Span};

/// Everything that a decision is made of.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) settings: String,
    /// Instances and groups that an event was about.
    pub(crate) causes: Vec<String>,
    pub(crate) answers: Answers,
    pub(crate) config: String,
}

/// The AWS CLI's answers, by the names that their files would have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers(pub(crate) BTreeMap<String, Value>);

impl Answers {
    pub(crate) fn list(&self, name: &str, member: &str) -> &[Value] {
        let list = self.0.get(name).and_then(|answer| answer[member].as_array());
        list.map(Vec::as_slice).unwrap_or_default()
    }

    /// The entries of a prefix list; nothing if one of them cannot be read.
    pub(crate) fn prefix_list(&self, id: &str) -> Option<Vec<Span>> {
        let entries = self.0.get(&format!("get-managed-prefix-list-entries.{id}"))?["Entries"].as_array()?;
        entries.iter().map(|entry| Span::parse(entry["Cidr"].as_str()?)).collect()
    }

    /// Every text in it.
    pub(crate) fn texts(&self) -> Vec<&str> {
        fn collect<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
            match value {
                Value::String(text) => found.push(text),
                Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
                Value::Object(members) => members.values().for_each(|value| collect(value, found)),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        let mut found = Vec::new();
        self.0.values().for_each(|answer| collect(answer, &mut found));
        found
    }
}

/// What stands between the parts of a world's text.
const CAUSES: &str = "== caused by ";
const ANSWER: &str = "== answer ";
const CONFIG: &str = "== configuration";

/// The text that [`World::parse`] reads: a failing world can be kept as it is printed.
impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.settings.trim_end())?;
        writeln!(f, "{CAUSES}{}", self.causes.join(" "))?;
        for (name, answer) in &self.answers.0 {
            writeln!(f, "{ANSWER}{name}\n{answer:#}")?;
        }
        writeln!(f, "{CONFIG}\n{}", self.config.trim_end())
    }
}

impl World {
    /// The world of a text. Lines that begin with `#` say why it is kept.
    pub(crate) fn parse(text: &str) -> Self {
        let text: String = text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
        let (before, config) = text.split_once(CONFIG).expect("a world has a configuration");
        let mut parts = before.split(ANSWER);
        let (settings, causes) = parts.next().and_then(|part| part.split_once(CAUSES)).expect("a world has causes");
        let causes = causes.split_whitespace().map(str::to_owned).collect();
        let answer = |part: &str| {
            let (name, json) = part.split_once('\n').expect("an answer begins with its name");
            (name.to_owned(), serde_json::from_str(json).expect("answers are JSON"))
        };
        let answers = Answers(parts.map(answer).collect());
        Self { settings: settings.to_owned(), causes, answers, config: config.trim_start().to_owned() }
    }
}

/// A tape for each thing that is drawn, so that a failing world loses whole things first.
#[derive(Clone, Debug)]
pub(crate) struct Tapes {
    pub(crate) settings: Vec<u16>,
    pub(crate) network: Vec<u16>,
    pub(crate) interfaces: Vec<Vec<u16>>,
    pub(crate) groups: Vec<Vec<u16>>,
    pub(crate) objects: Vec<u16>,
    pub(crate) rules: Vec<Vec<u16>>,
    pub(crate) owned: Vec<Vec<u16>>,
    pub(crate) nat: Vec<Vec<u16>>,
}

/// Worlds in which everything that can be drawn is drawn at random.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let tape = |length: usize| vec(any::<u16>(), length);
    let tapes = (
        (tape(24), tape(80), tape(160)),
        vec(tape(32), 1..6),
        vec(tape(64), 1..4),
        vec(tape(48), 0..9),
        vec(tape(40), 0..5),
        vec(tape(24), 0..5),
    );
    tapes.prop_map(|((settings, network, objects), interfaces, groups, rules, owned, nat)| {
        built(&Tapes { settings, network, interfaces, groups, objects, rules, owned, nat })
    })
}

fn built(tapes: &Tapes) -> World {
    let answers = draw_cloud::answers(tapes);
    let settings = draw_settings::settings(tapes);
    let config = draw_rules::configuration(tapes, &answers, &settings);
    World { causes: draw_settings::causes(tapes), settings, answers, config }
}
