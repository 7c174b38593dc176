//! `type=config`: reads of both trees, single writes, and `multi-config`.

use std::collections::BTreeSet;

use super::{
    Call, Firewall,
    answer::{Refusal, message, response, result},
    candidate::{Candidate, Done},
    commit, op,
    path::Step,
    predefined,
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
            "complete" => self.complete(call),
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

    /// Reads the running configuration, all of it unless told otherwise, or what is predefined.
    fn show(&self, call: &Call<'_>) -> Result<Element, Refusal> {
        let xpath = write::parse(call.parameter("xpath").unwrap_or("/config"))?;
        let tree = match xpath.second_tag() {
            Some("predefined") => predefined::tree(),
            _ => &self.running,
        };
        match xpath.select(tree) {
            found if found.is_empty() => Err(Refusal::without_code("No such node")),
            found => Ok(result(found)),
        }
    }

    /// Names what stands below a place of the candidate, as somebody who types it would be shown.
    fn complete(&self, call: &Call<'_>) -> Result<Element, Refusal> {
        let xpath = write::parse(call.required("xpath")?)?;
        let tree = match xpath.second_tag() {
            Some("predefined") => predefined::tree(),
            _ => self.candidate.tree(),
        };
        let found = xpath.places(tree).into_iter().flat_map(|place| {
            let children = place.find(tree).map(|element| element.children.as_slice()).unwrap_or_default();
            children.iter().map(move |child| {
                let step = Step::to(child);
                Element::new("completion")
                    .with_attribute("value", step.label())
                    .with_attribute("vxpath", place.then(step.clone()).to_string())
                    .with_attribute("current", "yes")
                    .with_attribute("help-string", step.label())
            })
        });
        Ok(response("success", Some(19)).with(Element::new("completions").with_all(found)))
    }

    fn single_write(&mut self, action: &str, call: &Call<'_>) -> Result<Element, Refusal> {
        let content = || {
            let text = call.required("element")?;
            Element::parse_fragments(text).map_err(|malformed| Refusal::new(18, malformed.to_string()))
        };
        let write = Write::parse(self.candidate.tree(), action, |name| call.parameter(name), content)?;
        self.check_writable(call, &write)?;
        let comment = call.parameter("audit-comment");
        comment.map_or(Ok(()), op::check_comment)?;
        let (xpath, vsys) = (call.required("xpath")?, write.vsys(self.candidate.tree()));
        // Nothing of a refused write may stay.
        let mut draft = self.candidate.clone();
        let done = draft.write(&write, call.admin, call.now.panos())?;
        self.candidate = draft;
        if done == Done::Changed {
            self.logs.note_write(call, action, xpath);
            self.lock_commits(call, [vsys]);
        }
        if let Some(comment) = comment {
            self.comment(call, xpath, comment);
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
        let (mut scopes, mut written) = (BTreeSet::new(), Vec::new());
        for item in &document.children {
            match self.write_item(&mut draft, item, call) {
                // As in pango's fixture, an answer about nothing bears no id.
                Ok((done @ Done::Absent, _)) => answers.push(done_message(done)),
                Ok((done @ Done::Changed, vsys)) => {
                    answers.push(with_id(done_message(done), item));
                    scopes.insert(vsys);
                    written.push(item);
                }
                Err(refusal) => {
                    answers.push(with_id(refusal.to_xml(), item));
                    return Ok(response("error", Some(13)).with_all(answers));
                }
            }
        }
        self.candidate = draft;
        for item in written {
            self.logs.note_write(call, &item.name, item.attribute("xpath").unwrap_or_default());
        }
        self.lock_commits(call, scopes);
        Ok(response("success", Some(20)).with_all(answers))
    }

    /// Performs one write on a draft, and tells which virtual system it was in.
    fn write_item(
        &self,
        draft: &mut Candidate,
        item: &Element,
        call: &Call<'_>,
    ) -> Result<(Done, Option<String>), Refusal> {
        let write = Write::parse(draft.tree(), &item.name, |name| item.attribute(name), || Ok(item.children.to_vec()))?;
        self.check_writable(call, &write)?;
        let vsys = write.vsys(draft.tree());
        Ok((draft.write(&write, call.admin, call.now.panos())?, vsys))
    }

    /// Where the device is set to do so, whoever writes holds a commit lock from then on.
    fn lock_commits(&mut self, call: &Call<'_>, vsys: impl IntoIterator<Item = Option<String>>) {
        let management = management(&self.running);
        if management.and_then(|management| management.child_text("auto-acquire-commit-lock")) != Some("yes") {
            return;
        }
        for vsys in vsys {
            self.locks.acquire_commit_lock(vsys.as_deref().unwrap_or("shared"), call.admin, call.now);
        }
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

/// How the device manages itself: `deviceconfig/setting/management`.
pub(super) fn management(config: &Element) -> Option<&Element> {
    config.child("devices")?.children.first()?.at(&["deviceconfig", "setting", "management"])
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
