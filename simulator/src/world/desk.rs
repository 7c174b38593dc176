//! From what administrators do to requests.

use super::{
    DRAWBRIDGE,
    forms::{VSYS, below_vsys, entry, inline, list, rule_at, service, service_name},
};
use crate::{
    clock::Moment,
    firewall::Firewall,
    script::{Act, Lock, Names, Place, Scope, Xml},
    xml::Element,
};

/// What is wrong, and the remedy.
type Told = Result<(), String>;

/// Does what an administrator does, and waits for their commit to end.
pub(super) fn act(firewall: &mut Firewall, admin: &str, act: &Act, names: &Names, now: &mut Moment) -> Told {
    if admin != DRAWBRIDGE && firewall.key_of(admin).is_none() {
        return Err(format!("there is no administrator `{admin}`; add `admin {admin}` to the firewall section"));
    }
    let mut desk = Desk { firewall, admin, now };
    match act {
        Act::Add(rule, place) => {
            if let Some(ports) = inline(&rule.service) {
                let service = service(&service_name(ports), ports);
                desk.set(&format!("{VSYS}/service/entry[@name='{}']", service_name(ports)), &service.children)?;
            }
            let name = names.lengthen(&rule.name);
            desk.set(&rule_at(&name), &entry(rule, names).children)?;
            if *place == Place::Bottom { Ok(()) } else { desk.place(&name, place, names) }
        }
        Act::Edit { rule, field, values } => desk.edit(&names.lengthen(rule), field, values),
        Act::Delete(rule) => desk.config("delete", &[("xpath", &rule_at(&names.lengthen(rule)))]),
        Act::Move(rule, place) => desk.place(&names.lengthen(rule), place, names),
        Act::Rename(rule, new) => {
            let (xpath, new) = (rule_at(&names.lengthen(rule)), names.lengthen(new));
            desk.config("rename", &[("xpath", &xpath), ("newname", &new)])
        }
        Act::Xml(Xml { xpath, fragment }) => {
            let (xpath, fragment) = (below_vsys(&names.lengthen(xpath)), names.lengthen(fragment));
            desk.config("set", &[("xpath", &xpath), ("element", &fragment)])
        }
        Act::Commit(scope) => desk.commit(*scope),
        Act::Revert => desk.op(&format!("<revert><config>{}</config></revert>", own(admin))),
        Act::Lock(lock, comment) => {
            let comment = Element::text("comment", comment);
            desk.op(&format!("<request><{0}><add>{comment}</add></{0}></request>", lock_word(*lock)))
        }
        Act::Unlock(lock) => desk.op(&format!("<request><{0}><remove/></{0}></request>", lock_word(*lock))),
    }
}

fn lock_word(lock: Lock) -> &'static str {
    match lock {
        Lock::Config => "config-lock",
        Lock::Commit => "commit-lock",
    }
}

/// What limits a commit or a revert to one administrator's changes.
fn own(admin: &str) -> Element {
    let admin = list("admin", &[admin.to_owned()]);
    Element::new("partial").with(admin)
}

/// Where an administrator sits.
struct Desk<'a> {
    firewall: &'a mut Firewall,
    admin: &'a str,
    now: &'a mut Moment,
}

impl Desk<'_> {
    fn set(&mut self, xpath: &str, children: &[Element]) -> Told {
        let element: String = children.iter().map(Element::to_string).collect();
        self.config("set", &[("xpath", xpath), ("element", &element)])
    }

    fn place(&mut self, name: &str, place: &Place, names: &Names) -> Told {
        let (word, other) = match place {
            Place::Before(other) => ("before", Some(other)),
            Place::After(other) => ("after", Some(other)),
            Place::Top => ("top", None),
            Place::Bottom => ("bottom", None),
        };
        let (xpath, other) = (rule_at(name), other.map(|other| names.lengthen(other)).unwrap_or_default());
        let mut parameters = vec![("xpath", xpath.as_str()), ("where", word)];
        if !other.is_empty() {
            parameters.push(("dst", &other));
        }
        self.config("move", &parameters)
    }

    fn edit(&mut self, rule: &str, field: &str, values: &[String]) -> Told {
        let element = match (field, values) {
            ("action" | "description" | "disabled" | "log-setting" | "rule-type" | "schedule", [value]) => {
                Element::text(field, value)
            }
            ("negate-source" | "negate-destination", [value]) => Element::text(field, value),
            _ => list(field, values),
        };
        // The API would make an empty rule of that name; nobody at a desk can.
        if self.firewall.rule(rule).is_none() {
            return Err("the firewall has no such object; check the name".to_owned());
        }
        let xpath = format!("{}/{field}", rule_at(rule));
        self.config("edit", &[("xpath", &xpath), ("element", &element.to_string())])
    }

    /// Asks for a commit and lets time pass until it has ended, well or not.
    fn commit(&mut self, scope: Scope) -> Told {
        let commit = Element::new("commit");
        let commit = match scope {
            Scope::Own => commit.with(own(self.admin)),
            Scope::All => commit,
        };
        let answer = self.ask(&[("type", "commit"), ("cmd", &commit.to_string())])?;
        let Some(job) = answer.at(&["result", "job"]) else { return Ok(()) };
        let question = format!("<show><jobs><id>{}</id></jobs></show>", job.text);
        for _ in 0..QUEUE_MAX {
            *self.now = *self.now + self.firewall.settings.commit_takes;
            let answer = self.ask(&[("type", "op"), ("cmd", &question)])?;
            let status = answer.at(&["result", "job"]).and_then(|job| job.child_text("status"));
            if status == Some("FIN") {
                return Ok(());
            }
        }
        Err(format!("the commit of `{}` does not come to its turn; wait before it", self.admin))
    }

    fn config(&mut self, action: &str, parameters: &[(&str, &str)]) -> Told {
        let mut all = vec![("type", "config"), ("action", action)];
        all.extend(parameters);
        let answer = self.ask(&all)?;
        match answer.attribute("code") {
            Some("7") => Err("the firewall has no such object; check the name".to_owned()),
            _ => Ok(()),
        }
    }

    fn op(&mut self, command: &str) -> Told {
        self.ask(&[("type", "op"), ("cmd", command)]).map(drop)
    }

    fn ask(&mut self, parameters: &[(&str, &str)]) -> Result<Element, String> {
        let text = self.firewall.as_admin(self.admin, parameters, *self.now).text();
        let answer = Element::parse(&text).map_err(|malformed| malformed.to_string())?;
        match answer.attribute("status") {
            Some("success") => Ok(answer),
            _ => Err(format!("the firewall refuses what `{}` wants: {}", self.admin, words(&answer))),
        }
    }
}

/// A commit that is further back in the queue than this is not waited for.
const QUEUE_MAX: usize = 20;

/// All text of an answer.
fn words(element: &Element) -> String {
    let own = element.text.trim().to_owned();
    let parts = std::iter::once(own).chain(element.children.iter().map(words)).filter(|text| !text.is_empty());
    parts.collect::<Vec<_>>().join("; ")
}
