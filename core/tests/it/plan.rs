//! Decisions that are best told as small stories.

use std::{fmt::Write, sync::Arc};

use drawbridge_core::{
    config::Config,
    event::Cause,
    firewall::{Configuration, Effect, Firewall, Node, Pending},
    inventory::Inventory,
    plan::{Plan, plan},
    rulebase::Rulebase,
};
use expect_test::{Expect, expect};

use crate::sample;

/// A look at the world, and what is decided about it.
struct Story {
    config: Config,
    inventory: Inventory,
    candidate: Configuration,
    running: Configuration,
    pending: Vec<Pending>,
    causes: Vec<Cause>,
}

impl Story {
    fn of(inventory: &str, rules: &str) -> Self {
        Self {
            config: sample::config(),
            inventory: sample::inventory(inventory),
            candidate: sample::configuration(rules),
            running: sample::configuration(rules),
            pending: Vec::new(),
            causes: Vec::new(),
        }
    }

    fn candidate(self, rules: &str) -> Self {
        Self { candidate: sample::configuration(rules), ..self }
    }

    fn causes(self, subjects: &[&str]) -> Self {
        let cause = |subject: &&str| {
            let name = drawbridge_core::id::OwnedName::parse(&format!("{subject}-1")).unwrap();
            Cause { subject: name.subject, event: "Test".to_owned() }
        };
        Self { causes: subjects.iter().map(cause).collect(), ..self }
    }

    fn plan(self) -> Plan {
        let firewall = Firewall {
            candidate: Arc::new(self.candidate),
            running: Arc::new(self.running),
            pending: self.pending,
            ..sample::quiet(Configuration::default())
        };
        let rulebase = Rulebase::read(&firewall, &self.config).unwrap();
        plan(&self.inventory, &rulebase, &self.config, &self.causes)
    }

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "`expect!` reads best in place")]
    fn check(self, expected: Expect) {
        let plan = self.plan();
        let mut said = String::new();
        let mut line = |text: String| writeln!(said, "{text}").unwrap();
        plan.changes.iter().for_each(|change| line(change.to_string()));
        plan.withheld.iter().for_each(|withheld| line(format!("withheld: {}: {}", withheld.change, withheld.why)));
        plan.notes.iter().for_each(|note| line(note.to_string()));
        if plan.commit {
            line("commit".to_owned());
        }
        expected.assert_eq(&said);
    }
}

const WEB: &str = "i-1 10.0.1.10 sg-web\n sg-web tcp/443 0.0.0.0/0\n sg-web tcp/80 0.0.0.0/0";

#[test]
fn a_rule_under_somebody_elses_hands_counts_as_it_stands() {
    let rules = "sg-a-1 any -> 10.0.1.0/24 ours";
    Story::of(WEB, rules).candidate("sg-a-1 any -> 10.0.1.0/24 ours by:alice").check(expect![[r#"
        sg-a-1 has uncommitted work of `alice`: left alone
    "#]]);
    let deleted = Pending {
        node: Node::Rule("sg-a-1".parse().unwrap()),
        admin: "alice".parse().unwrap(),
        effect: Effect::Deleted,
    };
    Story { pending: vec![deleted], ..Story::of(WEB, rules).candidate("") }.check(expect![[r#"
        `alice` has deleted sg-a-1, uncommitted: left alone
    "#]]);
}
