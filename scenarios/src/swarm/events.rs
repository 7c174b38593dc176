//! What happens in the account, and how Drawbridge hears of it: early, late, twice, out of order, or not at all.

use drawbridge_simulator::{cloud::InstanceState, world::World};

use super::{
    dice::Dice,
    networks, settings,
    setup::{self, Size},
    story::Story,
};

/// An API call.
pub(super) fn call(dice: &mut Dice, size: Size, story: &Story, world: &World) -> String {
    // Where tags decide, they change as often as anything else.
    let is_tagged = settings::asks_for_tags(story) && dice.one_in(4);
    let call = match dice.below(20) {
        _ if is_tagged => tagging(dice, size),
        0..=3 => format!("StartInstances {}", instance(dice, size, world, InstanceState::Stopped)),
        4..=6 => format!("StopInstances {}", instance(dice, size, world, InstanceState::Running)),
        7 => format!("TerminateInstances {}", instance(dice, size, world, InstanceState::Running)),
        8 | 9 => {
            let (n, subnet) = (dice.between(100, 140), size.in_subnet(1));
            format!("RunInstances i-new-{n} 10.0.1.{n} {}{subnet}", setup::groups(dice, size.groups))
        }
        10..=12 => {
            let group = setup::group(dice, size.all_groups());
            format!("AuthorizeSecurityGroupIngress {group} {}", setup::permission(dice, size.groups))
        }
        13 | 14 => match granted(story) {
            granted if granted.is_empty() => return call(dice, size, story, world),
            granted => format!("RevokeSecurityGroupIngress {}", dice.one(&granted)),
        },
        15 => listing(dice),
        16 | 17 => assignment(dice, size),
        18 if size.ipv6 => {
            let target = dice.pick(&["GatewayId=igw-1", "NetworkInterfaceId=eni-fw", "NetworkInterfaceId=eni-fw"]);
            format!("ReplaceRoute RouteTableId=rtb-1 DestinationIpv6CidrBlock=::/0 {target}")
        }
        _ => {
            let target = dice.pick(&["GatewayId=igw-1", "NetworkInterfaceId=eni-fw", "NetworkInterfaceId=eni-fw"]);
            format!("ReplaceRoute RouteTableId=rtb-1 DestinationCidrBlock=0.0.0.0/0 {target}")
        }
    };
    match dice.below(30) {
        0 => format!("{call} failed Client.UnauthorizedOperation"),
        1 => format!("{call} dry-run"),
        _ => call,
    }
}

/// A prefix list gets an entry, or loses one.
fn listing(dice: &mut Dice) -> String {
    let (list, entries) = if dice.one_in(5) {
        ("pl-6", &["2001:db8:7::/49", "2001:db8:7:8000::/49", "2001:db8:8::/48"][..])
    } else {
        ("pl-1", &["203.0.113.0/25", "198.51.100.128/25", "203.0.113.128/25", "192.0.2.64/26", "8.8.8.0/24"][..])
    };
    let change = dice.pick(&["AddEntry", "AddEntry", "RemoveEntry"]);
    format!("ModifyManagedPrefixList PrefixListId={list} {change}.1.Cidr={}", dice.pick(entries))
}

/// An interface gets another address, or loses one; some addresses move from one to another.
fn assignment(dice: &mut Dice, size: Size) -> String {
    let instance = dice.between(1, size.instances);
    let verb = dice.pick(&["Assign", "Assign", "Unassign"]);
    if size.ipv6 && dice.one_in(2) {
        let address = networks::ipv6(instance);
        return format!("{verb}Ipv6Addresses NetworkInterfaceId=eni-{instance} Ipv6Addresses.1={address}");
    }
    let address = format!("PrivateIpAddress.1=10.0.1.{}", dice.between(200, 203));
    let moves = if verb == "Assign" && dice.one_in(2) { " AllowReassignment=true" } else { "" };
    format!("{verb}PrivateIpAddresses NetworkInterfaceId=eni-{instance} {address}{moves}")
}

/// An instance gets a tag, or loses one.
pub(super) fn tagging(dice: &mut Dice, size: Size) -> String {
    let instance = dice.between(1, size.instances);
    match dice.below(4) {
        0 => format!("DeleteTags ResourceId.1=i-{instance} Tag.1.Key=env"),
        _ => {
            let tag = dice.pick(&[
                "env Tag.1.Value=prod",
                "env Tag.1.Value=prod",
                "env Tag.1.Value=test",
                "team Tag.1.Value=web",
            ]);
            format!("CreateTags ResourceId.1=i-{instance} Tag.1.Key={tag}")
        }
    }
}

/// An instance in that state, if there is one.
fn instance(dice: &mut Dice, size: Size, world: &World, state: InstanceState) -> String {
    let instances = world.cloud().resources().instances.values().filter(|instance| instance.state == state);
    let ids: Vec<_> = instances.map(|instance| world.names().shorten(&instance.id.to_string())).collect();
    let ids: Vec<_> = ids.into_iter().filter(|id| id != "i-fw").collect();
    if ids.is_empty() { format!("i-{}", dice.between(1, size.instances)) } else { dice.one(&ids).clone() }
}

/// Every group with each permission that it was given once.
fn granted(story: &Story) -> Vec<String> {
    let first = story.cloud.iter().filter_map(|line| line.strip_prefix("sg ")?.split_once(" allow "));
    let later = story.deeds.iter().filter_map(|line| {
        line.split_once("AuthorizeSecurityGroupIngress ").and_then(|(_, granted)| granted.split_once(' '))
    });
    let all = first.chain(later).flat_map(|(group, permissions)| {
        permissions.split("; ").map(move |permission| format!("{group} {permission}"))
    });
    all.filter(|granted| !granted.ends_with("dry-run") && !granted.contains(" failed ")).collect()
}

/// How Drawbridge hears of what has happened, or of something else, or of nothing.
pub(super) fn news(dice: &mut Dice, size: Size, story: &Story, world: &World) -> String {
    match dice.below(24) {
        0..=6 => "deliver".to_owned(),
        7..=9 => format!("deliver {}", call(dice, size, story, world)),
        10 => "deliver again".to_owned(),
        11..=13 => format!("notify {}", call(dice, size, story, world)),
        14 => {
            let state = dice.pick(&["stopped", "running", "stopping", "terminated"]);
            format!("state-change i-{} {state}", dice.between(1, size.instances))
        }
        15 => format!("deliver file {}", file(dice)),
        16 => "apply".to_owned(),
        17 => "apply --accept-limits".to_owned(),
        18 => "uninstall".to_owned(),
        _ => "schedule".to_owned(),
    }
}

/// An odd file. Few are bombs: whoever unpacks one as far as `aws.log_size_max` is busy for longer than a whole story takes.
fn file(dice: &mut Dice) -> &'static str {
    if dice.one_in(60) {
        return "bomb";
    }
    dice.pick(&["truncated", "not-json", "missing", "forbidden", "digest", "insight"])
}
