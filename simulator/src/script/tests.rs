use proptest::prelude::*;

use super::*;

/// What a line stands for, printed.
fn printed<T: fmt::Display>(line: &str, take: fn(&mut Words) -> Parsed<T>) -> Parsed<String> {
    let statements = read_all(1, line, take)?;
    Ok(statements.iter().map(|statement| statement.what.to_string()).collect::<Vec<_>>().join("\n"))
}

#[test]
fn cloud_lines_are_printed_as_they_are_read() {
    for line in [
        "account 111122223333",
        "region eu-west-1",
        "vpc vpc-main 172.20.0.0/16, 2001:db8::/56",
        "subnet subnet-web 172.20.200.0/24 in vpc-main",
        "route-table rtb-web in vpc-main main for subnet-a, subnet-b",
        "route-table rtb-web",
        "route rtb-web 0.0.0.0/0 -> eni-fw",
        "route rtb-web ::/0 -> vpce-1",
        "sg sg-web in vpc-main",
        "sg sg-web allow tcp/443 from 0.0.0.0/0, 10.0.0.5/8, sg-x, pl-y",
        "sg sg-web allow tcp to 0.0.0.0/0; udp/5000-5010 to ::/0; icmp/8/0 to sg-x; all to sg-x; ip/47 to sg-x",
        "sg sg-web allow icmp from sg-x; icmpv6/128 from sg-x; icmp/-1/3 from sg-x",
        "instance i-web 10.0.1.10, 2001:db8::1 sg-a, sg-b in subnet-1 running",
        "interface eni-2 10.0.2.10 sg-a of i-web in subnet-b",
        "interface eni-2 10.0.2.10 sg-a",
        "prefix-list pl-office 203.0.113.0/24, 198.51.100.0/24",
        "states take 1m30s",
        "page-size 5",
    ] {
        assert_eq!(printed(line, CloudLine::take).as_deref(), Ok(line));
    }
}

#[test]
fn firewall_lines_are_printed_as_they_are_read() {
    for line in [
        "version 10.2.9-h1",
        "commit takes 3s",
        "zone \"my dmz\"",
        "profile-group strict",
        "log-setting fwd",
        "tag x",
        "admin alice",
        "ha passive",
        "service svc-web tcp/80,8000-8010",
        "service-group web svc-web,\"svc alt\"",
        "address a1 10.0.0.0/24",
        "address a2 10.0.0.1-10.0.0.9",
        "address a3 fqdn:www.example.com",
        "address-group g a1,a2",
        "rule \"web access in\" untrust:any -> trust:any app ssl,web-browsing service tcp/80,81,8000 allow",
        "rule block 203.0.113.0/24 -> any deny",
        "rule v6 2001:db8::/32 -> untrust,dmz:2001:db8::/32,10.0.0.1 service application-default drop",
        "rule all any -> \"my dmz:any\" service svc-web allow disabled tag a,b user u schedule s profile p log l \
         description \"why, \\\"so\\\"\"",
        "nat \"web in\" untrust:any -> untrust:203.0.113.7 service tcp/443 to 10.0.1.10:8443",
        "nat range any -> 203.0.113.0/30 to \"the farm\"",
        "nat out trust:10.0.1.10 -> untrust:any service svc-web static 203.0.113.7 bidirectional disabled",
        "nat one trust:10.0.1.10 -> any static 203.0.113.7",
        "nat none 10.0.0.0/8 -> any",
        "xml rulebase/security/rules/entry[@name='x'] \"<a> </a>\"",
    ] {
        assert_eq!(
            printed(line, FirewallLine::take).as_deref(),
            Ok(line.replace("\"my dmz:any\"", "\"my dmz\":any").as_str())
        );
    }
}

#[test]
fn deeds_are_printed_as_they_are_read() {
    for line in [
        "call StartInstances i-1 i-2",
        "call StopInstances i-1 failed Client.UnauthorizedOperation",
        "call TerminateInstances i-1 dry-run",
        "call RunInstances i-new 10.0.1.20 sg-web in subnet-1 pending",
        "call AuthorizeSecurityGroupIngress sg-web tcp/22 from 0.0.0.0/0; tcp/8080 from 1.2.3.0/24",
        "call RevokeSecurityGroupEgress sg-web all to 0.0.0.0/0 failed Client.InvalidPermission.NotFound",
        "call AuthorizeSecurityGroupIngress GroupId=sg-web IpProtocol=tcp FromPort=22 ToPort=22 CidrIp=0.0.0.0/0",
        "call DescribeInstances",
        "call CreateTags ResourceId.1=i-1 Tag.1.Key=Name \"Tag.1.Value=web server\"",
        "deliver",
        "deliver StartInstances i-1",
        "deliver again",
        "deliver file truncated",
        "notify StopInstances i-1",
        "state-change i-1 shutting-down",
        "schedule",
        "apply",
        "apply --accept-limits",
        "wait 30m",
        "admin alice rule x any -> any deny before \"Clean up\"",
        "admin alice rule x any -> any deny bottom",
        "admin alice edit \"web in\" disabled yes",
        "admin alice edit \"web in\" destination 10.0.0.1,10.0.0.2",
        "admin alice delete \"web in\"",
        "admin alice move \"web in\" after x",
        "admin alice rename \"web in\" y",
        "admin alice xml tag/entry[@name='x'] <color>color1</color>",
        "admin alice commit",
        "admin alice commit all",
        "admin alice revert",
        "admin alice lock config maintenance",
        "admin alice lock commit",
        "admin alice unlock commit",
        "uninstall",
        "before commit 1 uninstall",
        "fault fetch 1 s3 503",
        "fault observe always ec2 RequestLimitExceeded",
        "fault apply 2 panos error 13 \"lock held by alice\"",
        "fault commit 1 lost answer",
        "fault poll 1 not sent",
        "fault revert 1 kill before",
        "fault commit 1 fail over",
        "fault observe 1 http 502",
        "fault observe 1 html",
        "fault observe 1 half",
        "fault observe 1 slow",
        "fault poll 1 content type",
        "fault request 7 half",
        "fault request always not sent",
        "fault fetch 1 aws half",
        "fault fetch 1 aws slow",
        "fault observe 1 aws empty",
        "fault observe 1 aws same page",
        "fault job 1 fail \"Validation Error:\" Failed",
        "show rules",
        "show rules candidate",
        "show pending",
        "show calls",
    ] {
        assert_eq!(printed(line, Deed::take).as_deref(), Ok(line));
    }
}

const STORY: &str = "\
# Why it exists.
#
# More of it.
wire

cloud
instance i-web-{1..2} 10.0.1.{10..11} sg-web  # two of them
firewall
rule clean-up any -> any deny
settings
policy.bottom_rule = \"clean-up\"
----

deliver StartInstances i-web-1
fault job 1 fail x
----
 one line
another
";

#[test]
fn a_story_is_printed_as_it_was_written() {
    let mut story = Script::parse("story", STORY).unwrap();
    assert_eq!(story.to_string(), STORY);
    assert_eq!(Script::parse("story", &format!("\n\n{STORY}\n").replace("\n\n", "\n\n\n")).unwrap().blocks.len(), 2);
    assert_eq!(story.medium, Medium::Wire);
    assert_eq!(story.setup.cloud.len(), 2);
    assert_eq!(story.setup.settings, "policy.bottom_rule = \"clean-up\"\n");
    assert_eq!((story.blocks[1].line, story.blocks[1].deeds.len()), (14, 2));

    story.blocks[1].expected = vec!["new".to_owned()];
    assert_eq!(Script::parse("story", &story.to_string()).unwrap(), story);
}

#[test]
fn a_story_knows_its_names() {
    let story = Script::parse("story", STORY).unwrap();
    let names = story.names(&story.setup.cloud);
    let real = names.lengthen("i-web-1-1 eni-web-2 sg-web-3");
    assert!(!real.contains("web"), "{real}");
    assert_eq!(names.shorten(&real), "i-web-1-1 eni-web-2 sg-web-3");
}

#[test]
fn mistakes_name_line_and_remedy() {
    for (text, mistake) in [
        ("cloud\ninstance web 10.0.0.1 sg-1\n----\n", "x:2: `web` is not an instance id: these begin with `i-`"),
        ("# a\n\nschedule\n", "x:3: the block that begins here has no `----`; end its input with one"),
        ("schedule\n----\n\ncloud\n----\n", "x:4: a set-up section after deeds; move it to the beginning of the story"),
        ("firewall\nrule a any > any deny\n----\n", "x:2: expected `->`, found `>`"),
        ("firewall\nrule clean up any -> any deny\n----\n", "x:2: expected `->`, found `any`"),
        (
            "firewall\nnat a any -> any service a,b to 10.0.0.1\n----\n",
            "x:2: a NAT rule has one service; name a service group for more",
        ),
        (
            "firewall\nnat a any -> any to 10.0.0.1 bidirectional\n----\n",
            "x:2: did not expect `bidirectional` here; quote names that hold blanks",
        ),
        ("call StartInstances\n----\n", "x:1: expected an id such as `i-1`, found the end of the line"),
        (
            "fault fetch 1 html\n----\n",
            "x:1: `html` cannot happen to fetch: `s3` meets fetch, `ec2`, `stale`, `torn` and `aws same page` meet observe, `aws` meets fetch and observe, a kill and `content type` meet anything, all else \
             what talks to the firewall; a request meets what is about one and its answer",
        ),
        ("wait 3\n----\n", "x:1: `3` is not a span of time such as `30s` or `1h30m`"),
        (
            "deliver AuthorizeSecurityGroupIngress sg-1 tcp/1 to 1.2.3.4/32\n----\n",
            "x:1: `AuthorizeSecurityGroupIngress` has the wrong direction: ingress permissions say `from`, egress ones `to`",
        ),
    ] {
        let found = Script::parse("x", text).map_err(|mistake| mistake.to_string());
        assert_eq!(found.map(|script| script.to_string()), Err(mistake.to_owned()));
    }
}

proptest! {
    #[test]
    fn whatever_is_read_is_printed_and_read_again(lines in proptest::collection::vec("\\PC{0,40}", 0..12)) {
        let text = lines.join("\n");
        if let Ok(story) = Script::parse("x", &text) {
            prop_assert_eq!(Script::parse("x", &story.to_string()), Ok(story));
        }
    }

    #[test]
    fn no_line_is_too_odd(
        first in "(cloud|firewall|settings|call|deliver|admin a|fault|show|sg sg-1 allow|rule a|nat a any|instance i-1)",
        rest in "[ a-z0-9:,;/\"\\\\{}.>#-]{0,40}",
    ) {
        let line = format!("{first} {rest}");
        let _ = (read_all(1, &line, Deed::take), read_all(1, &line, CloudLine::take), read_all(1, &line, FirewallLine::take));
    }
}
