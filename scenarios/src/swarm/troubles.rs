//! What goes wrong with Drawbridge's commands, and around them.

use std::collections::BTreeSet;

use drawbridge_simulator::world::World;

use super::{
    dice::Dice,
    events, people,
    setup::{self, Size},
    story::Story,
};

/// How many requests a run sends to the firewall, or so.
const REQUESTS: usize = 40;

/// What meets troubles by itself, whichever command it belongs to.
const REQUEST: &str = "request";

const COMMANDS: &[&str] = &["fetch", "observe", "observe", "apply", "apply", "commit", "commit", "poll", "revert"];

/// What becomes of the reading of a log.
const LOG: &[&str] = &["s3 503", "s3 500", "s3 404", "s3 403", "aws half", "aws slow", "aws empty", "content type"];

/// Nobody waits for a command any longer.
const SLOW: &str = "slow";

const FIREWALL: &[&str] = &[
    "lost answer",
    "lost answer",
    "not sent",
    "not sent",
    "half",
    "html",
    "http 401",
    "http 500",
    "http 502",
    "http 503",
    "http 504",
    "http 204",
    SLOW,
    "content type",
    "panos error 3 \"Internal error\"",
    "panos error 12 \"invalid object\"",
    "panos error 403 \"Invalid Credential\"",
    "panos error 13 \"Another commit/validate is in progress. Please try again later\"",
    "panos error 22 \"Session timed out\"",
    "panos error 16 \"Unauthorized request\"",
];

const CLOUD: &[&str] = &[
    "stale",
    "stale",
    "torn",
    "torn",
    "aws half",
    "aws slow",
    "aws empty",
    "aws same page",
    "ec2 RequestLimitExceeded",
    "ec2 InternalError",
    "ec2 UnauthorizedOperation",
    "ec2 AuthFailure",
    "ec2 Unavailable",
];

const NO_JOB: &str = "panos error 7 \"No such job\"";

const FAIL_OVER: &str = "fail over";

const KILLS: &[&str] = &["kill before", "kill after"];

/// Runs that go on inside of another one.
const RUNS: &[&str] = &["schedule", "schedule", "schedule", "apply", "apply --accept-limits", "uninstall"];

/// What becomes of the firewall in the middle of a run.
const UNIT: &[&str] = &["restart", "restart forgetting", "ha passive", "ha active"];

/// How many of the last deeds are looked at for what goes together.
const LATELY: usize = 8;

/// The commands that meet troubles, and single requests.
pub fn commands() -> BTreeSet<&'static str> {
    COMMANDS.iter().copied().chain([REQUEST]).collect()
}

/// What commands meet, as it is counted: without the words of an error.
pub fn kinds() -> BTreeSet<&'static str> {
    let lists = [LOG, FIREWALL, CLOUD, KILLS, &[NO_JOB, FAIL_OVER]];
    lists.into_iter().flatten().map(|words| words.split_once(" \"").map_or(*words, |(kind, _)| kind)).collect()
}

/// What happens while a command is under way, but for people and calls. That the unit of a pair that died comes back is counted
/// by itself, at whatever moment it does.
pub fn meanwhile() -> BTreeSet<&'static str> {
    RUNS.iter().chain(UNIT).copied().collect()
}

/// A fault, or something that somebody does meanwhile.
pub(super) fn trouble(dice: &mut Dice, size: Size, story: &Story, world: &World) -> String {
    if world.is_pair() && dice.one_in(4) {
        return if world.lacks_a_unit() { back_again(dice) } else { fail_over(dice) };
    }
    if dice.one_in(2)
        && let Some(line) = companion(dice, size, story)
    {
        return line;
    }
    match dice.below(20) {
        0..=6 => fault(dice),
        7 | 8 => of_one_request(dice),
        9 | 10 => format!("fault {} {} {}", dice.pick(COMMANDS), nth(dice), dice.pick(KILLS)),
        11..=14 => {
            let (moment, command) = (dice.pick(&["before", "after"]), dice.pick(COMMANDS));
            format!("{moment} {command} {} {}", nth(dice), people::deed(dice, size, world))
        }
        15 => {
            let (moment, command) = (dice.pick(&["before", "after"]), dice.pick(COMMANDS));
            format!("{moment} {command} {} call {}", nth(dice), events::call(dice, size, story, world))
        }
        16 => {
            let (moment, command) = (dice.pick(&["before", "after"]), dice.pick(COMMANDS));
            let run = dice.pick(RUNS);
            format!("{moment} {command} {} {run}", nth(dice))
        }
        17 => {
            let (moment, command) = (dice.pick(&["before", "after"]), dice.pick(COMMANDS));
            let what = dice.pick(UNIT);
            format!("{moment} {command} {} {what}", nth(dice))
        }
        18 => job(dice, size),
        _ => format!("time-limit {}s", dice.between(1, 90)),
    }
}

/// Our changes are taken back where a job fails: whichever of the two is to go wrong draws the other one, because by themselves
/// they hardly ever meet.
fn companion(dice: &mut Dice, size: Size, story: &Story) -> Option<String> {
    let is_drawn = |what: &str| story.deeds.iter().rev().take(LATELY).any(|deed| deed.starts_with(what));
    match (is_drawn("fault job "), is_drawn("fault revert ")) {
        (true, false) => {
            let words = if dice.one_in(4) { KILLS } else { FIREWALL };
            Some(format!("fault revert 1 {}", dice.pick(words)))
        }
        (false, true) => Some(job(dice, size)),
        (true, true) | (false, false) => None,
    }
}

fn nth(dice: &mut Dice) -> usize {
    if dice.one_in(3) { dice.between(1, 4) } else { 1 }
}

fn fault(dice: &mut Dice) -> String {
    let command = dice.pick(COMMANDS);
    let what = match command {
        "fetch" => dice.pick(LOG),
        "observe" if dice.one_in(2) => dice.pick(CLOUD),
        "poll" if dice.one_in(3) => NO_JOB,
        _ => dice.pick(FIREWALL),
    };
    let when = if dice.one_in(12) { "always".to_owned() } else { nth(dice).to_string() };
    format!("fault {command} {when} {what}")
}

/// Something goes wrong with one request to the firewall, and with its answer.
fn of_one_request(dice: &mut Dice) -> String {
    let what = loop {
        let what = dice.pick(FIREWALL);
        if what != SLOW {
            break what;
        }
    };
    format!("fault {REQUEST} {} {what}", dice.between(1, REQUESTS))
}

/// The active unit of a pair dies with a command under way: any but the reading of logs, which asks no firewall.
fn fail_over(dice: &mut Dice) -> String {
    let command = dice.pick(&["observe", "apply", "commit", "poll", "revert"]);
    format!("fault {command} {} {FAIL_OVER}", nth(dice))
}

/// The unit that died comes back, between two runs or in the middle of one.
fn back_again(dice: &mut Dice) -> String {
    if dice.one_in(2) {
        return "ha pair".to_owned();
    }
    format!("{} {} {} ha pair", dice.pick(&["before", "after"]), dice.pick(COMMANDS), nth(dice))
}

/// A commit job of ours fails.
fn job(dice: &mut Dice, size: Size) -> String {
    format!("fault job {} fail {}", dice.between(1, 2), details(dice, size))
}

fn details(dice: &mut Dice, size: Size) -> String {
    match dice.below(4) {
        0 => "\"Validation Error:\" \"rulebase -> security is invalid\" \"Commit failed\"".to_owned(),
        1 => "\"Management server failed to send phase 1 to client device\"".to_owned(),
        // Some releases do not commit one administrator's changes where rules were moved.
        2 => {
            "\"Partial commit is not possible: rules have been reordered, a full commit is required\" \"Commit failed\""
                .to_owned()
        }
        _ => format!("\"Error: rule {} is invalid\"", setup::own_name(dice, size)),
    }
}
