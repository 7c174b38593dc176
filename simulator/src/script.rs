//! Scenario files: one file is one story, told in blocks.
//!
//! ```text
//! # A started instance opens its port.                    why the story exists
//!
//! cloud                                                   set-up: sections of what is there
//! sg sg-web allow tcp/443 from 0.0.0.0/0
//! instance i-web 10.0.1.10 sg-web
//! firewall
//! rule "clean up" any -> any deny
//! settings
//! policy.bottom_rule = "clean up"
//! ----
//!
//! deliver StartInstances i-web                            deeds: what happens
//! ----
//! done  in sync, 1 change                                 what came of it
//! ```
//!
//! Blocks end with `----`, the lines that are expected, and a blank line. A line `wire` after the opening comments marks a
//! story that can only be told over real sockets. Names that hold blanks are quoted; two blanks and `#` begin a comment;
//! a line with a range (`i-{1..50} 10.0.1.{10..59}`) stands for as many lines.
//!
//! The statements print themselves ([`std::fmt::Display`]) in the form in which they are read; [`Script`] prints itself as
//! it was written, with the expectations that it holds now.

mod acts;
mod amid;
mod calls;
mod cloud;
mod deeds;
mod faults;
mod firewall;
mod names;
mod nat;
mod permissions;
mod rules;
mod words;

use std::fmt;

use self::words::{Parsed, Words};
pub use self::{
    acts::{Act, Lock, Place, Scope},
    amid::Amid,
    calls::{Call, Change, Ending, Request, Transition},
    cloud::{CloudLine, Instance, InstanceState, TableRole},
    deeds::{Deed, Limits, OddFile, Show},
    firewall::{Address, FirewallLine, HaState, Xml},
    names::{Id, Kind, Names},
    nat::{Nat, Translation, Ways},
    permissions::{Direction, Peer, Permission, Permissions, Traffic},
    rules::{Action, End, Extras, Ports, Rule, RuleState, Service, Transport},
};

/// A story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The file, as whoever read it names it.
    pub file: String,
    /// The opening comments, without their `#`.
    pub about: Vec<String>,
    /// The ways in which it can be told.
    pub medium: Medium,
    /// What is there when it begins.
    pub setup: Setup,
    /// Its blocks in order, set-up blocks first.
    pub blocks: Vec<Block>,
}

/// The ways in which a story can be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Medium {
    /// By wire and direct.
    #[default]
    Any,
    /// Only over real sockets.
    Wire,
}

/// What is there when a story begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// The cloud, line by line.
    pub cloud: Vec<Placed<CloudLine>>,
    /// The firewall, line by line.
    pub firewall: Vec<Placed<FirewallLine>>,
    /// Drawbridge's settings: lines of TOML that nobody here reads.
    pub settings: String,
}

/// Some lines of a story and what is expected of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The number of its first line.
    pub line: usize,
    /// Its lines, as they were written.
    pub input: Vec<String>,
    /// What happens in it; nothing in a set-up block.
    pub deeds: Vec<Placed<Deed>>,
    /// What it is expected to print.
    pub expected: Vec<String>,
}

impl Block {
    /// A deed as it was written.
    pub fn text_of(&self, deed: &Placed<Deed>) -> String {
        self.input.get(deed.line - self.line).cloned().unwrap_or_default()
    }
}

/// A statement and the number of the line that it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// The number of the line.
    pub line: usize,
    /// The statement.
    pub what: T,
}

/// What is wrong with a scenario file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct Mistake {
    /// The file, as the caller names it.
    pub file: String,
    /// The number of the line.
    pub line: usize,
    /// What is wrong, and the remedy.
    pub what: String,
}

/// Between the input of a block and what is expected of it.
const RULE: &str = "----";

impl Script {
    /// Reads a story; `file` is how mistakes name it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Mistake> {
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        let (file, about) = (file.to_owned(), Vec::new());
        let mut script = Self { file, about, medium: Medium::Any, setup: Setup::default(), blocks: Vec::new() };
        let mut at = script.read_opening(&lines);
        while at < lines.len() {
            if lines[at].is_empty() {
                at += 1;
                continue;
            }
            let block = Block::cut(&lines, at).map_err(|what| script.mistake(at + 1, what))?;
            at += block.input.len() + 1 + block.expected.len();
            script.read_block(block)?;
        }
        Ok(script)
    }

    /// A mistake on a line of this story.
    pub fn mistake(&self, line: usize, what: impl Into<String>) -> Mistake {
        Mistake { file: self.file.clone(), line, what: what.into() }
    }

    /// Every id that these lines of a cloud and the story's deeds name; and the first interface of every instance.
    pub fn names(&self, cloud: &[Placed<CloudLine>]) -> Names {
        let mut names = Names::default();
        let deeds = self.blocks.iter().flat_map(|block| &block.deeds);
        let ids = cloud.iter().flat_map(|line| line.what.ids()).cloned();
        for id in ids.chain(deeds.flat_map(|deed| deed.what.ids())) {
            names.add(&id);
            if id.kind() == Kind::Instance {
                names.add(&id.sibling(Kind::Interface));
            }
        }
        names
    }

    /// Reads the opening comments and `wire`, and says at which line the blocks begin.
    fn read_opening(&mut self, lines: &[&str]) -> usize {
        let blank = |at: usize| lines[at..].iter().take_while(|line| line.is_empty()).count();
        let first = blank(0);
        let comments = lines[first..].iter().map_while(|line| line.strip_prefix('#'));
        self.about = comments.map(|comment| comment.strip_prefix(' ').unwrap_or(comment).to_owned()).collect();
        let after = first + self.about.len();
        let next = after + blank(after);
        if lines.get(next) != Some(&"wire") {
            return after;
        }
        self.medium = Medium::Wire;
        next + 1
    }

    fn read_block(&mut self, mut block: Block) -> Result<(), Mistake> {
        let told = self.blocks.iter().any(|block| !block.deeds.is_empty());
        let mut section = None;
        for (line, text) in (block.line..).zip(&block.input) {
            let read = match (Section::named(text), section) {
                (Some(_), _) if told || !block.deeds.is_empty() => {
                    Err("a set-up section after deeds; move it to the beginning of the story".to_owned())
                }
                (Some(named), _) => {
                    section = Some(named);
                    Ok(())
                }
                (None, Some(section)) => self.setup.read(section, line, text),
                (None, None) => read_all(line, text, Deed::take).map(|deeds| block.deeds.extend(deeds)),
            };
            read.map_err(|what| self.mistake(line, what))?;
        }
        self.blocks.push(block);
        Ok(())
    }
}

impl Block {
    /// The block that begins at an index into the lines, its deeds not yet read.
    fn cut(lines: &[&str], first: usize) -> Parsed<Self> {
        let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        let length = lines[first..].iter().position(|line| line.is_empty()).unwrap_or(lines.len() - first);
        let all = &lines[first..first + length];
        match all.iter().position(|line| *line == RULE) {
            Some(0) => Err(format!("a `{RULE}` without lines above it; remove the blank line between them")),
            Some(rule) => {
                let (input, expected) = (owned(&all[..rule]), owned(&all[rule + 1..]));
                Ok(Self { line: first + 1, input, deeds: Vec::new(), expected })
            }
            None => Err(format!("the block that begins here has no `{RULE}`; end its input with one")),
        }
    }
}

/// The parts of a set-up.
#[derive(Clone, Copy)]
enum Section {
    Cloud,
    Firewall,
    Settings,
}

impl Section {
    /// The section that a line begins.
    fn named(line: &str) -> Option<Self> {
        match line {
            "cloud" => Some(Self::Cloud),
            "firewall" => Some(Self::Firewall),
            "settings" => Some(Self::Settings),
            _ => None,
        }
    }
}

impl Setup {
    fn read(&mut self, section: Section, line: usize, text: &str) -> Parsed<()> {
        match section {
            Section::Cloud => self.cloud.extend(read_all(line, text, CloudLine::take)?),
            Section::Firewall => self.firewall.extend(read_all(line, text, FirewallLine::take)?),
            Section::Settings => {
                self.settings.push_str(text);
                self.settings.push('\n');
            }
        }
        Ok(())
    }
}

/// Reads the statements that one line stands for: none for a comment, several for a range.
fn read_all<T>(line: usize, text: &str, take: impl Fn(&mut Words) -> Parsed<T>) -> Parsed<Vec<Placed<T>>> {
    let mut statements = Vec::new();
    for text in words::expand(text)? {
        let mut words = Words::of(&text)?;
        if !words.is_empty() {
            let what = take(&mut words)?;
            words.end()?;
            statements.push(Placed { line, what });
        }
    }
    Ok(statements)
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for comment in &self.about {
            writeln!(f, "{}", format!("# {comment}").trim_end())?;
        }
        if self.medium == Medium::Wire {
            f.write_str("wire\n")?;
        }
        for (n, block) in self.blocks.iter().enumerate() {
            if n > 0 || !self.about.is_empty() || self.medium == Medium::Wire {
                f.write_str("\n")?;
            }
            block.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = RULE.to_owned();
        self.input.iter().chain([&rule]).chain(&self.expected).try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests;
