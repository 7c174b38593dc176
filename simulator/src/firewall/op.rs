//! `type=op`: the commands of the operational command tree that this firewall knows.

use super::{
    Call, Firewall,
    answer::{Refusal, response, result, result_text},
    commit,
    dynamic::Tagged,
    journal,
    locks::Kind,
    policy,
    scope::Scope,
};
use crate::{clock::Moment, xml::Element};

/// What performs a command: it gets the whole command, from the root element on.
type Handler = fn(&mut Firewall, &Call<'_>, &Element) -> Result<Element, Refusal>;

/// The command tree: the words of each command, and what performs it.
#[rustfmt::skip]
const COMMANDS: &[(&[&str], Handler)] = &[
    (&["check", "pending-changes"],                   |firewall, _, _| Ok(firewall.pending_changes())),
    (&["delete", "config", "saved"],                  Firewall::delete_saved),
    (&["load", "config", "from"],                     Firewall::load_config),
    (&["request", "commit-lock", "add"],              |firewall, call, command| firewall.add_lock(Kind::Commit, call, command)),
    (&["request", "commit-lock", "remove"],           |firewall, call, command| firewall.remove_lock(Kind::Commit, call, command)),
    (&["request", "config-lock", "add"],              |firewall, call, command| firewall.add_lock(Kind::Config, call, command)),
    (&["request", "config-lock", "remove"],           |firewall, call, command| firewall.remove_lock(Kind::Config, call, command)),
    (&["request", "high-availability", "sync-to-remote", "running-config"], |firewall, _, _| firewall.sync_to_peer()),
    (&["request", "password-hash", "password"],       Firewall::hash_password),
    (&["revert", "config"],                           Firewall::revert),
    (&["save", "config", "to"],                       Firewall::save_config),
    (&["set", "audit-comment"],                       Firewall::set_audit_comment),
    (&["show", "admins"],                             |firewall, call, _| Ok(firewall.show_admins(call))),
    (&["show", "chassis-ready"],                      |firewall, _, _| Ok(firewall.chassis_ready())),
    (&["show", "clock"],                              |_, call, _| Ok(Firewall::show_clock(call))),
    (&["show", "commit-locks"],                       |firewall, _, command| Ok(firewall.show_locks(Kind::Commit, command))),
    (&["show", "config", "candidate"],                |firewall, _, _| Ok(result([firewall.candidate().clone()]))),
    (&["show", "config", "list", "audit-comments"],   Firewall::audit_comments),
    (&["show", "config", "list", "changes"],          |firewall, _, command| firewall.list_changes(command)),
    (&["show", "config", "running"],                  |firewall, _, _| Ok(result([firewall.running().clone()]))),
    (&["show", "config", "saved"],                    Firewall::show_saved),
    (&["show", "config-locks"],                       |firewall, _, command| Ok(firewall.show_locks(Kind::Config, command))),
    (&["show", "high-availability", "state"],         |firewall, _, _| Ok(firewall.ha_state())),
    (&["show", "jobs", "all"],                        |firewall, call, _| Ok(result(firewall.jobs.all_to_xml(call.now)))),
    (&["show", "jobs", "id"],                         Firewall::show_job),
    (&["show", "object", "dynamic-address-group"],    Firewall::show_dynamic_groups),
    (&["show", "object", "registered-ip"],            Firewall::show_registered_ips),
    (&["show", "object", "registered-user"],          Firewall::show_registered_users),
    (&["show", "plugins", "packages"],                |_, _, _| Ok(result([Element::new("plugins")]))),
    (&["show", "rule-hit-count", "vsys"],             Firewall::show_hit_counts),
    (&["show", "system", "info"],                     |firewall, call, _| Ok(firewall.system_info(call))),
    (&["show", "user", "group", "list"],              Firewall::show_user_groups),
    (&["show", "user", "group", "name"],              Firewall::show_user_group),
    (&["show", "user", "ip-user-mapping"],            Firewall::show_mappings),
    (&["show", "user", "ip-user-mapping-mp"],         Firewall::show_mappings),
    (&["test", "security-policy-match"],              Firewall::test_policy),
    (&["validate", "full"],                           Firewall::validate),
    (&["validate", "partial"],                        Firewall::validate),
];

/// Those that nothing may follow: what is asked for beyond them is not answered with everything.
const WHOLE: &[&[&str]] = &[
    &["check", "pending-changes"],
    &["request", "high-availability", "sync-to-remote", "running-config"],
    &["show", "chassis-ready"],
    &["show", "clock"],
    &["show", "config", "candidate"],
    &["show", "config", "running"],
    &["show", "high-availability", "state"],
    &["show", "jobs", "all"],
    &["show", "plugins", "packages"],
    &["show", "system", "info"],
    &["validate", "full"],
];

impl Firewall {
    pub(super) fn op(&mut self, call: &Call<'_>) -> Result<Element, Refusal> {
        let command = call.command()?;
        let words = words(&command);
        match COMMANDS.iter().find(|(known, _)| words.starts_with(known)) {
            Some((known, handler)) if words.len() == known.len() || !WHOLE.contains(known) => {
                handler(self, call, &command)
            }
            Some(_) | None => Err(invalid(&words)),
        }
    }

    fn pending_changes(&self) -> Element {
        let is_noted = !self.candidate.journal().changes().is_empty();
        result_text(if is_noted || self.differs_unnoted() { "yes" } else { "no" })
    }

    fn list_changes(&self, command: &Element) -> Result<Element, Refusal> {
        let scope = scope(command, &["config", "list", "changes"], &["partial"])?;
        let changes = scope.changes(&self.candidate);
        Ok(result((!changes.is_empty()).then(|| journal::to_xml(&changes))))
    }

    fn revert(&mut self, call: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let scope = scope(command, &["config"], &["partial", "skip-validate"])?;
        self.check_may_write(call, None)?;
        commit::revert(&mut self.candidate, &self.running, &scope)?;
        let line = Element::text("line", "All changes were reverted from configuration");
        Ok(result([Element::new("msg").with(line)]))
    }

    fn validate(&mut self, call: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let scope = scope(command, &[], &["partial", "full"])?;
        self.enqueue_validation(scope, call)
    }

    fn show_job(&mut self, call: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let id = command.at(&["jobs", "id"]).map(|id| id.text.trim()).unwrap_or_default();
        let job = id.parse().ok().and_then(|id| self.jobs.to_xml(id, call.now));
        job.map(|job| result([job])).ok_or_else(|| Refusal::new(7, format!("job {id} not found")))
    }

    fn add_lock(&mut self, kind: Kind, call: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let lock = command.children.first();
        let comment = lock.and_then(|lock| lock.at(&["add", "comment"])).map(|comment| comment.text.as_str());
        let scope = call.parameter("vsys").unwrap_or("shared");
        self.locks.add(kind, scope, call.admin, comment.unwrap_or_default(), call.now)
    }

    /// Only the holder or a superuser removes a lock.
    fn remove_lock(&mut self, kind: Kind, call: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let lock = command.children.first();
        let named = lock.and_then(|lock| lock.at(&["remove", "admin"])).map(|admin| admin.text.as_str());
        let holder = named.unwrap_or(call.admin);
        if holder != call.admin && self.admins.role(call.admin) != Some(&super::Role::Superuser) {
            return Err(Refusal::new(16, "Unauthorized request"));
        }
        self.locks.remove(kind, call.parameter("vsys").unwrap_or("shared"), holder)
    }

    fn show_locks(&self, kind: Kind, command: &Element) -> Element {
        let vsys = command.children.first().and_then(|locks| locks.child_text("vsys"));
        result([self.locks.to_xml(kind, vsys.filter(|vsys| !vsys.is_empty()).unwrap_or("all"))])
    }

    fn set_audit_comment(&mut self, call: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let text = |name| command.at(&["audit-comment", name]).map(|element| element.text.clone());
        let missing = |name| Refusal::new(17, format!(" set -> audit-comment is missing '{name}'"));
        let xpath = text("xpath").ok_or_else(|| missing("xpath"))?;
        let comment = text("comment").ok_or_else(|| missing("comment"))?;
        check_comment(&comment)?;
        self.comment(call, &xpath, &comment);
        Ok(response("success", None).with(Element::new("result")))
    }

    /// Makes this the comment on a rule, and enters it into the log.
    pub(super) fn comment(&mut self, call: &Call<'_>, xpath: &str, comment: &str) {
        self.logs.note_comment(call, xpath, comment);
        self.audit_comments.insert(xpath.to_owned(), comment.to_owned());
    }

    fn audit_comments(&mut self, _: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let xpath = command.at(&["config", "list", "audit-comments", "xpath"]).map(|xpath| xpath.text.as_str());
        let comment = xpath.and_then(|xpath| self.audit_comments.get(xpath));
        Ok(result(comment.map(|comment| Element::new("entry").with(Element::text("comment", comment)))))
    }

    fn test_policy(&mut self, call: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let query = policy::Query::parse(command.child("security-policy-match").unwrap_or(command))?;
        let tagged = Tagged { registered: &self.user_id.addresses, vsys: call.vsys() };
        let rules = policy::matching(&self.running, tagged, &query);
        Ok(result([Element::new("rules").with_all(rules)]))
    }

    /// The rule that decides about a packet, asked with the element `security-policy-match`: the same as by the operational
    /// command `test`, without its request and its answer, for those who ask about thousands of packets.
    pub fn first_match(&mut self, vsys: &str, query: &Element, now: Moment) -> Option<String> {
        self.settle(now);
        let query = policy::Query::parse(query).ok()?;
        let tagged = Tagged { registered: &self.user_id.addresses, vsys };
        policy::matching(&self.running, tagged, &query).first()?.attribute("name").map(str::to_owned)
    }
}

/// What a command limits itself to in its element at `path`, which may have these children.
fn scope(command: &Element, path: &[&str], known: &[&str]) -> Result<Scope, Refusal> {
    let element = command.at(path).unwrap_or(command);
    let way = [&[command.name.as_str()], path].concat().join(" -> ");
    let invalid = |word: &str| Refusal::new(17, format!(" {way} -> {word} is invalid"));
    if let Some(unknown) = element.children.iter().find(|child| !known.contains(&child.name.as_str())) {
        return Err(invalid(&unknown.name));
    }
    Scope::parse(element.child("partial")).map_err(|unknown| invalid(&format!("partial -> {unknown}")))
}

/// Audit comments have up to 256 characters.
pub(super) fn check_comment(comment: &str) -> Result<(), Refusal> {
    let length = comment.chars().count();
    if length > 256 {
        let words = format!(" comment can be at most 256 characters, but current length: {length}");
        return Err(Refusal::new(12, words));
    }
    Ok(())
}

/// The words of a command: the way down its first children.
fn words(command: &Element) -> Vec<&str> {
    std::iter::successors(Some(command), |element| element.children.first())
        .map(|element| element.name.as_str())
        .collect()
}

/// Names the first word that is not in the command tree.
fn invalid(words: &[&str]) -> Refusal {
    let common = |known: &[&str]| known.iter().zip(words).take_while(|(known, word)| known == word).count();
    let known = COMMANDS.iter().map(|(known, _)| common(known)).max().unwrap_or_default();
    let shown = words.iter().take(known + 1).copied().collect::<Vec<_>>().join(" -> ");
    Refusal::new(17, format!(" {shown} is invalid"))
}
