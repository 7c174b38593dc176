//! What leads to no rule, by reason: in a large account thousands of interfaces share a few of them.

use std::collections::{BTreeMap, BTreeSet};

use drawbridge_core::{
    change::Direction,
    exposure::Hidden,
    wanted::{LeftOut, WhyNot},
};

use super::{Detail, wrapped};

/// How many of a group are shown in brief.
const SHOWN: usize = 3;

/// One paragraph for each reason; the most general ones come first.
pub(super) fn left_out(all: &BTreeSet<LeftOut>, detail: Detail) -> Vec<String> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    let mut index: BTreeMap<String, usize> = BTreeMap::new();
    for left_out in all {
        let (reason, thing) = parted(left_out);
        let group = *index.entry(reason.clone()).or_insert_with(|| {
            groups.push((reason, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(thing);
    }
    groups.into_iter().map(|(reason, things)| paragraph(&reason, &things, detail)).collect()
}

fn paragraph(reason: &str, things: &[String], detail: Detail) -> String {
    match detail {
        Detail::Whole if things.len() > 1 => {
            let lines = things.iter().map(|thing| format!("      {thing}"));
            format!("  {reason}: {}\n{}", things.len(), lines.collect::<Vec<_>>().join("\n"))
        }
        Detail::Brief | Detail::Whole => {
            let shown = things[..things.len().min(SHOWN)].join(", ");
            let more = match things.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            wrapped(&format!("{reason}: {shown}{more}"), 2, 6)
        }
    }
}

/// Whether some group is longer than what is shown of it in brief.
pub(super) fn is_cut(all: &BTreeSet<LeftOut>) -> bool {
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    all.iter().any(|left_out| {
        let size = sizes.entry(parted(left_out).0).or_default();
        *size += 1;
        *size > SHOWN
    })
}

/// What many may share, and the one thing that it is about.
fn parted(left_out: &LeftOut) -> (String, String) {
    match left_out {
        LeftOut::Hidden(interface, Hidden::Off(instance)) => {
            ("not exposed, its instance is not on".to_owned(), format!("{interface} of {instance}"))
        }
        LeftOut::Hidden(interface, why) => (format!("not exposed, {why}"), interface.to_string()),
        LeftOut::Doubtful(interface, why) => (format!("may be exposed, {why}"), interface.to_string()),
        LeftOut::Permission(group, direction, permission, why) => {
            let way = if *direction == Direction::Egress { "egress " } else { "" };
            (format!("{}, {why}", how_far(why)), format!("{group} {way}{permission}"))
        }
        LeftOut::TwoVpcs(atom, vpc) => {
            (format!("no rule, the address is in several VPCs and {vpc} does not want it"), atom.to_string())
        }
        LeftOut::NeverOpen(atom, _) => ("no rule, `never_open` lists it".to_owned(), atom.to_string()),
        LeftOut::NoNat(atom) => ("no rule, no NAT rule of the firewall leads there".to_owned(), atom.to_string()),
        LeftOut::NatUnsaid(atom, why, _) => (format!("no rule, {why}"), atom.to_string()),
    }
}

/// How much of a permission is left out.
fn how_far(why: &WhyNot) -> &'static str {
    match why {
        WhyNot::PartlyNeverOpen(_) => "opened in part",
        WhyNot::Inside
        | WhyNot::NoPeers
        | WhyNot::Reference
        | WhyNot::AllowsAll
        | WhyNot::Inexpressible(_)
        | WhyNot::NeverOpen(_) => "no rule",
    }
}

#[cfg(test)]
mod tests {
    use drawbridge_core::{
        exposure::Doubt,
        inventory::{Peer, Permission, Traffic},
        range::Range,
    };
    use expect_test::{Expect, expect};

    use super::*;

    fn permission(peer: &str) -> Permission {
        Permission { traffic: Traffic::Tcp(Range::single(443)), peer: Peer::Addresses(peer.parse().unwrap()) }
    }

    #[track_caller]
    fn check(all: impl IntoIterator<Item = LeftOut>, detail: Detail, expected: &Expect) {
        let all = all.into_iter().collect();
        let lines = left_out(&all, detail).join("\n");
        // What an expectation indents every line by would be lost without one that is not indented.
        expected.assert_eq(&format!("{}\n{lines}\n", if is_cut(&all) { "cut:" } else { "whole:" }));
    }

    #[test]
    fn what_shares_a_reason_stands_together() {
        let off = |number: u32| {
            let (interface, instance) =
                (format!("eni-{number}").parse().unwrap(), format!("i-{number}").parse().unwrap());
            LeftOut::Hidden(interface, Hidden::Off(instance))
        };
        let group: drawbridge_core::id::GroupId = "sg-1".parse().unwrap();
        let few = [
            LeftOut::Hidden("eni-fw".parse().unwrap(), Hidden::Firewall),
            LeftOut::Doubtful("eni-9".parse().unwrap(), Doubt::Group(group.clone())),
            LeftOut::Permission(group.clone(), Direction::Ingress, permission("10.0.0.0/8"), WhyNot::Inside),
            LeftOut::Permission(group, Direction::Ingress, permission("10.1.0.0/16"), WhyNot::Inside),
        ];
        let all: Vec<_> = (1..=5).map(off).chain(few.clone()).collect();
        check(
            all.clone(),
            Detail::Brief,
            &expect![[r#"
                cut:
                  not exposed, its instance is not on: eni-1 of i-1, eni-2 of i-2, eni-3 of i-3 and 2 more
                  not exposed, it is the firewall's own: eni-fw
                  may be exposed, sg-1 is not listed: eni-9
                  no rule, the peer is inside: sg-1 tcp 443 with 10.0.0.0/8, sg-1 tcp 443 with 10.1.0.0/16
            "#]],
        );
        check(
            all,
            Detail::Whole,
            &expect![[r#"
                cut:
                  not exposed, its instance is not on: 5
                      eni-1 of i-1
                      eni-2 of i-2
                      eni-3 of i-3
                      eni-4 of i-4
                      eni-5 of i-5
                  not exposed, it is the firewall's own: eni-fw
                  may be exposed, sg-1 is not listed: eni-9
                  no rule, the peer is inside: 2
                      sg-1 tcp 443 with 10.0.0.0/8
                      sg-1 tcp 443 with 10.1.0.0/16
            "#]],
        );
        check(
            few,
            Detail::Brief,
            &expect![[r#"
                whole:
                  not exposed, it is the firewall's own: eni-fw
                  may be exposed, sg-1 is not listed: eni-9
                  no rule, the peer is inside: sg-1 tcp 443 with 10.0.0.0/8, sg-1 tcp 443 with 10.1.0.0/16
            "#]],
        );
    }
}
