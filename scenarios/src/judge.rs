//! Whether Drawbridge keeps its promises. It is watched while it runs; whoever stands beside the firewall sees each of its
//! writes and commits, and judges it by what the run could know.

mod trees;
mod writes;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use drawbridge::panos::{exported::exported, xpath::Vsys};
use drawbridge_core::{
    change::Change,
    command::{Command, Look, Reply},
    config::Config,
    firewall::{Configuration, Firewall, RuleFacts},
    id::{OwnedName, RuleName},
    invariants::{self, Commit},
    inventory::Inventory,
    limits::{Hindrance, Withheld},
    plan::{Plan, plan},
    rulebase::{Rulebase, owned_name},
};
use drawbridge_simulator::{
    clock::Moment,
    faults::Trouble,
    firewall::{Effected, Uncommitted},
    serve::SharedWorld,
    world::{DRAWBRIDGE, World},
    xml::Element,
};

use self::{
    trees::{Ours, rules_of},
    writes::Before,
};

/// What was seen of one run after another.
#[derive(Default)]
pub(crate) struct Witness {
    /// What the run under way knows, and above it what runs know that go on inside of its commands.
    runs: Vec<Known>,
    /// Commits that were asked for, in the order in which they were.
    asked: Vec<Asked>,
    /// Commits that took effect and are not judged yet.
    effected: Vec<Effected>,
    /// Running configurations with what they were read as, the latest last.
    read: Vec<(Arc<Element>, Arc<Configuration>)>,
    /// The firewall before a write that is under way.
    before: Option<Before>,
    broken: Vec<String>,
    /// How many commits have been judged.
    pub(crate) judged: usize,
    /// What was met during runs, by kind.
    pub(crate) met: BTreeMap<String, usize>,
}

/// What a run knows from its last look.
#[derive(Clone)]
struct Known {
    /// What it looks at. Whoever takes everything of ours away does not ask AWS.
    look: Look,
    inventory: Option<Arc<Inventory>>,
    firewall: Option<Arc<Firewall>>,
    /// The number of the latest write to the candidate.
    write: u64,
    running: Option<Arc<Element>>,
}

struct Asked {
    at: Moment,
    /// How many runs were under way: with this one, and those in whose commands it goes on.
    depth: usize,
    known: Known,
    /// What the run withheld by then; after another look it may be something else.
    withheld: Vec<Withheld>,
    /// Rules that others have worked on since the run looked.
    news: BTreeSet<String>,
    /// What the run had left alone when it ended.
    left: Option<Left>,
}

/// What a run leaves alone.
struct Left {
    withheld: Vec<Withheld>,
    /// Rules that others were working on.
    held: BTreeSet<String>,
}

impl Witness {
    /// A run begins.
    pub(crate) fn begin(&mut self, look: Look, world: &SharedWorld) {
        world.lock().watch_commits();
        self.runs.push(Known { look, inventory: None, firewall: None, write: 0, running: None });
    }

    /// It is over.
    pub(crate) fn end(&mut self, withheld: &[Withheld], world: &SharedWorld) {
        let depth = self.runs.len();
        self.runs.pop();
        for asked in self.asked.iter_mut().filter(|asked| asked.left.is_none() && asked.depth == depth) {
            let world = world.lock();
            let others = world.firewall().uncommitted().filter(|change| change.is_of_others(DRAWBRIDGE));
            let held = others.filter_map(|change| trees::rule_above(&change.xpath).map(str::to_owned)).collect();
            asked.left = Some(Left { withheld: withheld.to_vec(), held });
        }
    }

    /// Something goes wrong, or is done by somebody else, while a command is under way.
    pub(crate) fn meet(&mut self, kind: String) {
        *self.met.entry(kind).or_default() += 1;
    }

    /// A command is about to be carried out.
    pub(crate) fn before(&mut self, command: &Command, config: &Config, world: &SharedWorld) {
        let world = world.lock();
        if let (Command::Apply(changes), Some(known)) = (command, self.runs.last())
            && let (Some(inventory), Some(firewall)) = (&known.inventory, &known.firewall)
        {
            self.broken.extend(writes::cut_short(firewall, changes, inventory, config));
        }
        match command {
            Command::Apply(_) | Command::Revert => {
                self.before = Some(Before::of(world.firewall()));
            }
            Command::Commit(_) | Command::CommitAll(_) => {
                let depth = self.runs.len();
                if matches!(command, Command::CommitAll(_)) {
                    self.meet("commit of everything".to_owned());
                }
                if let Some(known) = self.runs.last() {
                    let (withheld, news) = (known.withheld(config), known.news(&world));
                    self.asked.push(Asked { at: world.now(), depth, known: known.clone(), withheld, news, left: None });
                }
            }
            Command::FetchLog(_) | Command::Observe(_) | Command::PollJob(_) => {}
        }
    }

    /// A command was carried out.
    pub(crate) fn after(&mut self, reply: Option<&Reply>, config: &Config, world: &SharedWorld) {
        let mut world = world.lock();
        self.effected.extend(world.take_commits());
        let Some(known) = self.runs.last_mut() else { return };
        let latest = world.firewall().latest_write();
        // A unit that dies takes along what nobody has committed: that is no doing of the write in the middle of which it died.
        let died = world.troubles().contains(&Trouble::FailOver);
        if let Some(before) = self.before.take().filter(|_| !died) {
            let (after, firewall): (Vec<_>, _) = (world.firewall().uncommitted().collect(), world.firewall());
            let now = [firewall.candidate(), firewall.kept_running()];
            self.broken.extend(before.overwritten(&after, now, config, known.write));
        }
        if let Some(Reply::Facts(inventory, firewall)) = reply {
            let running = world.firewall().kept_running();
            if !self.read.iter().any(|(tree, _)| Arc::ptr_eq(tree, running)) {
                self.read.drain(..self.read.len().saturating_sub(3));
                self.read.push((Arc::clone(running), Arc::clone(&firewall.running)));
            }
            known.running = Some(Arc::clone(running));
            if let Some(inventory) = inventory {
                known.inventory = Some(Arc::new((**inventory).clone()));
            }
            known.firewall = Some(Arc::new((**firewall).clone()));
            known.write = latest;
        }
    }

    /// What has been broken since this was asked last.
    pub(crate) fn violations(&mut self, config: &Config, world: &SharedWorld) -> Vec<String> {
        self.effected.extend(world.lock().take_commits());
        for commit in std::mem::take(&mut self.effected) {
            if commit.admin == DRAWBRIDGE {
                self.judged += 1;
                let found = self.judge(&commit, config);
                self.broken.extend(found);
            }
        }
        std::mem::take(&mut self.broken)
    }

    fn judge(&mut self, commit: &Effected, config: &Config) -> Vec<String> {
        let Some(at) = self.asked.iter().position(|asked| asked.at == commit.asked) else {
            return vec!["a commit took effect that nobody asked for".to_owned()];
        };
        let Asked { known, withheld: mut withheld_then, news, left, .. } =
            self.asked.drain(..=at).next_back().expect("it was found just now");
        let others = || commit.changes.iter().filter(|change| change.is_of_others(DRAWBRIDGE));
        let (seen, late): (Vec<_>, Vec<_>) = others().partition(|change| change.write <= known.write);
        // Somebody may have deleted what we had not committed either: that comes to nothing.
        let has_effect = |change: &&&Uncommitted| match trees::rule_name(&change.xpath) {
            Some(name) => trees::rule(&commit.before, name) != trees::rule(&commit.after, name),
            None => true,
        };
        let seen = seen.iter().filter(has_effect);
        let mut found: Vec<_> =
            seen.map(|change| format!("I9: uncommitted work of another is committed: {}", change.xpath)).collect();
        // Somebody worked on what was just being committed, after the run had looked: nobody could have known.
        let Some(apart) = rules_of(late) else { return found };
        let ours = Ours { owner: config.owner.as_str(), news: &news, apart: &apart };
        found.extend(
            trees::difference(&commit.before, &commit.after, &ours)
                .map(|place| format!("I1: what is not ours has changed: {place}")),
        );
        if news.union(&apart).any(|rule| rule == config.bottom_rule.as_str()) {
            // Above the bottom rule is somewhere else than the run could know.
            return found;
        }
        if known.look == Look::Firewall {
            found.extend(
                trees::more(&commit.before, &commit.after, &ours)
                    .map(|rule| format!("I3: whoever takes everything of ours away lets in more: `{rule}`")),
            );
            return found;
        }
        let (Some(inventory), Some(firewall)) = (&known.inventory, &known.firewall) else {
            found.push("a run commits without having looked".to_owned());
            return found;
        };
        let Some((mut before, mut after)) = self.facts(commit, firewall) else { return found };
        // A rule of ours names what NAT rules lead to an instance: those in force when the run looked.
        if before.nat != firewall.running.nat {
            Arc::make_mut(&mut before).nat.clone_from(&firewall.running.nat);
        }
        let is_news = known.running.as_ref().is_none_or(|running| !Arc::ptr_eq(running, &commit.before));
        if is_news {
            forget_news(&mut before, &mut after, &firewall.running, config);
        }
        let Left { withheld, held } = left.unwrap_or(Left { withheld: Vec::new(), held: BTreeSet::new() });
        withheld_then.extend(withheld);
        // What a limit or the mode kept as it was is not among what the last plan withheld if somebody works on it by then.
        let is_left = |rule: &RuleFacts| held.contains(rule.name.as_str()) && before.rules.contains(rule);
        let left: BTreeSet<_> = after.rules.iter().filter(|rule| is_left(rule)).map(|rule| rule.name.clone()).collect();
        for configuration in [&mut before, &mut after] {
            let is_left = |rule: &RuleFacts| left.contains(&rule.name) || news.contains(rule.name.as_str());
            // By its name alone: somebody may have taken our tag off it since.
            let is_judged = |rule: &RuleFacts| OwnedName::parse(rule.name.as_str()).is_none() || !is_left(rule);
            let is_apart = |rule: &RuleFacts| apart.contains(rule.name.as_str());
            Arc::make_mut(configuration).rules.retain(|rule| is_judged(rule) && !is_apart(rule));
        }
        let before = Firewall { running: before, ..(**firewall).clone() };
        let judged = Commit { before: &before, after: &after, inventory, config, withheld: &withheld_then };
        found.extend(invariants::check(&judged).iter().map(ToString::to_string));
        found
    }

    /// Both configurations of a commit, as the core has them.
    fn facts(&self, commit: &Effected, known: &Firewall) -> Option<(Arc<Configuration>, Arc<Configuration>)> {
        let read = |tree| self.read.iter().find(|(other, _)| Arc::ptr_eq(other, tree)).map(|(_, facts)| facts.clone());
        if let (Some(before), Some(after)) = (read(&commit.before), read(&commit.after)) {
            return Some((before, after));
        }
        let [before, after] = [&commit.before, &commit.after].map(|tree| {
            let mut facts = exported(&tree.to_string(), &Vsys::default()).ok()?;
            let ports = known.candidate.standard_ports.iter().chain(&known.running.standard_ports);
            facts.standard_ports.extend(ports.map(|(app, ports)| (app.clone(), ports.clone())));
            Some(Arc::new(facts))
        });
        Some((before?, after?))
    }
}

impl Known {
    /// The rules that others have worked on since the last look. Whoever commits a rule commits all that is in it by then.
    fn news(&self, world: &World) -> BTreeSet<String> {
        let late = world.firewall().uncommitted();
        let late = late.filter(|change| change.is_of_others(DRAWBRIDGE) && change.write > self.write);
        late.filter_map(|change| trees::rule_above(&change.xpath).map(str::to_owned)).collect()
    }

    /// What the run leaves as it is, of all that is to be done: what mode and limits withhold, and what would be done if the
    /// firewall had not refused it. Excused is only what the commit does not touch.
    fn withheld(&self, config: &Config) -> Vec<Withheld> {
        let (Some(inventory), Some(firewall)) = (&self.inventory, &self.firewall) else { return Vec::new() };
        let rulebase = Rulebase::read(firewall, config).and_then(|read| read.of_this_account(inventory, config));
        let Ok(rulebase) = rulebase else { return Vec::new() };
        let Plan { changes, withheld, .. } = plan(inventory, &rulebase, config, &[]);
        // What differs and is noted for nobody, no commit of one administrator's changes takes along.
        let differing = rulebase.differing().into_iter().map(Change::Delete);
        let left = changes.into_iter().chain(differing);
        let left = left.map(|change| Withheld { change, why: Hindrance::Blamed("left out".to_owned()) });
        withheld.into_iter().chain(left).collect()
    }
}

/// Leaves out rules of ours that somebody has made what they are since the run looked.
fn forget_news(
    before: &mut Arc<Configuration>,
    after: &mut Arc<Configuration>,
    known: &Configuration,
    config: &Config,
) {
    let rules = |configuration: &Configuration| -> BTreeMap<RuleName, RuleFacts> {
        configuration.rules.iter().map(|rule| (rule.name.clone(), bare(rule))).collect()
    };
    let is_elsewhere = {
        let [stood, known] = [&**before, known].map(|rules| above(rules, &config.bottom_rule));
        move |name: &RuleName| stood.contains(name) != known.contains(name)
    };
    let (stood, known) = (rules(before), rules(known));
    let is_news = |rule: &RuleFacts| stood.get(&rule.name) != known.get(&rule.name) || is_elsewhere(&rule.name);
    for configuration in [before, after] {
        Arc::make_mut(configuration).rules.retain(|rule| owned_name(rule, &config.owner).is_none() || !is_news(rule));
    }
}

/// The rules above the bottom rule.
fn above(configuration: &Configuration, bottom: &RuleName) -> BTreeSet<RuleName> {
    configuration.rules.iter().map(|rule| &rule.name).take_while(|name| *name != bottom).cloned().collect()
}

/// A rule without the marks of uncommitted work.
fn bare(rule: &RuleFacts) -> RuleFacts {
    RuleFacts { touched_by: BTreeSet::new(), ..rule.clone() }
}

#[cfg(test)]
mod tests {
    use drawbridge_simulator::script::Script;

    use crate::replay::{Medium, tell};

    /// Tells a story with one group of one running instance, and says which promise was broken.
    #[track_caller]
    fn check(deeds: &str, expected: &str) {
        let setup = "cloud\nsg sg-web allow tcp/443 from 0.0.0.0/0\ninstance i-web 10.0.1.10 sg-web running\n\
                     firewall\nadmin alice\nrule r-1 any -> any service tcp/25 deny\nrule clean-up any -> any deny\n----\n";
        let script = Script::parse("story", &format!("{setup}\n{deeds}\n----\n")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let told = runtime.block_on(tell(&script, Medium::Direct));
        assert_eq!(told.map(|_| "kept".to_owned()).unwrap_or_else(|error| error.to_string()), expected);
    }

    #[test]
    fn what_others_do_meanwhile_is_not_held_against_a_run() {
        check("before commit 1 admin alice delete r-1\nafter commit 1 admin alice commit\nschedule\nsettled", "kept");
        check("before commit 1 admin alice edit sg-web-1 source 192.0.2.1\nschedule", "kept");
        check("before commit 1 admin alice edit sg-web-1 destination any\nschedule", "kept");
        check(
            "schedule\ncall AuthorizeSecurityGroupIngress sg-web tcp/80 from 0.0.0.0/0\n\
             before commit 1 admin alice move sg-web-1 after clean-up\nbefore commit 1 admin alice commit\nschedule\nsettled",
            "kept",
        );
        check(
            "admin alice rule last any -> any allow bottom\nadmin alice commit\nbefore commit 1 admin alice move clean-up bottom\nschedule",
            "kept",
        );
    }

    #[test]
    fn what_is_not_ours_must_not_change_with_a_commit() {
        check(
            "before commit 1 admin drawbridge delete r-1\nschedule",
            "story:11: I1: what is not ours has changed: config/devices/entry `localhost.localdomain`/vsys/entry \
             `vsys1`/rulebase/security/rules",
        );
    }

    #[test]
    fn late_work_of_others_excuses_nothing_else() {
        let late = "before commit 1 admin alice edit sg-web-1 destination any";
        check(
            &format!("{late}\nbefore commit 1 admin drawbridge delete r-1\nschedule"),
            "story:12: I1: what is not ours has changed: config/devices/entry `localhost.localdomain`/vsys/entry \
             `vsys1`/rulebase/security/rules",
        );
        check(
            &format!(
                "{late}\nbefore commit 1 admin drawbridge rule sg-web-9 any -> any allow tag drawbridge top\nschedule"
            ),
            "story:12: I3: `sg-web-9` admits traffic of other zones",
        );
    }

    #[test]
    fn what_a_commit_admits_is_judged_by_what_the_run_has_seen() {
        check("fault observe 1 stale\ncall RevokeSecurityGroupIngress sg-web tcp/443 from 0.0.0.0/0\nschedule", "kept");
        check(
            "before commit 1 admin drawbridge edit sg-web-1 destination any\nschedule",
            "story:11: I3: `sg-web-1` admits any -> 0.0.0.0-10.0.1.9 protocol 6 port 443 (ssl), which no security group does",
        );
    }
}
