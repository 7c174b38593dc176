//! A story in the language of scenario files, line by line: what is drawn is told, printed and shrunk as it stands.

use std::fmt;

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

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (section, lines) in [("cloud", &self.cloud), ("firewall", &self.firewall), ("settings", &self.settings)] {
            if !lines.is_empty() {
                writeln!(f, "{section}")?;
                lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
            }
        }
        f.write_str("----\n")?;
        if !self.deeds.is_empty() {
            f.write_str("\n")?;
            self.deeds.iter().try_for_each(|line| writeln!(f, "{line}"))?;
            f.write_str("----\n")?;
        }
        Ok(())
    }
}
