//! A story in the language of scenario files, line by line: what is drawn is told, printed and shrunk as it stands.

use std::{
    cell::{Ref, RefCell},
    fmt,
};

use drawbridge_simulator::script::{Mistake, Script};

/// A story.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Story {
    pub(super) cloud: Vec<String>,
    pub(super) firewall: Vec<String>,
    pub(super) settings: Vec<String>,
    pub(super) deeds: Vec<String>,
}

impl Story {
    /// What is there when it begins.
    pub(super) fn setup(&self) -> Result<Script, Mistake> {
        let setup = Self { deeds: Vec::new(), ..self.clone() };
        Script::parse("swarm", &setup.to_string())
    }
}

/// A story while it is told. It is kept by whoever wants it told, who has it up to the very deed that ended it in a panic.
#[derive(Debug, Default)]
pub(super) struct Telling(RefCell<Story>);

impl Telling {
    /// What is there when the story begins.
    pub(super) fn begin(&self, setup: &Story) {
        *self.0.borrow_mut() = Story { deeds: Vec::new(), ..setup.clone() };
    }

    /// As far as it was told.
    pub(super) fn so_far(&self) -> Ref<'_, Story> {
        self.0.borrow()
    }

    /// A deed is about to be done.
    pub(super) fn write(&self, deed: &str) {
        self.0.borrow_mut().deeds.push(deed.to_owned());
    }

    /// The last deed could not be done, and is no part of the story.
    pub(super) fn strike(&self) {
        self.0.borrow_mut().deeds.pop();
    }
}

/// Blocks with blank lines between them. A set-up of nothing is none: a block needs lines.
impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections = [("cloud", &self.cloud), ("firewall", &self.firewall), ("settings", &self.settings)];
        let sections = sections.into_iter().filter(|(_, lines)| !lines.is_empty());
        let setup = sections.flat_map(|(section, lines)| [section].into_iter().chain(lines.iter().map(String::as_str)));
        let deeds = self.deeds.iter().map(String::as_str);
        let blocks: [Vec<_>; 2] = [setup.collect(), deeds.collect()];
        let blocks = blocks.iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n") + "\n----\n");
        f.write_str(&blocks.collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_left_of_a_story_can_be_read() {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        for (firewall, deeds, printed) in [
            (
                lines(&["ha pair"]),
                lines(&["wait 5s", "schedule"]),
                "firewall\nha pair\n----\n\nwait 5s\nschedule\n----\n",
            ),
            (lines(&["ha pair"]), Vec::new(), "firewall\nha pair\n----\n"),
            (Vec::new(), lines(&["schedule"]), "schedule\n----\n"),
            (Vec::new(), Vec::new(), ""),
        ] {
            let story = Story { firewall, deeds, ..Story::default() };
            assert_eq!(story.to_string(), printed);
            assert!(Script::parse("story", printed).is_ok(), "{printed}");
            assert!(story.setup().is_ok(), "{printed}");
        }
    }
}
