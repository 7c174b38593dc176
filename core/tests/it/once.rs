//! What a person asks for once: that nothing of ours is left, or that what an older tool made becomes ours.

use std::{collections::BTreeSet, fmt::Write, sync::Arc};

use drawbridge_core::{
    change::OwnObject,
    firewall::{Configuration, Effect, Firewall, Node, Pending},
    plan::{Plan, adoption, removal},
    rulebase::Rulebase,
};
use expect_test::{Expect, expect};

use crate::sample;

fn check(plan: &Plan, expected: &Expect) {
    let mut said = String::new();
    plan.changes.iter().for_each(|change| writeln!(said, "{change}").unwrap());
    plan.notes.iter().for_each(|note| writeln!(said, "{note}").unwrap());
    if plan.commit {
        said.push_str("commit\n");
    }
    expected.assert_eq(&said);
}

fn firewall(candidate: Configuration, running: Configuration) -> Firewall {
    Firewall { candidate: Arc::new(candidate), running: Arc::new(running), ..sample::quiet(Configuration::default()) }
}

/// A firewall on which nobody is at work.
fn at_rest(rules: &str) -> Firewall {
    firewall(sample::configuration(rules), sample::configuration(rules))
}

fn removed(firewall: &Firewall, tried: &[OwnObject], expected: &Expect) {
    let config = sample::config();
    let rulebase = Rulebase::read(firewall, &config).unwrap();
    check(&removal(firewall, &rulebase, &config, &tried.iter().cloned().collect()), expected);
}

fn adopted(firewall: &Firewall, only: &[&str], expected: &Expect) {
    let config = sample::config();
    let rulebase = Rulebase::read(firewall, &config).unwrap();
    let only: BTreeSet<_> = only.iter().map(|name| (*name).to_owned()).collect();
    check(&adoption(&rulebase, &config, &only), expected);
}

const RULES: &str = "sg-a-1 any -> 10.0.1.10 tcp/8443 ours
    sg-a-2 any -> 10.0.1.11 tcp/9443 ours disabled
    theirs any -> any tcp/25";

fn tag() -> OwnObject {
    OwnObject::Tag(sample::OWNER.parse().unwrap())
}

#[test]
fn nothing_of_ours_is_left_and_everything_else_is() {
    removed(
        &at_rest(RULES),
        &[],
        &expect![[r#"
        - sg-a-1
        - sg-a-2
        - service tcp_8443
        - service tcp_9443
        - tag bridge
    "#]],
    );
    removed(
        &at_rest("theirs any -> any tcp/25"),
        &[tag()],
        &expect![[r#"
        tag bridge stays: something else refers to it, somebody works on it, or it is shared; look at its references
    "#]],
    );
    // Somebody bears our tag on a rule of theirs.
    removed(
        &at_rest("sg-a-1 any -> 10.0.1.10 ours\n theirs any -> any ours"),
        &[],
        &expect![[r#"
        - sg-a-1
        tag bridge stays: something else refers to it, somebody works on it, or it is shared; look at its references
    "#]],
    );
}

#[test]
fn what_somebody_works_on_stays_with_all_that_it_needs() {
    let held = RULES.replace("tcp/8443 ours", "tcp/8443 ours by:alice");
    removed(
        &firewall(sample::configuration(&held), sample::configuration(RULES)),
        &[],
        &expect![[r#"
        - sg-a-2
        - service tcp_9443
        sg-a-1 has uncommitted work of `alice`: left alone
        service tcp_8443 stays: something else refers to it, somebody works on it, or it is shared; look at its references
        tag bridge stays: something else refers to it, somebody works on it, or it is shared; look at its references
    "#]],
    );
    let touched = |service: &str, by: &str| {
        let mut candidate = sample::configuration(RULES);
        let object = candidate.services.get_mut(&service.parse().unwrap()).unwrap();
        object.touched_by.insert(by.parse().unwrap());
        firewall(candidate, sample::configuration(RULES))
    };
    removed(
        &touched("tcp_8443", "alice"),
        &[],
        &expect![[r#"
        - sg-a-1
        - sg-a-2
        - service tcp_9443
        service tcp_8443 stays: something else refers to it, somebody works on it, or it is shared; look at its references
        tag bridge stays: something else refers to it, somebody works on it, or it is shared; look at its references
    "#]],
    );
    removed(
        &touched("tcp_8443", sample::US),
        &[],
        &expect![[r#"
        - sg-a-1
        - sg-a-2
        - service tcp_8443
        - service tcp_9443
        - tag bridge
    "#]],
    );
    for by in ["alice", sample::US] {
        let mut candidate = sample::configuration("");
        candidate.tags.get_mut(&sample::OWNER.parse().unwrap()).unwrap().insert(by.parse().unwrap());
        let expected = if by == "alice" {
            expect![[r#"
            tag bridge stays: something else refers to it, somebody works on it, or it is shared; look at its references
        "#]]
        } else {
            expect![[r#"
            - tag bridge
        "#]]
        };
        removed(&firewall(candidate, sample::configuration("")), &[], &expected);
    }
}

#[test]
fn uncommitted_work_of_ours_is_committed_with_it() {
    let pending = |by: &str, rule: &str, effect| Pending {
        node: Node::Rule(rule.parse().unwrap()),
        admin: by.parse().unwrap(),
        effect,
    };
    let gone = |by: &str| Firewall {
        pending: vec![pending(by, "sg-a-1", Effect::Deleted)],
        ..firewall(
            sample::configuration("theirs any -> any"),
            sample::configuration("sg-a-1 any -> 10.0.1.10 ours\n theirs any -> any"),
        )
    };
    removed(
        &gone(sample::US),
        &[tag()],
        &expect![[r#"
        tag bridge stays: something else refers to it, somebody works on it, or it is shared; look at its references
        commit
    "#]],
    );
    removed(
        &gone("alice"),
        &[tag()],
        &expect![[r#"
        `alice` has deleted sg-a-1, uncommitted: left alone
        tag bridge stays: something else refers to it, somebody works on it, or it is shared; look at its references
    "#]],
    );
    let elsewhere = Firewall {
        pending: vec![pending("alice", "theirs", Effect::Changed)],
        ..at_rest("theirs any -> any by:alice")
    };
    removed(
        &elsewhere,
        &[tag()],
        &expect![[r#"
        tag bridge stays: something else refers to it, somebody works on it, or it is shared; look at its references
    "#]],
    );
}

#[test]
fn what_somebody_has_deleted_keeps_its_objects_until_they_commit() {
    let gone = |by: &str| {
        let mut candidate = sample::configuration(RULES);
        candidate.rules.retain(|rule| rule.name.as_str() != "sg-a-1");
        let pending = Pending {
            node: Node::Rule("sg-a-1".parse().unwrap()),
            admin: by.parse().unwrap(),
            effect: Effect::Deleted,
        };
        Firewall { pending: vec![pending], ..firewall(candidate, sample::configuration(RULES)) }
    };
    removed(
        &gone("alice"),
        &[],
        &expect![[r#"
        - sg-a-2
        - service tcp_9443
        `alice` has deleted sg-a-1, uncommitted: left alone
        service tcp_8443 stays: something else refers to it, somebody works on it, or it is shared; look at its references
        tag bridge stays: something else refers to it, somebody works on it, or it is shared; look at its references
    "#]],
    );
    removed(
        &gone(sample::US),
        &[],
        &expect![[r#"
        - sg-a-2
        - service tcp_8443
        - service tcp_9443
        - tag bridge
        commit
    "#]],
    );
}

#[test]
fn rules_of_the_older_tool_get_our_tag_and_a_name_of_our_form() {
    let rules = "i-2 any -> 10.0.1.11\n sg-a-3 any -> 10.0.1.10 tcp/443\n sg-a-1 any -> 10.0.1.12 ours
        sg-b-1 any -> 10.0.1.13 by:alice\n sg-c-1 any -> 10.0.1.14 by:fwsync\n i-9-1 any -> 10.0.1.19 pre\n web any -> any";
    adopted(
        &at_rest(rules),
        &[],
        &expect![[r#"
        ~ i-2, renamed i-2-1 and tagged bridge
        ~ sg-a-3, tagged bridge
        ~ sg-c-1, tagged bridge
        sg-b-1 has uncommitted work of `alice`: adopt it when that is committed or reverted
    "#]],
    );
    adopted(
        &at_rest(rules),
        &["i-2"],
        &expect![[r#"
        ~ i-2, renamed i-2-1 and tagged bridge
    "#]],
    );
    let mut untagged = sample::configuration(rules);
    untagged.tags.clear();
    adopted(
        &firewall(untagged.clone(), untagged.clone()),
        &["i-2"],
        &expect![[r#"
        + tag bridge
        ~ i-2, renamed i-2-1 and tagged bridge
    "#]],
    );
    adopted(&firewall(untagged.clone(), untagged), &["web"], &expect![[r#""#]]);
}
