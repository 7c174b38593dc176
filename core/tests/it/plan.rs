//! Decisions that are best told as small stories.

use std::{fmt::Write, sync::Arc};

use drawbridge_core::{
    change::{Change, Direction, Extras, Position},
    config::{AllowAllEgress, Config, Limit, Limits, Mode, RuleDestination},
    event::Cause,
    firewall::{Carried, Configuration, Effect, Firewall, Node, Pending, Status},
    id::VpcId,
    inventory::{Inventory, RouteTable, Subnet, Vpc},
    never::Never,
    plan::{Plan, Standing, plan},
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
    // What somebody has deleted, uncommitted, still has its name: a revert of theirs would bring both rules together.
    Story::of(web, "sg-web-7 any -> 10.9.9.9 tcp/1").candidate("").check(&expect![[r#"
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
    // Somebody has given it other ports: it does not hold what its name says.
    let mut changed = with(sample::OWNER, &[]);
    changed.candidate.services.values_mut().for_each(|held| held.l4 = vec![sample::l4("tcp/1-65535")]);
    changed.check(&renamed);
    // Somebody has deleted it, uncommitted: writing it again would overwrite their work.
    let mut deleted = Story::of(web, "");
    deleted.running.services = object;
    deleted.check(&renamed);
}

/// A content update has given the application another port: `application-default` would let in more than the group does.
#[test]
fn an_application_that_is_at_home_elsewhere_as_well_gets_its_port() {
    let told = |mut story: Story, ports: &[&str]| {
        let l4: Vec<_> = ports.iter().map(|port| sample::l4(port)).collect();
        for read in [&mut story.candidate, &mut story.running] {
            read.standard_ports.insert("ssl".parse().unwrap(), l4.clone());
        }
        story
    };
    let web = "i-1 10.0.1.10 sg-web\n sg-web tcp/443 8.8.8.0/24";
    let standing = "sg-web-1 8.8.8.0/24 -> 10.0.1.10 app:ssl app-default ours";
    told(Story::of(web, standing), &["tcp/443"]).check(&expect![[""]]);
    told(Story::of(web, standing), &["tcp/443", "tcp/8443"]).check(&expect![[r#"
        + service tcp_443
        ~ sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443
    "#]]);
    told(Story::of(web, ""), &["tcp/443", "tcp/8443"]).check(&expect![[r#"
        + service tcp_443
        + sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
    "#]]);
    told(Story::of(web, ""), &["tcp/8443"]).check(&expect![[r#"
        + service tcp_443
        + sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
    "#]]);
}

/// An earlier transaction has deleted a rule that is in force still: what it lost although it is wanted is no addition.
#[test]
fn what_is_lost_in_the_candidate_is_said_anew_whatever_the_limit() {
    let web = "i-1 10.0.1.10 sg-web\n sg-web tcp/443 8.8.8.0/24";
    let mut story = Story::of(web, "sg-web-1 8.8.0.0/16 -> 10.0.1.10 app:ssl app-default ours").candidate("");
    story.config.limits.additions.number = 0;
    story.check(&expect![[r#"
        + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
        commit
    "#]]);
    let mut new = Story::of(web, "sg-web-1 9.9.0.0/16 -> 10.0.1.10 app:ssl app-default ours").candidate("");
    new.config.limits.additions.number = 0;
    new.check(&expect![[r#"
        withheld: + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`: 1 additions are more than the 0 that `limits.additions` allows at once; `drawbridge apply --accept-limits` lets them happen once
        commit
    "#]]);
}

/// In force is still the object, which is what our commit meets.
#[test]
fn an_object_name_that_is_deleted_but_not_committed_is_taken() {
    let mut story = Story::of("i-1 10.0.1.10 sg-web\n sg-web tcp/443 8.8.8.0/24", "");
    story.running.address_names = ["10.0.1.10".to_owned()].into();
    let changes = story.plan().changes;
    let [Change::Put(rule, _)] = changes.as_slice() else { panic!("one rule is to be added: {changes:?}") };
    assert_eq!(rule.columns.destination, ["10.0.1.10/32"]);
    let mut story = Story::of("i-1 10.0.1.10 sg-web\n sg-web tcp/443 8.8.8.0/24", "");
    story.running.application_sets = ["ssl".parse().unwrap()].into();
    assert_eq!(story.plan().withheld.len(), 1);
}

#[test]
fn our_tag_is_not_written_over_its_deletion() {
    let mut firewall = sample::quiet(sample::configuration(""));
    let tag = Node::Tag(sample::OWNER.parse().unwrap());
    firewall.pending = vec![Pending { node: tag, admin: "alice".parse().unwrap(), effect: Effect::Deleted }];
    Arc::make_mut(&mut firewall.candidate).tags.clear();
    let unfit = Rulebase::read(&firewall, &sample::config()).unwrap_err();
    assert_eq!(
        unfit.to_string(),
        format!("the tag `{}` is deleted by uncommitted work of `alice`: commit or revert it", sample::OWNER)
    );
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

/// Who removes or adopts needs no look at AWS, which would say whose rules they are: they say it by themselves.
#[test]
fn rules_of_two_accounts_are_told_apart_without_aws() {
    let stamped = |accounts: [&str; 2]| {
        let mut configuration = sample::configuration("sg-a-1 any -> 10.0.1.10 ours\n sg-b-1 any -> 10.0.1.11 ours");
        for (rule, account) in configuration.rules.iter_mut().zip(accounts) {
            rule.description = format!("aws {account} eu-west-1; sg-web on eni-1; found missing");
        }
        let (config, firewall) = (sample::config(), sample::quiet(configuration));
        Rulebase::read(&firewall, &config).unwrap().of_one_account().is_ok()
    };
    assert!(stamped(["123456789012", "123456789012"]));
    assert!(!stamped(["123456789012", "210987654321"]));
}

/// A rule that Panorama has pushed is Panorama's, whatever it is called and whichever tag it bears.
#[test]
fn what_is_pushed_is_not_ours() {
    Story::of("", "sg-old-1 any -> 10.9.9.9 ours pre\n sg-old-2 any -> 10.9.9.9 ours post").check(&expect![[r#""#]]);
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

#[test]
fn what_administrators_have_set_on_a_rule_of_ours_is_written_again_with_it() {
    let rule = "sg-web-1 8.8.8.0/24,9.9.9.9 -> 10.0.1.10 app:ssl app-default ours disabled";
    let mut story = Story::of("i-1 10.0.1.10 sg-web\n sg-web tcp/443 8.8.8.0/24", rule);
    let facts = &mut story.candidate.rules[0];
    facts.tags.insert("theirs".parse().unwrap());
    facts.description = "ask the web team".to_owned();
    facts.carried = Carried("<schedule>office-hours</schedule>".to_owned());
    let (tags, carried) = (facts.tags.clone(), facts.carried.clone());
    let plan = story.plan();
    let [Change::Put(written, Position::InPlace)] = &plan.changes[..] else { panic!("{:?}", plan.changes) };
    assert_eq!(written.spelling, sample::spelling("8.8.8.0/24 -> 10.0.1.10 ssl@tcp/443"));
    assert_eq!((written.status, &written.tags), (Status::Disabled, &tags));
    assert_eq!((written.description.as_str(), &written.extras), ("ask the web team", &Extras::Kept(carried)));
}

/// What we have for an interface in doubt stays, but for what is never opened.
#[test]
fn what_is_never_opened_goes_even_where_everything_else_stays() {
    let never = |mut story: Story| {
        story.config.never_open =
            ["tcp/22", "8.8.8.128/25"].map(|text| text.parse::<Never>().unwrap()).into_iter().collect();
        story
    };
    let rules = "sg-web-1 8.8.8.0/24 -> 10.0.1.10 app:ssh app-default ours
        sg-web-2 9.9.9.9 -> 10.0.1.10 app:ssl app-default ours";
    let mut doubtful = Story::of("i-1 10.0.1.10 sg-gone", rules);
    doubtful.inventory.groups.clear();
    never(doubtful).check(&expect![[r#"
        - sg-web-1
        sg-gone is not listed: what we own for 1 interface stays, nothing is added
    "#]]);
    never(Story::of("i-1 10.0.1.10 sg-web\n sg-web tcp/20-23 8.8.8.0/24\n sg-web all 9.9.9.9", "")).check(&expect![[
        r#"
            + service tcp_20-21
            + service tcp_23
            + sg-web-1  8.8.8.0/25 -> 10.0.1.10  tcp 20-21, above `clean-up`
            + sg-web-2  8.8.8.0/25 -> 10.0.1.10  tcp 23, above `clean-up`
            tcp/22 stays closed (`never_open`), asked for by sg-web
            8.8.8.128/25 stays closed (`never_open`), asked for by sg-web
        "#
    ]]);
}

#[test]
fn what_is_never_opened_is_told_with_its_entries() {
    let never = |mut story: Story, entries: &[&str]| {
        story.config.never_open = entries.iter().map(|text| text.parse::<Never>().unwrap()).collect();
        story
    };
    let two = "i-1 10.0.1.10 sg-web,sg-x\n sg-web tcp/22-23 8.8.8.0/24\n sg-x tcp/22 9.9.9.0/24";
    never(Story::of(two, ""), &["tcp/22", "tcp/23"]).check(&expect![[r#"
        tcp/22 stays closed (`never_open`), asked for by sg-web and 1 more
        tcp/23 stays closed (`never_open`), asked for by sg-web
    "#]]);
    never(Story::of(two, ""), &["tcp/22", "tcp/23"]).check_left_out(&expect![[r#"
        sg-web tcp 22-23 with 8.8.8.0/24: `never_open` lists tcp/22, tcp/23
        sg-x tcp 22 with 9.9.9.0/24: `never_open` lists tcp/22
    "#]]);
    // Nothing is left of the peers, or nothing of the ports.
    never(Story::of(two, ""), &["8.8.8.0/23", "tcp/22"]).check_left_out(&expect![[r#"
        sg-web tcp 22-23 with 8.8.8.0/24: `never_open` lists tcp/22, 8.8.8.0/23
        sg-x tcp 22 with 9.9.9.0/24: `never_open` lists tcp/22
    "#]]);
    // A port that may be opened can be another one before translation.
    let nat = ["web any -> 10.0.0.10 tcp/8443 to 10.0.1.10:443"];
    let web = || Story::of("i-1 10.0.1.10 sg-web\n sg-web tcp/443 8.8.8.0/24", "").nat(RuleDestination::Nat, &nat);
    never(web(), &["tcp/8443"]).check(&expect![[r#""#]]);
    never(web(), &["tcp/8443"]).check_left_out(&expect![[r#"
        8.8.8.0/24 -> 10.0.0.10  ssl on tcp 8443: `never_open` lists it
    "#]]);
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
        withheld: + sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`: 3 additions are more than the 2 that `limits.additions` allows at once; `drawbridge apply --accept-limits` lets them happen once
        withheld: + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`: 3 additions are more than the 2 that `limits.additions` allows at once; `drawbridge apply --accept-limits` lets them happen once
        withheld: + sg-web-3  8.8.8.0/24 -> 10.0.1.10  tcp 8443, above `clean-up`: 3 additions are more than the 2 that `limits.additions` allows at once; `drawbridge apply --accept-limits` lets them happen once
    "#]]);
    limited(3, 1).check(&expect![[r#"
        + service tcp_8443
        + sg-web-1  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
        + sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
        + sg-web-3  8.8.8.0/24 -> 10.0.1.10  tcp 8443, above `clean-up`
        withheld: - sg-old-1: 2 removals are more than the 1 that `limits.removals` allows at once; `drawbridge apply --accept-limits` lets them happen once
        withheld: - sg-old-2: 2 removals are more than the 1 that `limits.removals` allows at once; `drawbridge apply --accept-limits` lets them happen once
    "#]]);
}

/// What our own additions have just put into the candidate makes no room for removals.
#[test]
fn a_share_is_one_of_what_is_live() {
    let numbered = |numbers: std::ops::RangeInclusive<u32>| {
        numbers.map(|n| format!("sg-old-{n} any -> 10.9.9.{n} ours\n")).collect::<String>()
    };
    let withheld = |live: u32, candidate: std::ops::RangeInclusive<u32>| {
        let mut story = Story::of(MANY, &numbered(1..=live)).candidate(&numbered(candidate));
        story.config.limits.removals = Limit { number: 1000, percent: Some(50) };
        story.plan().withheld.len()
    };
    assert_eq!(withheld(100, 1..=100), 100);
    // What was never in force goes whatever the limit says, and is no part of what the share is taken of.
    assert_eq!(withheld(40, 1..=100), 40);
    // What only waits for a commit counts: half of a hundred may go, not half of them and then the other half.
    assert_eq!(withheld(100, 51..=100), 50);
    assert_eq!(withheld(100, 100..=100), 1);
}

/// Otherwise a commit would open what nobody wants any more, and in `add-only` nothing would ever close it.
#[test]
fn what_was_never_in_force_is_taken_back_whatever_the_mode() {
    let mut story = Story::of(MANY, "").candidate("sg-old-1 any -> 10.9.9.9 ours");
    story.config.mode = Mode::AddOnly;
    let plan = story.plan();
    assert!(plan.withheld.is_empty(), "{:?}", plan.withheld);
    assert!(plan.changes.iter().any(|change| matches!(change, Change::Delete(_))), "{:?}", plan.changes);
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
        withheld: ~ sg-web-2  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22: 1 additions are more than the 0 that `limits.additions` allows at once; `drawbridge apply --accept-limits` lets them happen once
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

/// Both directions, with a permission that lets everything out beside one that does not.
const BOTH_WAYS: &str =
    "i-1 10.0.1.10 sg-web\n sg-web tcp/443 0.0.0.0/0\n sg-web out:tcp/443 8.8.8.0/24\n sg-web out:all 0.0.0.0/0
    sg-web out:tcp/25 10.0.9.0/24";

impl Story {
    fn both_ways(self) -> Self {
        let directions = [Direction::Ingress, Direction::Egress].into();
        Self { config: Config { directions, ..self.config }, ..self }
    }

    fn hairpin(mut self) -> Self {
        self.config.untrust = "trust".parse().unwrap();
        self
    }

    fn nat(mut self, destination: RuleDestination, rules: &[&str]) -> Self {
        self.config.destination = destination;
        let rules: Vec<_> = rules.iter().map(|line| sample::nat_rule(line)).collect();
        self.candidate.nat.clone_from(&rules);
        self.running.nat = rules;
        self
    }

    #[track_caller]
    fn check_left_out(self, expected: &Expect) {
        let plan = self.plan();
        expected.assert_eq(&plan.wanted.left_out.iter().map(|left_out| format!("{left_out}\n")).collect::<String>());
    }
}

#[test]
fn what_goes_out_runs_from_trust_to_untrust_and_is_written_only_when_asked_for() {
    Story::of(BOTH_WAYS, "").check(&expect![[r#"
        + sg-web-1  any -> 10.0.1.10  ssl on tcp 443, above `clean-up`
    "#]]);
    Story::of(BOTH_WAYS, "").both_ways().check(&expect![[r#"
        + sg-web-1  any -> 10.0.1.10  ssl on tcp 443, above `clean-up`
        + sg-web-2  10.0.1.10 -> 8.8.8.0/24  ssl on tcp 443, above `clean-up`
    "#]]);
    Story::of(BOTH_WAYS, "").both_ways().check_left_out(&expect![[r#"
        sg-web egress all with any: it lets everything out, and `egress_allow_all` is not set
        sg-web egress tcp 25 with 10.0.9.0/24: the peer is inside
    "#]]);
    let mut everything = Story::of(BOTH_WAYS, "").both_ways();
    everything.config.allow_all_egress = AllowAllEgress::Written;
    everything.check(&expect![[r#"
        + sg-web-1  any -> 10.0.1.10  ssl on tcp 443, above `clean-up`
        + sg-web-2  10.0.1.10 -> any  any, above `clean-up`
    "#]]);
}

#[test]
fn rules_that_go_out_are_kept_shrunk_and_removed_like_others() {
    let rules = "sg-web-1 any -> 10.0.1.10 app:ssl app-default ours
        sg-web-2 10.0.1.10 -> 8.8.8.0/24 app:ssl app-default ours from:trust to:untrust";
    Story::of(BOTH_WAYS, rules).both_ways().check(&expect![[r#""#]]);
    Story::of(BOTH_WAYS, rules).check(&expect![[r#"
        - sg-web-2
    "#]]);
    let wider = rules.replace("8.8.8.0/24", "8.8.8.0/24,9.9.9.9");
    Story::of(BOTH_WAYS, &wider).both_ways().check(&expect![[r#"
        ~ sg-web-2  10.0.1.10 -> 8.8.8.0/24  ssl on tcp 443
    "#]]);
    // Allowed already, the other way round: that does not count.
    Story::of(BOTH_WAYS, "out 10.0.1.0/24 -> any from:trust to:untrust").both_ways().check(&expect![[r#"
        + sg-web-1  any -> 10.0.1.10  ssl on tcp 443, above `clean-up`
    "#]]);
}

/// An instance with two addresses and one of another VPC, by one zone: what the first group lets in, the second lets out.
fn neighbours(ingress: &str, egress: &[&str]) -> Story {
    let egress: String = egress.iter().map(|peer| format!("sg-b out:tcp/443 {peer}\n")).collect();
    let lines = format!("i-a 10.0.1.10,10.0.1.11 sg-a\n i-b 10.2.1.20 sg-b\n {ingress}\n {egress}");
    let mut story = Story::of(&lines, "").hairpin().both_ways();
    let Inventory { vpcs, subnets, route_tables, interfaces, .. } = &mut story.inventory;
    let second: VpcId = "vpc-2".parse().unwrap();
    vpcs.insert(second.clone(), Vpc { cidrs: sample::ranges("10.2.0.0/16") });
    subnets.insert("subnet-2".parse().unwrap(), Subnet { vpc: second.clone() });
    let routes = vec![sample::default_route("0.0.0.0/0", "i-fw")];
    route_tables.insert("rtb-2".parse().unwrap(), RouteTable { vpc: second.clone(), ..sample::main_table(routes) });
    let interface = interfaces.get_mut(&"eni-b".parse().unwrap()).unwrap();
    (interface.vpc, interface.subnet) = (second, "subnet-2".parse().unwrap());
    story
}

impl Story {
    fn rules(self, rules: &str) -> Self {
        let running = sample::configuration(rules);
        Self { running, ..self }.candidate(rules)
    }

    #[track_caller]
    fn check_standings(self, expected: &Expect) {
        let plan = self.plan();
        let said = plan.wanted.atoms.keys().zip(&plan.standings).map(|(atom, standing)| match standing {
            Standing::Ours(name) => format!("{atom}: {name}\n"),
            Standing::Allowed(by) => format!("{atom}: allowed by {by}\n"),
            Standing::Added(name) => format!("{atom}: new {name}\n"),
        });
        expected.assert_eq(&said.collect::<String>());
    }
}

const LETS_IN: &str = "sg-a tcp/443 10.2.1.20/32";
/// Both addresses of the first instance.
const TO_BOTH: [&str; 2] = ["10.0.1.10/32", "10.0.1.11/32"];
const BETWEEN: &str = "sg-a-1 10.2.1.20 -> 10.0.1.10,10.0.1.11 app:ssl app-default ours from:trust";

/// The columns of a rule say what comes in here and what goes out there.
#[test]
fn within_one_zone_a_rule_stands_for_both_of_its_readings() {
    let both = || neighbours(LETS_IN, &TO_BOTH);
    both().check(&expect![[r#"
        + sg-a-1  10.2.1.20 -> 10.0.1.10,10.0.1.11  ssl on tcp 443, above `clean-up`
    "#]]);
    both().rules(BETWEEN).check(&expect![[r#""#]]);
    both().rules(BETWEEN).check_standings(&expect![[r#"
        10.2.1.20 -> 10.0.1.10  ssl on tcp 443: sg-a-1
        10.2.1.20 -> 10.0.1.11  ssl on tcp 443: sg-a-1
        10.2.1.20 -> 10.0.1.10  ssl on tcp 443: sg-a-1
        10.2.1.20 -> 10.0.1.11  ssl on tcp 443: sg-a-1
    "#]]);
    // A rule for each reading, as somebody may have left them: nothing is added beside either.
    let twice = format!("{BETWEEN}\n sg-b-1 10.2.1.20 -> 10.0.1.10 app:ssl app-default ours from:trust");
    both().rules(&twice).check(&expect![[r#""#]]);
    // Switched off, it stands for both as well.
    both().rules(&format!("{BETWEEN} disabled")).check(&expect![[r#"
        sg-a-1 is disabled by an administrator: left so
    "#]]);
}

#[test]
fn within_one_zone_a_rule_goes_when_no_reading_of_it_is_wanted() {
    neighbours(LETS_IN, &[]).rules(BETWEEN).check(&expect![[r#""#]]);
    neighbours("", &TO_BOTH).rules(BETWEEN).check(&expect![[r#""#]]);
    neighbours("", &[]).rules(BETWEEN).check(&expect![[r#"
        - sg-a-1
    "#]]);
}

/// What is left of a rule is what either reading wants.
#[test]
fn within_one_zone_a_rule_is_shrunk_to_what_is_wanted_either_way() {
    neighbours("", &TO_BOTH[..1]).rules(BETWEEN).check(&expect![[r#"
        ~ sg-a-1  10.2.1.20 -> 10.0.1.10  ssl on tcp 443
    "#]]);
    // The first address is let in, and another one is gone to.
    let one = || {
        let mut story = neighbours(LETS_IN, &TO_BOTH[1..]);
        let interface = story.inventory.interfaces.get_mut(&"eni-a".parse().unwrap()).unwrap();
        interface.addresses.truncate(1);
        story
    };
    one().rules(BETWEEN).check(&expect![[r#""#]]);
    one().rules(BETWEEN).check_standings(&expect![[r#"
        10.2.1.20 -> 10.0.1.10  ssl on tcp 443: sg-a-1
        10.2.1.20 -> 10.0.1.11  ssl on tcp 443: sg-a-1
    "#]]);
    let wider = BETWEEN.replace("10.0.1.11", "10.0.1.11,10.0.1.12");
    one().rules(&wider).check(&expect![[r#"
        ~ sg-a-1  10.2.1.20 -> 10.0.1.10,10.0.1.11  ssl on tcp 443
    "#]]);
    one().rules(&wider).check_standings(&expect![[r#"
        10.2.1.20 -> 10.0.1.10  ssl on tcp 443: sg-a-1
        10.2.1.20 -> 10.0.1.11  ssl on tcp 443: sg-a-1
    "#]]);
}

/// With two zones the same columns are two rules, and one whose zones somebody has changed becomes one of them.
#[test]
fn between_two_zones_a_rule_goes_one_way() {
    let mut story = neighbours(LETS_IN, &TO_BOTH).rules(&BETWEEN.replace("from:trust", "from:any"));
    story.config.untrust = "untrust".parse().unwrap();
    story.check(&expect![[r#"
        + sg-b-1  10.2.1.20 -> 10.0.1.10,10.0.1.11  ssl on tcp 443, above `clean-up`
        ~ sg-a-1  10.2.1.20 -> 10.0.1.10,10.0.1.11  ssl on tcp 443
    "#]]);
    let mut story = neighbours(LETS_IN, &[&TO_BOTH[..], &["10.0.1.12/32"]].concat());
    let rules = "sg-b-1 10.2.1.20 -> 10.0.1.10,10.0.1.11,10.0.1.12 app:ssl app-default ours from:any";
    story.config.untrust = "untrust".parse().unwrap();
    story.rules(rules).check(&expect![[r#"
        + sg-a-1  10.2.1.20 -> 10.0.1.10,10.0.1.11  ssl on tcp 443, above `clean-up`
        ~ sg-b-1  10.2.1.20 -> 10.0.1.10,10.0.1.11,10.0.1.12  ssl on tcp 443
    "#]]);
}

/// A Gateway Load Balancer brings traffic in and takes it out by one zone.
#[test]
fn where_both_zones_are_one_a_rule_is_read_whichever_way_is_wanted() {
    let rules = "sg-web-1 any -> 10.0.1.10 app:ssl app-default ours from:trust
        sg-web-2 10.0.1.10 -> 8.8.8.0/24 app:ssl app-default ours from:trust";
    Story::of(BOTH_WAYS, rules).hairpin().both_ways().check(&expect![[r#""#]]);
    Story::of(BOTH_WAYS, "").hairpin().both_ways().check(&expect![[r#"
        + sg-web-1  any -> 10.0.1.10  ssl on tcp 443, above `clean-up`
        + sg-web-2  10.0.1.10 -> 8.8.8.0/24  ssl on tcp 443, above `clean-up`
    "#]]);
    // Within one zone everything is allowed that no rule denies.
    let defaults =
        "sg-web-2 10.0.1.10 -> 8.8.8.0/24 app:ssl app-default ours from:trust\n clean-up any -> any deny from:untrust";
    let mut open = Story::of(BOTH_WAYS, defaults).hairpin();
    let intrazone = sample::rule("intrazone-default any -> any from:any to:any intrazone");
    open.candidate.default_rules = vec![intrazone.clone()];
    open.running.default_rules = vec![intrazone];
    open.check(&expect![[r#"
        - sg-web-2
    "#]]);
}

#[test]
fn behind_destination_nat_a_rule_names_what_was_sent() {
    let web = "i-1 10.0.1.10 sg-web\n i-2 10.0.1.11 sg-web\n i-3 10.0.1.12 sg-web\n sg-web tcp/443 0.0.0.0/0\n sg-web tcp/22 8.8.8.0/24";
    let nat = ["web any -> 10.0.0.10 tcp/443 to 10.0.1.10", "more any -> 10.0.0.10 tcp/8443 to 10.0.1.11:443"];
    Story::of(web, "").nat(RuleDestination::Nat, &nat).check(&expect![[r#"
        + service tcp_8443
        + sg-web-1  any -> 10.0.0.10  ssl on tcp 443, above `clean-up`
        + sg-web-2  any -> 10.0.0.10  ssl on tcp 8443, above `clean-up`
    "#]]);
    // Whoever asks why is told by which NAT rule the packet comes.
    let plan = Story::of(web, "").nat(RuleDestination::Nat, &nat).plan();
    let by: Vec<_> = plan
        .wanted
        .atoms
        .iter()
        .flat_map(|(atom, origins)| {
            origins.iter().map(move |origin| format!("{} by {}", atom.service.l4, origin.nat.as_ref().unwrap()))
        })
        .collect();
    assert_eq!(by, ["tcp 443 by web", "tcp 8443 by more"]);
    Story::of(web, "").nat(RuleDestination::Nat, &nat).check_left_out(&expect![[r#"
        8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22: no NAT rule of the firewall leads there
        8.8.8.0/24 -> 10.0.1.11  ssh on tcp 22: no NAT rule of the firewall leads there
        any -> 10.0.1.12  ssl on tcp 443: no NAT rule of the firewall leads there
        8.8.8.0/24 -> 10.0.1.12  ssh on tcp 22: no NAT rule of the firewall leads there
    "#]]);
    // Rules from before the setting was changed go.
    let rules = "sg-web-1 any -> 10.0.1.10,10.0.1.11,10.0.1.12 app:ssl app-default ours
        sg-web-2 any -> 10.0.0.10 app:ssl app-default ours";
    Story::of(web, rules).nat(RuleDestination::Nat, &nat).check(&expect![[r#"
        + service tcp_8443
        + sg-web-3  any -> 10.0.0.10  ssl on tcp 8443, above `clean-up`
        - sg-web-1
    "#]]);
    Story::of(web, rules).nat(RuleDestination::Nat, &[]).check(&expect![[r#"
        - sg-web-1
        - sg-web-2
        `destination` is "nat", and no NAT rule of the firewall leads to an exposed instance: nothing by IPv4 can be opened; add NAT rules, or set `destination = "instance"`
    "#]]);
    Story::of(web, "").nat(RuleDestination::Instance, &nat).check(&expect![[r#"
        + sg-web-1  8.8.8.0/24 -> 10.0.1.10,10.0.1.11,10.0.1.12  ssh on tcp 22, above `clean-up`
        + sg-web-2  any -> 10.0.1.10,10.0.1.11,10.0.1.12  ssl on tcp 443, above `clean-up`
        NAT rule `more` leads to 1 exposed interface whose own addresses our rules name: traffic that it translates never matches them; set `destination = "nat"` if the internet comes that way
        NAT rule `web` leads to 1 exposed interface whose own addresses our rules name: traffic that it translates never matches them; set `destination = "nat"` if the internet comes that way
    "#]]);
}

/// Of a port that leads to an instance in doubt nothing goes; of another port of the same address it does.
#[test]
fn what_leads_to_an_instance_in_doubt_stays() {
    let web = "i-1 10.0.1.10 sg-gone\n i-2 10.0.1.11 sg-web";
    let nat = ["web any -> 10.0.0.10 tcp/443 to 10.0.1.10", "more any -> 10.0.0.10 to 10.0.1.11"];
    let rules =
        "sg-web-1 any -> 10.0.0.10 app:ssl app-default ours\n sg-web-2 any -> 10.0.0.10 app:ssh app-default ours";
    let mut story = Story::of(web, rules).nat(RuleDestination::Nat, &nat);
    story.inventory.groups.remove(&"sg-gone".parse().unwrap());
    story.check(&expect![[r#"
        - sg-web-2
        sg-gone is not listed: what we own for 1 interface stays, nothing is added
    "#]]);
}

/// From elsewhere nothing is led to it, and what is sent to the same address may be for others.
#[test]
fn what_comes_to_an_instance_in_doubt_from_elsewhere_goes() {
    let rules = "sg-web-1 8.8.8.0/25 -> 10.0.0.10 app:ssl app-default ours
        sg-web-2 any -> 10.0.0.10 app:ssl app-default ours";
    let nat = ["web 8.8.8.0/24 -> 10.0.0.10 tcp/443 to 10.0.1.10"];
    let mut story = Story::of("i-1 10.0.1.10 sg-gone", rules).nat(RuleDestination::Nat, &nat);
    story.inventory.groups.remove(&"sg-gone".parse().unwrap());
    story.check(&expect![[r#"
        - sg-web-2
        sg-gone is not listed: what we own for 1 interface stays, nothing is added
    "#]]);
}

#[test]
fn an_address_of_two_vpcs_gets_the_common_part() {
    // The second instance is in another VPC.
    let two = |text: &str| {
        let mut story = Story::of(text, "");
        let mut table = story.inventory.route_tables[&"rtb-1".parse().unwrap()].clone();
        table.vpc = "vpc-2".parse().unwrap();
        story.inventory.route_tables.insert("rtb-2".parse().unwrap(), table);
        let other = story.inventory.interfaces.get_mut(&"eni-2".parse().unwrap()).unwrap();
        (other.vpc, other.subnet) = ("vpc-2".parse().unwrap(), "subnet-other".parse().unwrap());
        story
    };
    let groups = "sg-a tcp/20-30 8.8.8.0/24\n sg-a tcp/443 0.0.0.0/0\n sg-b tcp/22 8.8.0.0/16\n sg-b all 8.8.8.8/32";
    two(&format!("i-1 10.0.1.10 sg-a\n i-2 10.0.1.0/28 sg-b\n {groups}")).check(&expect![[r#"
        + service tcp_20-30
        + sg-a-1  8.8.8.8 -> 10.0.1.10  tcp 20-30, above `clean-up`
        + sg-a-2  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
        + sg-a-3  8.8.8.8 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
        + sg-b-1  8.8.8.8 -> 10.0.1.0-10.0.1.9,10.0.1.11-10.0.1.15  any, above `clean-up`
        + sg-b-2  8.8.0.0/16 -> 10.0.1.0-10.0.1.9,10.0.1.11-10.0.1.15  ssh on tcp 22, above `clean-up`
    "#]]);
    // Whichever of them comes first.
    two(&format!("i-2 10.0.1.10 sg-a\n i-1 10.0.1.0/28 sg-b\n {groups}")).check(&expect![[r#"
        + service tcp_20-30
        + sg-a-1  8.8.8.8 -> 10.0.1.10  tcp 20-30, above `clean-up`
        + sg-a-2  8.8.8.0/24 -> 10.0.1.10  ssh on tcp 22, above `clean-up`
        + sg-a-3  8.8.8.8 -> 10.0.1.10  ssl on tcp 443, above `clean-up`
        + sg-b-1  8.8.8.8 -> 10.0.1.0-10.0.1.9,10.0.1.11-10.0.1.15  any, above `clean-up`
        + sg-b-2  8.8.0.0/16 -> 10.0.1.0-10.0.1.9,10.0.1.11-10.0.1.15  ssh on tcp 22, above `clean-up`
    "#]]);
}

#[test]
fn what_narrows_a_rule_that_would_do_is_named() {
    let rules =
        "ours-alike any -> 10.0.1.0/24 tcp/443 user\n elsewhere any -> 10.0.9.0/24 user\n no any -> 10.0.1.10 deny";
    let plan = Story::of("i-1 10.0.1.10 sg-web\n sg-web tcp/443 0.0.0.0/0", rules).plan();
    let reasons: Vec<_> = plan.reasons.values().map(ToString::to_string).collect();
    expect!["sg-web wants it; nothing allows 0.0.0.0 -> 10.0.1.10 tcp 443 (ssl); `ours-alike` may, but for users; overridden by `no`"].assert_eq(&reasons.join("\n"));
}

/// The widest is tested first, so that what it holds needs no rule of its own.
#[test]
fn what_a_wide_permission_holds_gets_no_rule() {
    for permissions in [
        "sg-web tcp/1000-1500 0.0.0.0/0\n sg-web tcp/1000 0.0.0.0/0",
        "sg-web tcp/20-25 0.0.0.0/0\n sg-web tcp/22 0.0.0.0/0",
        "sg-web tcp/22 0.0.0.0/0\n sg-web tcp/22 8.8.8.0/24",
        "sg-web all 0.0.0.0/0\n sg-web tcp/1-65535 0.0.0.0/0\n sg-web icmp 0.0.0.0/0",
    ] {
        let plan = Story::of(&format!("i-1 10.0.1.10 sg-web\n {permissions}"), "").plan();
        let rules = plan.changes.iter().filter(|change| change.rule().is_some()).count();
        assert_eq!(rules, 1, "{permissions}: {:#?}", plan.changes);
    }
}
