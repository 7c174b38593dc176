//! The world as the page has it.

pub(super) mod cloud;
pub(super) mod firewall;
pub(super) mod rulebase;

use drawbridge_core::config::{Config, Mode};
use drawbridge_simulator::world::World;
use serde_json::{Map, Value, json};

/// The short id of every real one that has one.
pub(super) fn names(world: &World) -> Value {
    let names = world.names().shortened();
    Value::Object(names.map(|(real, short)| (real.to_owned(), json!(short))).collect::<Map<_, _>>())
}

/// How far Drawbridge may go.
pub(super) fn mode(config: &Config) -> &'static str {
    match config.mode {
        Mode::Observe => "observe",
        Mode::AddOnly => "add-only",
        Mode::Sync => "sync",
    }
}
