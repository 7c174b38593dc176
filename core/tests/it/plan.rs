//! Decisions that are best told as small stories.

use std::{fmt::Write, sync::Arc};

use drawbridge_core::{
    change::Change,
    config::{Config, Limit, Limits, Mode},
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
    fn check(self, expected: &Expect) {
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
    Story::of(WEB, rules).candidate("sg-a-1 any -> 10.0.1.0/24 ours by:alice").check(&expect![[r#"
        sg-a-1 has uncommitted work of `alice`: left alone
    "#]]);
    // They have taken our tag off it: it is theirs as soon as they commit.
    Story::of(WEB, rules).candidate("sg-a-1 any -> 10.0.1.11 by:alice").check(&expect![[r#"
        + service tcp_80
        + sg-web-1  any -> 10.0.1.10  web-browsing on tcp 80, above `clean-up`
        + sg-web-2  any -> 10.0.1.10  ssl on tcp 443, above `clean-up`
        sg-a-1 has uncommitted work of `alice`: left alone
    "#]]);
    let deleted = Pending {
        node: Node::Rule("sg-a-1".parse().unwrap()),
        admin: "alice".parse().unwrap(),
        effect: Effect::Deleted,
    };
    Story { pending: vec![deleted], ..Story::of(WEB, rules).candidate("") }.check(&expect![[r#"
        `alice` has deleted sg-a-1, uncommitted: left alone
    "#]]);
}

#[test]
fn a_number_is_one_more_than_the_largest_and_never_runs_out() {
    let web = "i-1 10.0.1.10 sg-web\n sg-web tcp/443 8.8.8.0/24";
    Story::of(web, "sg-web-7 any -> 10.9.9.9 tcp/1").check(&expect![[r#"
        + sg-web-8  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
    "#]]);
    Story::of(web, "sg-web-1 any -> 10.9.9.9 tcp/1\n sg-web-4294967295 any -> 10.9.9.9 tcp/1").check(&expect![[r#"
        + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
    "#]]);
}

#[test]
fn a_service_object_that_is_not_certainly_ours_is_not_used() {
    let web = "i-1 10.0.1.10 sg-web\n sg-web tcp/8443 8.8.8.0/24";
    let renamed = expect![[r#"
        + service tcp_8443_bridge
        + sg-web-1  8.8.8.0/24 -> 10.0.1.10  tcp 8443, above `clean-up`
    "#]];
    let ours = "sg-old-1 any -> 10.9.9.9 tcp/8443 ours disabled";
    let object = sample::configuration(ours).services;
    let with = |tag: &str, touched_by: &[&str]| {
        let mut story = Story::of(web, "");
        for (name, held) in &object {
            let mut held = held.clone();
            held.tags = [tag.parse().unwrap()].into();
            held.touched_by = touched_by.iter().map(|admin| admin.parse().unwrap()).collect();
            story.candidate.services.insert(name.clone(), held);
        }
        story
    };
    with("other", &[]).check(&renamed);
    with(sample::OWNER, &["alice"]).check(&renamed);
    with(sample::OWNER, &[sample::US]).check(&expect![[r#"
        + sg-web-1  8.8.8.0/24 -> 10.0.1.10  tcp 8443, above `clean-up`
    "#]]);
    // Somebody has deleted it, uncommitted: writing it again would overwrite their work.
    let mut deleted = Story::of(web, "");
    deleted.running.services = object;
    deleted.check(&renamed);
}

#[test]
fn a_rule_of_ours_that_cannot_be_written_again_as_it_is_spells_nothing() {
    let both = "i-1 10.0.1.10,2001:db8::10 sg-web\n sg-web tcp/443 0.0.0.0/0\n sg-web tcp/443 2001:db8:1::/48";
    let rule = "sg-web-1 0.0.0.0/0,2001:db8:1::/48 -> 10.0.1.10,2001:db8::10 app:ssl app-default ours";
    Story::of(both, rule).check(&expect![[r#"
        + sg-web-2  any -> 10.0.1.10  ssl on tcp 443, above `clean-up`
        + sg-web-3  2001:db8:1::/48 -> 2001:db8::10  ssl on tcp 443, above `clean-up`
        - sg-web-1
    "#]]);
}

#[test]
fn rules_of_another_account_or_region_are_refused() {
    let stamped = |description: &str| {
        let mut configuration = sample::configuration("sg-web-1 any -> 10.0.1.10 ours");
        configuration.rules[0].description = description.to_owned();
        let (config, firewall) = (sample::config(), sample::quiet(configuration));
        let read = Rulebase::read(&firewall, &config).unwrap().of_this_account(&sample::inventory(""), &config);
        read.map(drop).map_err(|unfit| unfit.to_string())
    };
    assert_eq!(stamped("aws 123456789012 eu-west-1; sg-web on eni-1; found missing"), Ok(()));
    assert_eq!(stamped("ask the web team"), Ok(()));
    for other in ["aws 210987654321 eu-west-1", "aws unknown eu-west-2", "aws 123456789012 eu-west-2"] {
        let said = format!(
            "rule `sg-web-1` carries our tag but was made for `{other}`: give each deployment a `policy.owner` of its own"
        );
        assert_eq!(stamped(&format!("{other}; sg-web on eni-1; found missing")), Err(said));
        // What an administrator writes is no stamp.
        assert_eq!(stamped(other), Ok(()));
    }
}

#[test]
fn work_of_our_own_account_elsewhere_is_a_hard_stop() {
    let pending = |node, effect| {
        let admin = sample::US.parse().unwrap();
        let firewall = Firewall {
            pending: vec![Pending { node, admin, effect }],
            ..sample::quiet(sample::configuration("web any -> any\n sg-web-1 any -> 10.0.1.10 ours"))
        };
        Rulebase::read(&firewall, &sample::config()).map(drop).map_err(|unfit| unfit.to_string())
    };
    let rule = |name: &str| Node::Rule(name.parse().unwrap());
    assert_eq!(pending(rule("sg-web-1"), Effect::Changed), Ok(()));
    // Added and deleted again before any commit.
    assert_eq!(pending(rule("sg-web-2"), Effect::Deleted), Ok(()));
    assert_eq!(pending(Node::Tag(sample::OWNER.parse().unwrap()), Effect::Changed), Ok(()));
    assert!(pending(rule("web"), Effect::Changed).unwrap_err().starts_with("the account `fwsync` has uncommitted"));
    assert!(pending(Node::Other("/config/devices".into()), Effect::Changed).is_err());
}

#[test]
fn rules_are_named_after_what_caused_them() {
    let two = "i-1 10.0.1.10 sg-web,sg-x\n i-2 10.0.1.11 sg-web,sg-x\n i-3 10.0.1.12 sg-web
        sg-web tcp/443 8.8.8.0/24\n sg-x tcp/443 8.8.8.0/24\n sg-x tcp/22 9.9.9.9/32";
    Story::of(two, "").check(&expect![[r#"
        + sg-web-1  8.8.8.0/24 -> 10.0.1.10,10.0.1.11,10.0.1.12  ssl on tcp 443, above `clean-up`
        + sg-x-1  9.9.9.9 -> 10.0.1.10,10.0.1.11  ssh on tcp 22, above `clean-up`
    "#]]);
    // An instance that started has rules of its own; others that happen to be missing bear the group's name.
    Story::of(two, "").causes(&["i-2"]).check(&expect![[r#"
        + i-2-1  9.9.9.9 -> 10.0.1.11  ssh on tcp 22, above `clean-up`
        + i-2-2  8.8.8.0/24 -> 10.0.1.11  ssl on tcp 443, above `clean-up`
        + sg-web-1  8.8.8.0/24 -> 10.0.1.10,10.0.1.12  ssl on tcp 443, above `clean-up`
        + sg-x-1  9.9.9.9 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
    "#]]);
    // A group whose permissions changed comes before the instance, and before a smaller id.
    Story::of(two, "").causes(&["i-2", "sg-x"]).check(&expect![[r#"
        + sg-web-1  8.8.8.0/24 -> 10.0.1.12  ssl on tcp 443, above `clean-up`
        + sg-x-1  9.9.9.9 -> 10.0.1.10,10.0.1.11  ssh on tcp 22, above `clean-up`
        + sg-x-2  8.8.8.0/24 -> 10.0.1.10,10.0.1.11  ssl on tcp 443, above `clean-up`
    "#]]);
}

#[test]
fn only_addresses_with_the_same_missing_peers_share_a_rule() {
    let two = "i-1 10.0.1.10 sg-web\n i-2 10.0.1.11 sg-web\n sg-web tcp/443 8.8.8.0/24\n sg-web tcp/443 9.9.9.0/24";
    Story::of(two, "part 9.9.9.0/24 -> 10.0.1.11").check(&expect![[r#"
        + sg-web-1  8.8.8.0/24 -> 10.0.1.11  ssl on tcp 443, above `clean-up`
        + sg-web-2  8.8.8.0/24,9.9.9.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
    "#]]);
}

#[test]
fn what_an_administrator_disabled_stays_so_and_is_still_shrunk() {
    let web = "i-1 10.0.1.10 sg-web\n sg-web tcp/443 8.8.8.0/24";
    Story::of(web, "sg-web-1 8.8.8.0/24,9.9.9.9 -> 10.0.1.10 app:ssl app-default ours disabled").check(&expect![[r#"
        ~ sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443
        sg-web-1 is disabled by an administrator: left so
    "#]]);
    let sunken = "clean-up any -> any deny\n sg-web-1 8.8.8.0/24 -> 10.0.1.10 app:ssl app-default ours disabled";
    Story::of(web, sunken).check(&expect![[r#"
        sg-web-1 is disabled by an administrator: left so
    "#]]);
    Story::of(web, "sg-web-1 9.9.9.9 -> 10.0.1.10 app:ssl app-default ours disabled").check(&expect![[r#"
        + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
        - sg-web-1
    "#]]);
}

#[test]
fn a_rule_that_is_not_as_we_write_it_is_written_again_in_place() {
    let web = "i-1 10.0.1.10 sg-web\n sg-web tcp/443 8.8.8.0/24";
    for odd in ["user", "from:any", "deny", "intrazone", "tcp/443"] {
        let column = if odd == "tcp/443" { "" } else { "app-default" };
        let rule = format!("sg-web-1 8.8.8.0/24 -> 10.0.1.10 app:ssl {column} ours {odd}");
        let plan = Story::of(web, &rule).plan();
        let changes: Vec<_> = plan.changes.iter().map(ToString::to_string).collect();
        assert_eq!(changes, ["~ sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443"], "{odd}");
    }
}

const MANY: &str =
    "i-1 10.0.1.10 sg-web\n sg-web tcp/22 8.8.8.0/24\n sg-web tcp/443 8.8.8.0/24\n sg-web tcp/8443 8.8.8.0/24";

#[test]
fn limits_judge_additions_and_removals_apart() {
    let limited = |additions, removals| {
        let limit = |number| Limit { number, percent: None };
        let mut story = Story::of(MANY, "sg-old-1 any -> 10.9.9.9 ours\n sg-old-2 any -> 10.9.9.8 ours");
        story.config.limits = Limits { additions: limit(additions), removals: limit(removals) };
        story
    };
    limited(2, 2).check(&expect![[r#"
        - sg-old-1
        - sg-old-2
        withheld: + sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`: 3 additions are more than the 2 that `limits.additions` allows at once
        withheld: + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`: 3 additions are more than the 2 that `limits.additions` allows at once
        withheld: + sg-web-3  8.8.8.0/24 -> 10.0.1.10  tcp 8443, above `clean-up`: 3 additions are more than the 2 that `limits.additions` allows at once
    "#]]);
    limited(3, 1).check(&expect![[r#"
        + service tcp_8443
        + sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
        + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
        + sg-web-3  8.8.8.0/24 -> 10.0.1.10  tcp 8443, above `clean-up`
        withheld: - sg-old-1: 2 removals are more than the 1 that `limits.removals` allows at once
        withheld: - sg-old-2: 2 removals are more than the 1 that `limits.removals` allows at once
    "#]]);
}

/// A flood of replacements must not keep open what is revoked.
#[test]
fn a_rule_that_is_replaced_and_shrunk_counts_as_a_removal() {
    let web = "i-1 10.0.1.10 sg-web\n sg-web tcp/443 8.8.8.0/24\n sg-web tcp/22 8.8.8.0/24";
    let rules = "sg-web-1 8.8.8.0/24,9.9.9.9 -> 10.0.1.10 app:ssl app-default ours user
        sg-web-2 8.8.8.0/24 -> 10.0.1.10 app:ssh app-default ours user";
    let mut story = Story::of(web, rules);
    story.config.limits.additions = Limit { number: 0, percent: None };
    story.check(&expect![[r#"
        ~ sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443
        withheld: ~ sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22: 1 additions are more than the 0 that `limits.additions` allows at once
    "#]]);
}

#[test]
fn modes_are_filters() {
    let story = |mode| {
        let mut story =
            Story::of(MANY, "sg-old-1 any -> 10.9.9.9 ours").candidate("sg-old-1 any -> 10.9.9.9 ours disabled");
        story.config.mode = mode;
        let plan = story.plan();
        (plan.changes.len(), plan.withheld.len(), plan.commit)
    };
    assert_eq!(story(Mode::Observe), (0, 4, false));
    assert_eq!(story(Mode::AddOnly), (4, 1, true));
    assert_eq!(story(Mode::Sync), (5, 0, true));
}

#[test]
fn descriptions_say_whose_and_why_and_are_never_too_long() {
    let described = |event: &str| {
        let mut story = Story::of("i-1 10.0.1.10 sg-web\n sg-web tcp/443 8.8.8.0/24", "").causes(&["i-1"]);
        story.causes[0].event = event.to_owned();
        let plan = story.plan();
        let Change::Put(rule, _) = &plan.changes[0] else { panic!("{:?}", plan.changes) };
        rule.description.clone()
    };
    assert_eq!(described("Start\nInstances"), "aws 123456789012 eu-west-1; sg-web on eni-1; StartInstances i-1");
    assert_eq!(described(&"x".repeat(2000)).len(), 1024);
}
