//! One story, again and again: each request to the firewall fails by itself in each way, and the process dies at each command. No
//! promise may be broken, and three runs later everything is as it should be.

use drawbridge_scenarios::replay::{Medium, tell};
use drawbridge_simulator::script::Script;

/// A rule is new with its service object, one becomes less, one goes; an administrator is at work beside them.
const WORLD: &str = "\
# Everything that one run can write.

cloud
sg sg-new allow tcp/8443 from 0.0.0.0/0
sg sg-less allow tcp/443 from 198.51.100.0/24, 203.0.113.0/24
sg sg-gone allow tcp/22 from 0.0.0.0/0
instance i-new 10.0.1.10 sg-new
instance i-less 10.0.1.11 sg-less running
instance i-gone 10.0.1.12 sg-gone running
firewall
admin alice
rule \"web out\" trust:10.0.9.0/24 -> untrust:any allow
rule clean-up any -> any deny
----

schedule
admin alice edit \"web out\" description \"not finished\"
call RevokeSecurityGroupIngress sg-less tcp/443 from 203.0.113.0/24
call StopInstances i-gone
";

const AFTERWARDS: &str = "\
deliver StartInstances i-new
calm
wait 2m
schedule
schedule
wait 31m
schedule
show rules
settled
----
";

/// What can go wrong with one request, one of each kind.
const TROUBLES: &[&str] = &[
    "not sent",
    "lost answer",
    "half",
    "html",
    "http 503",
    "panos error 12 \"invalid object\"",
    "panos error 13 \"Another commit/validate is in progress. Please try again later\"",
    "panos error 16 \"Unauthorized request\"",
    "panos error 403 \"Invalid Credential\"",
];

/// More requests than the run sends.
const REQUESTS: usize = 90;

const COMMANDS: &[&str] = &["fetch", "observe", "apply", "commit", "poll", "revert"];

/// The firewall as it is, a pair, and one whose first commit job fails, so that changes are taken back.
const FIREWALLS: &[(&str, &str)] = &[
    ("", ""),
    ("ha pair\n", ""),
    ("", "fault job 1 fail \"Commit failed\" \"Timed out while getting config lock\"\n"),
];

/// Tells the story with something armed, and returns what was printed.
#[track_caller]
fn told((is, job): (&str, &str), armed: &str) -> Vec<String> {
    let world = WORLD.replace("firewall\n", &format!("firewall\n{is}"));
    let text = format!("{world}{job}{armed}\n{AFTERWARDS}");
    let script = Script::parse("steps", &text).unwrap_or_else(|mistake| panic!("{mistake}\n{text}"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without threads");
    let transcript = runtime.block_on(tell(&script, Medium::Direct)).unwrap_or_else(|why| panic!("{why}\n{text}"));
    transcript.blocks.concat()
}

/// The rulebase at the end, whatever the rules are called by then.
fn rules(told: &[String]) -> Vec<String> {
    let table = told.iter().rev().take_while(|line| line.starts_with(' '));
    let is_ours = |word: &&str| word.starts_with("sg-") || word.starts_with("i-");
    let table: Vec<_> =
        table.map(|line| line.split_whitespace().filter(|word| !is_ours(word)).collect::<String>()).collect();
    assert!(table.len() > 3, "{told:?}");
    table
}

/// Nothing wrong.
const NOTHING: &str = "wait 0s";

#[test]
fn each_request_can_fail_in_each_way() {
    for firewall in FIREWALLS {
        let undisturbed = told(*firewall, NOTHING);
        for trouble in TROUBLES {
            let story = |nth: usize| told(*firewall, &format!("fault request {nth} {trouble}"));
            let stories: Vec<_> = (1..=REQUESTS).map(story).collect();
            for (nth, story) in (1..).zip(&stories) {
                assert_eq!(rules(story), rules(&undisturbed), "request {nth}: {trouble}");
            }
            // Most are met, and the last one is beyond the end: all were tried.
            assert!(stories.iter().filter(|story| **story != undisturbed).count() > 30, "{trouble}");
            assert_eq!(stories.last(), Some(&undisturbed), "{trouble}");
        }
    }
}

#[test]
fn the_process_can_die_at_each_command() {
    for firewall in FIREWALLS {
        let undisturbed = told(*firewall, NOTHING);
        for command in COMMANDS {
            for nth in 1..=8 {
                for moment in ["before", "after"] {
                    let story = told(*firewall, &format!("fault {command} {nth} kill {moment}"));
                    assert_eq!(rules(&story), rules(&undisturbed), "{command} {nth}, {moment}");
                }
            }
        }
    }
}
