//! Settings by the dice.

use crate::{dice::Dice, world::Tapes};

/// What an event was about, if anything.
pub(crate) fn causes(tapes: &Tapes) -> Vec<String> {
    let mut dice = Dice::of(tapes.settings.split_at(tapes.settings.len() / 2).1);
    let ids = ["sg-1", "i-1", "sg-2", "i-2", "i-77"];
    let drawn = if dice.one_in(2) { dice.some(&ids, 3) } else { Vec::new() };
    drawn.into_iter().map(str::to_owned).collect()
}

/// `key = value`, one a line.
pub(crate) fn settings(tapes: &Tapes) -> String {
    let mut dice = Dice::of(&tapes.settings);
    let mut lines = vec![
        "mode = \"sync\"".to_owned(),
        "firewall.hostname = \"http://127.0.0.1:1\"".to_owned(),
        "firewall.api_key = \"not-asked-for\"".to_owned(),
        "firewall.admin = \"admin\"".to_owned(),
        "policy.owner = \"aws sync\"".to_owned(),
        "policy.bottom_rule = \"Clean up\"".to_owned(),
        "policy.untrust_zone = \"untrust\"".to_owned(),
        "limits.removals_percent = 100".to_owned(),
        "aws.region = \"eu-west-1\"".to_owned(),
    ];
    let gateways = [
        r#"["i-fw"]"#,
        r#"["i-fw", "vpce-1", "tgw-1"]"#,
        r#"["i-fw", "vpce-1", "tgw-1"]"#,
        r#"["eni-fw", "eni-loose", "eni-gone", "vpce-1"]"#,
        r#"["i-fw", "vpce-1", "tgw-1"]"#,
        r#"["tgw-1", "vpce-1"]"#,
    ];
    lines.push(format!("gateways = {}", dice.pick(&gateways)));
    if dice.one_in(4) {
        lines.push("firewall.instances = [\"i-fw\"]".to_owned());
    }
    if dice.one_in(4) {
        lines.push("interfaces = \"all\"".to_owned());
    }
    if dice.one_in(6) {
        lines.push("policy.icmp = \"all\"".to_owned());
    }
    if dice.one_in(6) {
        lines.push("policy.applications = \"any\"".to_owned());
    }
    if dice.one_in(6) {
        lines.push("services.\"tcp/8443\" = \"ssl\"".to_owned());
        lines.push("services.\"tcp/443\" = \"any\"".to_owned());
    }
    if dice.one_in(4) {
        let internal =
            [r#"["10.0.0.0/8"]"#, r#"["8.8.8.0/25", "8.8.8.128/25"]"#, r#"["203.0.113.0/24", "2001:db8:f::/64"]"#];
        lines.push(format!("internal_cidrs = {}", dice.pick(&internal)));
    }
    if dice.one_in(4) {
        lines.push("policy.security_profile_group = \"strict\"".to_owned());
    }
    if dice.one_in(4) {
        lines.push("policy.log_setting = \"siem\"".to_owned());
    }
    let one_zone = dice.one_in(8);
    lines.push(format!("policy.trust_zone = \"{}\"", if one_zone { "untrust" } else { "trust" }));
    if dice.one_in(3) {
        lines.push(format!("directions = {}", dice.pick(&[r#"["ingress", "egress"]"#, r#"["egress"]"#])));
        if dice.one_in(3) {
            lines.push("egress_allow_all = true".to_owned());
        }
    }
    if dice.one_in(3) {
        let scopes = [
            r#"scope.vpcs = ["vpc-a"]"#,
            r#"scope.subnets = ["subnet-a1", "subnet-b1"]"#,
            r#"scope.instance_tags = ["tier=web"]"#,
            r#"scope.instance_tags = ["tier"]"#,
        ];
        lines.extend(dice.some(&scopes, 2).into_iter().map(str::to_owned));
    }
    if dice.one_in(3) {
        lines.push("destination = \"nat\"".to_owned());
    }
    lines.sort_by_key(|line| line.split(" = ").next().map(str::to_owned));
    lines.dedup_by_key(|line| line.split(" = ").next().map(str::to_owned));
    lines.into_iter().map(|line| line + "\n").collect()
}
