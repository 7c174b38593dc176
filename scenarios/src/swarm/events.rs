//! What happens in the account, and how Drawbridge hears of it: early, late, twice, out of order, or not at all.

use super::{
    dice::Dice,
    setup::{self, Size},
};

/// An API call.
pub(super) fn call(dice: &mut Dice, size: Size) -> String {
    let instance = |dice: &mut Dice| format!("i-{}", dice.between(1, size.instances));
    let call = match dice.below(14) {
        0..=3 => format!("StartInstances {}", instance(dice)),
        4..=6 => format!("StopInstances {}", instance(dice)),
        7 => format!("TerminateInstances {}", instance(dice)),
        8 => {
            let n = dice.between(100, 140);
            format!("RunInstances i-new-{n} 10.0.1.{n} {}", setup::groups(dice, size.groups))
        }
        9 | 10 => {
            let group = setup::group(dice, size.groups);
            format!("AuthorizeSecurityGroupIngress {group} {}", setup::permission(dice, size.groups))
        }
        11 | 12 => {
            let group = setup::group(dice, size.groups);
            format!("RevokeSecurityGroupIngress {group} {}", setup::permission(dice, size.groups))
        }
        _ => {
            let target = dice.pick(&["GatewayId=igw-1", "NetworkInterfaceId=eni-fw"]);
            format!("ReplaceRoute RouteTableId=rtb-1 DestinationCidrBlock=0.0.0.0/0 {target}")
        }
    };
    match dice.below(30) {
        0 => format!("{call} failed Client.UnauthorizedOperation"),
        1 => format!("{call} dry-run"),
        _ => call,
    }
}

/// How Drawbridge hears of what has happened, or of something else, or of nothing.
pub(super) fn news(dice: &mut Dice, size: Size) -> String {
    match dice.below(20) {
        0..=6 => "deliver".to_owned(),
        7..=9 => format!("deliver {}", call(dice, size)),
        10 | 11 => "deliver again".to_owned(),
        12 | 13 => format!("notify {}", call(dice, size)),
        14 => {
            let state = dice.pick(&["stopped", "running", "stopping", "terminated"]);
            format!("state-change i-{} {state}", dice.between(1, size.instances))
        }
        15 => format!("deliver file {}", dice.pick(&["truncated", "not-json", "missing", "forbidden", "digest"])),
        _ => "schedule".to_owned(),
    }
}
