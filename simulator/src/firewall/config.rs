//! `type=config`: reads of both trees, single writes, and `multi-config`.

use super::{
    Call, Firewall,
    answer::{Refusal, message, response, result},
    candidate::{Candidate, Done},
    commit, op, predefined,
    scope::Scope,
    settings::MultiConfig,
    write::{self, Write},
};
use crate::xml::Element;

impl Firewall {
    pub(super) fn config(&mut self, call: &Call<'_>) -> Result<Element, Refusal> {
        match call.required("action")? {
            "get" => self.get(call),
            "show" => self.show(call),
            "multi-config" if self.settings.multi_config == MultiConfig::On => self.multi_config(call),
            action => self.single_write(action, call),
        }
    }

    /// Reads the candidate, or what is predefined.
    fn get(&self, call: &Call<'_>) -> Result<Element, Refusal> {
        let xpath = write::parse(call.required("xpath")?)?;
        let tree = match xpath.second_tag() {
            Some("predefined") => predefined::tree(),
            _ => self.candidate.tree(),
        };
        let found = xpath.select(tree);
        if found.is_empty() {
            return Ok(response("success", Some(7)).with(Element::new("result")));
        }
        let count = found.len().to_string();
        let result = Element::new("result").with_attribute("total-count", &count).with_attribute("count", &count);
        Ok(response("success", Some(19)).with(result.with_all(found)))
    }

    /// Reads the running configuration, or what is predefined.
    fn show(&self, call: &Call<'_>) -> Result<Element, Refusal> {
        let xpath = write::parse(call.required("xpath")?)?;
        let tree = match xpath.second_tag() {
            Some("predefined") => predefined::tree(),
            _ => &self.running,
        };
        match xpath.select(tree) {
            found if found.is_empty() => Err(Refusal::without_code("No such node")),
            found => Ok(result(found)),
        }
    }

    fn single_write(&mut self, action: &str, call: &Call<'_>) -> Result<Element, Refusal> {
        let content = || {
            let text = call.required("element")?;
            Element::parse_fragments(text).map_err(|malformed| Refusal::new(18, malformed.to_string()))
        };
        let write = Write::parse(action, |name| call.parameter(name), content)?;
        self.check_writable(call, &write)?;
        let comment = call.parameter("audit-comment");
        comment.map_or(Ok(()), op::check_comment)?;
        // Nothing of a refused write may stay.
        let mut draft = self.candidate.clone();
        let done = draft.write(&write, call.admin, call.now.panos())?;
        self.candidate = draft;
        if let (Some(comment), Some(xpath)) = (comment, call.parameter("xpath")) {
            self.audit_comments.insert(xpath.to_owned(), comment.to_owned());
        }
        Ok(done_message(done))
    }

    fn multi_config(&mut self, call: &Call<'_>) -> Result<Element, Refusal> {
        let document =
            Element::parse(call.required("element")?).map_err(|malformed| Refusal::new(18, malformed.to_string()))?;
        if call.parameter("strict-transactional") == Some("yes") {
            if self.jobs.unfinished().next().is_some() {
                return Err(Refusal::new(13, "A commit is pending. Please try again later."));
            }
            commit::revert(&mut self.candidate, &self.running, &Scope::of_admin(call.admin))?;
        }
        let mut draft = self.candidate.clone();
        let mut answers = Vec::new();
        for item in &document.children {
            match self.write_item(&mut draft, item, call) {
                // As in pango's fixture, an answer about nothing bears no id.
                Ok(done @ Done::Absent) => answers.push(done_message(done)),
                Ok(done @ Done::Changed) => answers.push(with_id(done_message(done), item)),
                Err(refusal) => {
                    answers.push(with_id(refusal.to_xml(), item));
                    return Ok(response("error", Some(13)).with_all(answers));
                }
            }
        }
        self.candidate = draft;
        Ok(response("success", Some(20)).with_all(answers))
    }

    fn write_item(&self, draft: &mut Candidate, item: &Element, call: &Call<'_>) -> Result<Done, Refusal> {
        let write = Write::parse(&item.name, |name| item.attribute(name), || Ok(item.children.clone()))?;
        self.check_writable(call, &write)?;
        draft.write(&write, call.admin, call.now.panos())
    }

    fn check_writable(&self, call: &Call<'_>, write: &Write) -> Result<(), Refusal> {
        self.check_may_write(call, write.vsys(self.candidate.tree()).as_deref())
    }

    /// Refuses writes where nobody may write, and where somebody else has a lock.
    pub(super) fn check_may_write(&self, call: &Call<'_>, vsys: Option<&str>) -> Result<(), Refusal> {
        if !self.settings.ha.is_writable() {
            return Err(Refusal::new(15, "Operation denied"));
        }
        self.locks.check_write(call.admin, vsys)
    }
}

fn done_message(done: Done) -> Element {
    match done {
        Done::Changed => message(20, "command succeeded"),
        Done::Absent => message(7, "Object doesn't exist"),
    }
}

fn with_id(answer: Element, item: &Element) -> Element {
    match item.attribute("id") {
        Some(id) => answer.with_attribute("id", id),
        None => answer,
    }
}
