//! The firewall's journal: who changed what since the last commit.

use drawbridge_core::firewall::{Effect, Node, Pending};

use super::{
    cursor::Element,
    read::admins,
    text::clean,
    xpath::{Step, Vsys, steps},
};

/// The uncommitted changes, each administrator's of each node.
pub(super) fn pending(response: &Element<'_>, vsys: &Vsys) -> Vec<Pending> {
    let journal = response.at(&["result", "journal"]).or_else(|| response.at(&["result"]));
    let mut pending: Vec<_> =
        journal.into_iter().flat_map(|journal| journal.all("entry")).flat_map(|entry| changes(entry, vsys)).collect();
    pending.sort_unstable();
    pending.dedup();
    pending
}

fn changes(entry: &Element<'_>, vsys: &Vsys) -> Vec<Pending> {
    let path = entry.text_at(&["xpath"]).unwrap_or_default();
    let who = [entry.text_at(&["owner"]), entry.text_at(&["admin-history"])];
    let mut admins = admins(&who.into_iter().flatten().collect::<Vec<_>>());
    if admins.is_empty() {
        // Whoever it was, it was not us: better somebody unknown than a change that nobody sees.
        admins.extend("unknown".parse().ok());
    }
    let is_deletion = entry.text_at(&["action"]).is_some_and(|action| action.eq_ignore_ascii_case("delete"));
    let mut changes = Vec::new();
    for (node, whole) in nodes(path, vsys) {
        let effect = if is_deletion && whole == Whole::Node { Effect::Deleted } else { Effect::Changed };
        changes.extend(admins.iter().map(|admin| Pending { node: node.clone(), admin: admin.clone(), effect }));
    }
    changes
}

/// How much of a node a path means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    /// All of it.
    Node,
    /// Something within it.
    Part,
}

/// What a path means to us.
fn nodes(path: &str, vsys: &Vsys) -> Vec<(Node, Whole)> {
    let steps = steps(path).unwrap_or_default();
    known(&steps, vsys).unwrap_or_else(|| vec![(Node::Other(clean(path)), Whole::Node)])
}

fn known(steps: &[Step<'_>], vsys: &Vsys) -> Option<Vec<(Node, Whole)>> {
    let names: Vec<_> = steps.iter().map(|step| step.name).collect();
    let of_vsys = |index: usize| steps.get(index).is_some_and(|step| step.entries == [vsys.as_str()]);
    let (node, entry): (fn(&str) -> Option<Node>, usize) = match names.as_slice() {
        ["config", "devices", "entry", "vsys", "entry", "rulebase", "security", "rules", "entry", ..] if of_vsys(4) => {
            (rule, 8)
        }
        ["config", "devices", "entry", "vsys", "entry", "service", "entry", ..] if of_vsys(4) => (service, 6),
        ["config", "devices", "entry", "vsys", "entry", "tag", "entry", ..] if of_vsys(4) => (tag, 6),
        ["config", "shared", "service", "entry", ..] => (service, 3),
        ["config", "shared", "tag", "entry", ..] => (tag, 3),
        _ => return None,
    };
    let whole = if names.len() == entry + 1 { Whole::Node } else { Whole::Part };
    let entries = &steps.get(entry)?.entries;
    // Without names the path means every entry there is.
    let nodes = entries.iter().map(|name| Some((node(name)?, whole))).collect::<Option<Vec<_>>>()?;
    (!nodes.is_empty()).then_some(nodes)
}

fn rule(name: &str) -> Option<Node> {
    name.parse().ok().map(Node::Rule)
}

fn service(name: &str) -> Option<Node> {
    name.parse().ok().map(Node::Service)
}

fn tag(name: &str) -> Option<Node> {
    name.parse().ok().map(Node::Tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panos::response::{Answer, tree};

    #[track_caller]
    fn check(path: &str, action: &str, owner: &str, expected: &[&str]) {
        let document = format!(
            "<response status='success'><result><journal><entry><xpath>{path}</xpath><owner>{owner}</owner><action> {action}</action>\
             <admin-history>{owner}</admin-history></entry></journal></result></response>"
        );
        let answer = Answer { status: 200, document };
        let found = pending(&tree(&answer).unwrap(), &Vsys::default());
        let lines: Vec<_> = found.iter().map(|p| format!("{} {} {:?}", p.admin, p.node, p.effect)).collect();
        assert_eq!(lines, expected, "{path}");
    }

    #[test]
    fn paths_become_nodes() {
        let vsys = "/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']";
        let rules = format!("{vsys}/rulebase/security/rules");
        check(&format!("{rules}/entry[@name='i-1-1']"), "EDIT", "fwsync", &["fwsync rule `i-1-1` Changed"]);
        check(&format!("{rules}/entry[@name='Clean up']"), "DELETE", "bob", &["bob rule `Clean up` Deleted"]);
        check(&format!("{rules}/entry[@name='Clean up']/tag"), "DELETE", "bob", &["bob rule `Clean up` Changed"]);
        check(
            &format!("{rules}/entry[@name='a' or @name='b']"),
            "DELETE",
            "bob",
            &["bob rule `a` Deleted", "bob rule `b` Deleted"],
        );
        check(
            &format!("{vsys}/service/entry[@name='tcp_1']"),
            "SET",
            "a,b",
            &["a service `tcp_1` Changed", "b service `tcp_1` Changed"],
        );
        check("/config/shared/tag/entry[@name='aws']", "SET", "bob", &["bob tag `aws` Changed"]);
        check("/config/mgt-config/users", "DELETE", "bob", &["bob `/config/mgt-config/users` Deleted"]);
        check(&rules, "EDIT", "bob", &[&format!("bob `{rules}` Changed")]);
        let other = rules.replace("vsys1", "vsys2");
        check(
            &format!("{other}/entry[@name='x']"),
            "SET",
            "bob",
            &[&format!("bob `{other}/entry[@name='x']` Changed")],
        );
        check("not a path", "SET", "bob", &["bob `not a path` Changed"]);
    }

    #[test]
    fn a_change_without_an_owner_is_a_change() {
        check("/config/shared/tag/entry[@name='aws']", "SET", "", &["unknown tag `aws` Changed"]);
    }

    #[test]
    fn nothing_may_be_pending() {
        let answer = Answer { status: 200, document: "<response status='success'><result/></response>".to_owned() };
        assert_eq!(pending(&tree(&answer).unwrap(), &Vsys::default()), []);
    }
}
