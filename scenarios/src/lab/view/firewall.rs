//! Locks and uncommitted work.

use drawbridge_simulator::{
    firewall::Request,
    world::{PendingRow, World},
    xml::Element,
};
use serde_json::{Value, json};

/// A lock that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lab) struct Lock {
    /// `config` or `commit`.
    pub(in crate::lab) kind: &'static str,
    /// Who holds it.
    pub(in crate::lab) admin: String,
    /// Why.
    pub(in crate::lab) comment: String,
}

/// All locks that are held.
pub(in crate::lab) fn locks(world: &mut World) -> Vec<Lock> {
    let kinds = [("config", "config-locks"), ("commit", "commit-locks")];
    kinds.into_iter().flat_map(|(kind, list)| of_kind(world, kind, list)).collect()
}

fn of_kind(world: &mut World, kind: &'static str, list: &str) -> Vec<Lock> {
    let question = format!("<show><{list}/></show>");
    let parameters = [("type", "op"), ("cmd", &question)];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let key = Some(world.key().to_owned());
    let answer = world.panos(&Request { parameters, key, basic: None });
    let answer = Element::parse(&answer.text()).unwrap_or_default();
    let held = answer.at(&["result", list]).map(|list| list.children.as_slice()).unwrap_or_default();
    let lock = |entry: &Element| Lock {
        kind,
        admin: entry.attribute("name").unwrap_or_default().to_owned(),
        comment: entry.child_text("comment").unwrap_or_default().to_owned(),
    };
    held.iter().map(lock).collect()
}

/// The firewall's own state.
pub(in crate::lab) fn state(world: &World, locks: &[Lock], pending: &[PendingRow], admins: &[String]) -> Value {
    let settings = &world.firewall().settings;
    let lock = |lock: &Lock| json!({ "kind": lock.kind, "admin": lock.admin, "comment": lock.comment });
    let mut working: Vec<_> = pending.iter().map(|row| row.admin.as_str()).collect();
    working.sort_unstable();
    working.dedup();
    json!({
        "version": settings.version,
        "admins": admins,
        "locks": locks.iter().map(lock).collect::<Vec<_>>(),
        "uncommitted": pending.len(),
        "uncommitted_by": working,
    })
}
