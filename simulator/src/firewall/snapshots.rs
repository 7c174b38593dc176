//! Configurations that are kept under a name: saved, loaded into the candidate, deleted.

use std::collections::BTreeMap;

use super::{
    Call, Firewall,
    answer::{Refusal, response, result, result_text},
    candidate::Candidate,
    journal::without_marks,
    request::FILE_NAME,
};
use crate::xml::Element;

/// The name under which the running configuration can always be loaded.
const RUNNING: &str = "running-config.xml";

/// Saved configurations by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshots(BTreeMap<String, Element>);

impl Firewall {
    pub(super) fn save_config(&mut self, _: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let name = file_name(command.at(&["config", "to"]), "save -> config -> to")?;
        if name == RUNNING {
            return Err(Refusal::new(17, format!(" save -> config -> to {name} is invalid")));
        }
        self.snapshots.0.insert(name.to_owned(), without_marks(self.candidate.tree()));
        Ok(result_text(format!("Config saved to {name}")))
    }

    /// Makes a saved configuration the candidate. What differs from before counts as changed by whoever loads it.
    pub(super) fn load_config(&mut self, call: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let name = file_name(command.at(&["config", "from"]), "load -> config -> from")?;
        self.check_may_write(call, None)?;
        let saved = self.snapshot(name)?.clone();
        if saved == *self.running {
            self.candidate.discard(saved);
        } else {
            let mut draft: Candidate = self.candidate.clone();
            draft.exchange(saved, &self.running, call.admin, call.now.panos());
            self.candidate = draft;
        }
        // The device nests its words like this.
        let line = Element::text("line", format!("Config loaded from {name}"));
        let inner = Element::new("line").with(Element::new("msg").with(line));
        Ok(result([Element::new("msg").with(inner)]))
    }

    pub(super) fn delete_saved(&mut self, _: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let name = file_name(command.at(&["config", "saved"]), "delete -> config -> saved")?;
        match self.snapshots.0.remove(name) {
            Some(_) => Ok(result_text(format!("{name} deleted"))),
            None => Err(no_such_file(name)),
        }
    }

    pub(super) fn show_saved(&mut self, _: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let name = file_name(command.at(&["config", "saved"]), "show -> config -> saved")?;
        Ok(result([self.snapshot(name)?.clone()]))
    }

    /// Takes in a file: a configuration, which is kept under the file's name. Nothing else is modelled.
    pub(super) fn import(&mut self, call: &Call<'_>) -> Result<Element, Refusal> {
        match call.required("category")? {
            "configuration" => {}
            unknown => return Err(Refusal::illegal_parameter("category", unknown)),
        }
        let (text, name) = (call.required("file")?, call.required(FILE_NAME)?);
        if !is_plain(name) || name == RUNNING {
            return Err(Refusal::illegal_parameter("file", name));
        }
        let config = Element::parse(text).map_err(|malformed| Refusal::new(18, malformed.to_string()))?;
        if config.name != "config" {
            return Err(Refusal::new(12, format!(" {} unexpected here", config.name)));
        }
        self.snapshots.0.insert(name.to_owned(), without_marks(&config));
        let line = Element::text("line", format!("{name} saved"));
        Ok(response("success", None).with(Element::new("msg").with(line)))
    }

    fn snapshot(&self, name: &str) -> Result<&Element, Refusal> {
        if name == RUNNING {
            return Ok(&self.running);
        }
        self.snapshots.0.get(name).ok_or_else(|| no_such_file(name))
    }
}

fn file_name<'a>(element: Option<&'a Element>, words: &str) -> Result<&'a str, Refusal> {
    let name = element.map(|element| element.text.trim()).unwrap_or_default();
    if is_plain(name) { Ok(name) } else { Err(Refusal::new(17, format!(" {words} is invalid"))) }
}

fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && name.chars().all(is_plain)
}

fn no_such_file(name: &str) -> Refusal {
    Refusal::without_code(format!("{name} does not exist"))
}
