//! What the owner of the deployment has decided. Most leave nearly everything as it is.

use super::{dice::Dice, networks, setup::Size, story::Story};

/// Settings that are seldom there, each with how seldom.
const SELDOM: &[(usize, &str)] = &[
    (12, "interfaces = \"all\""),
    (15, "egress_allow_all = true"),
    (12, "internal_cidrs = [\"198.51.100.0/25\", \"172.16.0.0/12\"]"),
    (15, "policy.applications = \"any\""),
    (15, "policy.icmp = \"all\""),
    (12, "policy.security_profile_group = \"strict\""),
    (12, "policy.log_setting = \"fwd\""),
];

pub(super) fn settings(dice: &mut Dice, size: Size) -> Vec<String> {
    let mut lines: Vec<_> = networks::gateways(size).into_iter().collect();
    if dice.one_in(6) {
        lines.push(format!("limits.removals = {}", dice.between(0, 3)));
    }
    if dice.one_in(10) {
        lines.push(format!("limits.additions = {}", dice.between(1, 4)));
    }
    if dice.one_in(12) {
        lines.push(format!("mode = \"{}\"", dice.pick(&["add-only", "observe"])));
    }
    let one_zone = dice.one_in(12);
    if one_zone {
        lines.push("policy.untrust_zone = \"trust\"".to_owned());
    }
    // Where one zone is on both sides, zones do not tell which way a rule goes.
    if dice.one_in(if one_zone { 2 } else { 10 }) {
        lines.push("directions = [\"ingress\", \"egress\"]".to_owned());
    }
    if dice.one_in(10) {
        // By one zone, an address that is never opened may be an instance's own: the judge is stricter there than the decision.
        let never = if one_zone {
            dice.pick(&["\"tcp/22\"", "\"tcp/8000-8005\", \"udp/53\""])
        } else {
            dice.pick(&[
                "\"tcp/22\"",
                "\"tcp/8000-8005\", \"udp/53\"",
                "\"203.0.113.0/24\"",
                "\"tcp/443\", \"198.51.100.7\"",
            ])
        };
        lines.push(format!("never_open = [{never}]"));
    }
    // NAT rules are there as well where nobody asks for what they do.
    if size.nat && !dice.one_in(6) {
        lines.push("destination = \"nat\"".to_owned());
    }
    if dice.one_in(10) {
        lines.push(scope(dice));
    }
    if dice.one_in(10) {
        lines.push(format!("services = {{ {} }}", services(dice)));
    }
    for (times, line) in SELDOM {
        if dice.one_in(*times) {
            lines.push((*line).to_owned());
        }
    }
    lines
}

/// Whose interfaces count.
fn scope(dice: &mut Dice) -> String {
    match dice.below(5) {
        0 => {
            format!("scope.subnets = [{}]", dice.pick(&["\"subnet-1\"", "\"subnet-2\"", "\"subnet-1\", \"subnet-2\""]))
        }
        1 => "scope.vpcs = [\"vpc-1\"]".to_owned(),
        _ => format!("scope.instance_tags = [{}]", dice.pick(&["\"env=prod\"", "\"env\"", "\"env=prod\", \"team\""])),
    }
}

/// The application expected on a port: another one, one where there was none, and none where there was one.
fn services(dice: &mut Dice) -> &'static str {
    dice.pick(&[
        "\"tcp/8443\" = \"ssl\"",
        "\"tcp/443\" = \"any\", \"tcp/22\" = \"any\"",
        "\"tcp/25\" = \"ssl\", \"udp/53\" = \"any\"",
        "\"tcp/8443\" = \"web-browsing\", \"tcp/3389\" = \"ssl\", \"tcp/22\" = \"ssh\"",
        "\"tcp/443\" = \"ssh\", \"tcp/80\" = \"any\", \"udp/53\" = \"ssl\"",
    ])
}

/// Whether what counts depends on the tags of instances.
pub(super) fn asks_for_tags(story: &Story) -> bool {
    story.settings.iter().any(|line| line.starts_with("scope.instance_tags"))
}
