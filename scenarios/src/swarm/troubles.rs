//! What goes wrong with Drawbridge's commands, and around them.

use drawbridge_simulator::world::World;

use super::{
    dice::Dice,
    events, people,
    setup::{self, Size},
    story::Story,
};

const COMMANDS: &[&str] = &["fetch", "observe", "observe", "apply", "apply", "commit", "commit", "poll", "revert"];

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
    "slow",
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

/// A fault, or something that somebody does meanwhile.
pub(super) fn trouble(dice: &mut Dice, size: Size, story: &Story, world: &World) -> String {
    if world.is_pair() && dice.one_in(4) {
        return if world.lacks_a_unit() { back_again(dice) } else { fail_over(dice) };
    }
    match dice.below(20) {
        0..=8 => fault(dice),
        9 | 10 => format!("fault {} {} kill {}", dice.pick(COMMANDS), nth(dice), dice.pick(&["before", "after"])),
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
            let run = dice.pick(&["schedule", "schedule", "schedule", "apply", "apply --accept-limits"]);
            format!("{moment} {command} {} {run}", nth(dice))
        }
        17 => {
            let (moment, command) = (dice.pick(&["before", "after"]), dice.pick(COMMANDS));
            let what = dice.pick(&["restart", "restart forgetting", "ha passive", "ha active"]);
            format!("{moment} {command} {} {what}", nth(dice))
        }
        18 => format!("fault job {} fail {}", dice.between(1, 2), details(dice, size)),
        _ => format!("time-limit {}s", dice.between(1, 90)),
    }
}

fn nth(dice: &mut Dice) -> usize {
    if dice.one_in(3) { dice.between(1, 4) } else { 1 }
}

fn fault(dice: &mut Dice) -> String {
    let command = dice.pick(COMMANDS);
    let what = match command {
        "fetch" => dice.pick(&["s3 503", "s3 500", "s3 404", "s3 403", "aws half", "aws slow", "aws empty"]),
        "observe" if dice.one_in(2) => dice.pick(CLOUD),
        "poll" if dice.one_in(3) => "panos error 7 \"No such job\"",
        _ => dice.pick(FIREWALL),
    };
    let when = if dice.one_in(12) { "always".to_owned() } else { nth(dice).to_string() };
    format!("fault {command} {when} {what}")
}

/// The active unit of a pair dies with a command under way: any but the reading of logs, which asks no firewall.
fn fail_over(dice: &mut Dice) -> String {
    let command = dice.pick(&["observe", "apply", "commit", "poll", "revert"]);
    format!("fault {command} {} fail over", nth(dice))
}

/// The unit that died comes back, between two runs or in the middle of one.
fn back_again(dice: &mut Dice) -> String {
    if dice.one_in(2) {
        return "ha pair".to_owned();
    }
    format!("{} {} {} ha pair", dice.pick(&["before", "after"]), dice.pick(COMMANDS), nth(dice))
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
