//! Questions, answered from files.

use expect_test::{Expect, expect};

use crate::site::Site;

#[track_caller]
fn check(arguments: &[&str], expected: &Expect) {
    let ended = Site::new().explain(arguments);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:#?}");
    expected.assert_eq(&ended.stdout);
}

#[track_caller]
fn check_error(arguments: &[&str], expected: &Expect) {
    let ended = Site::new().explain(arguments);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""), "{ended:#?}");
    expected.assert_eq(&ended.stderr);
}

#[test]
fn an_instance_a_group_and_rules() {
    check(
        &["i-0"],
        &expect![[r#"
        eni-0 (10.0.0.10) in subnet-1 of vpc-1: exposed
          exposed by IPv4: rtb-1 sends internet-bound traffic to vpce-fw
          sg-web (web)
            wants any -> 10.0.0.10  ssl on tcp 443: sg-web-1 is to be added
              sg-web wants it; nothing allows 0.0.0.0 -> 10.0.0.10 tcp 443 (ssl)
            wants 203.0.113.0/24 -> 10.0.0.10  tcp 8443: sg-web-2 is to be added
              sg-web wants it; nothing allows 203.0.113.0 -> 10.0.0.10 tcp 8443
            tcp 22 with 10.0.0.0/16 leads to no rule: the peer is inside
    "#]],
    );
    check(
        &["i-1"],
        &expect![[r#"
        eni-1 (10.0.0.11) in subnet-1 of vpc-1: not exposed
          not exposed by IPv4: i-1 is not on
    "#]],
    );
    check(
        &["sg-web"],
        &expect![[r#"
        sg-web (web) is on 5 interfaces, 1 of them exposed
        wants 203.0.113.0/24 -> 10.0.0.10  tcp 8443: sg-web-2 is to be added
          sg-web wants it; nothing allows 203.0.113.0 -> 10.0.0.10 tcp 8443
        wants any -> 10.0.0.10  ssl on tcp 443: sg-web-1 is to be added
          sg-web wants it; nothing allows 0.0.0.0 -> 10.0.0.10 tcp 443 (ssl)
        tcp 22 with 10.0.0.0/16 leads to no rule: the peer is inside
    "#]],
    );
    check(
        &["Clean", "up"],
        &expect![[r#"
        2 of 2, the bottom rule: any -> any, any -> any, application any, service any: deny
        not ours: read and honoured, never touched
    "#]],
    );
    check(
        &["sg-old-1"],
        &expect![[r#"
        1 of 2, above the bottom rule `Clean up`: untrust -> trust, 203.0.113.7 -> 10.0.9.9, application
            any, service any: allow
        ours, as we write it
        planned: - sg-old-1
          nothing of it is wanted any more
    "#]],
    );
    check(
        &["sg-web-2"],
        &expect![[r#"
        planned: + sg-web-2  203.0.113.0/24 -> 10.0.0.10  tcp 8443, above `Clean up`
          sg-web wants it; nothing allows 203.0.113.0 -> 10.0.0.10 tcp 8443
    "#]],
    );
}

#[test]
fn packets() {
    check(
        &["198.51.100.7 10.0.0.10 tcp/443"],
        &expect![[r#"
        198.51.100.7 -> 10.0.0.10 tcp 443, from untrust to trust: denied by rule `Clean up`
        sg-web wants any -> 10.0.0.10  ssl on tcp 443: sg-web-1 is to be added
          sg-web wants it; nothing allows 0.0.0.0 -> 10.0.0.10 tcp 443 (ssl)
    "#]],
    );
    check(
        &["198.51.100.7", "10.0.0.10", "tcp/443", "ssl"],
        &expect![[r#"
        198.51.100.7 -> 10.0.0.10 tcp 443 (ssl), from untrust to trust: denied by rule `Clean up`
        sg-web wants any -> 10.0.0.10  ssl on tcp 443: sg-web-1 is to be added
          sg-web wants it; nothing allows 0.0.0.0 -> 10.0.0.10 tcp 443 (ssl)
    "#]],
    );
}

#[test]
fn programs_read_the_same_answer_as_json() {
    check(
        &["--json", "198.51.100.7 10.0.0.10 tcp/81"],
        &expect![[r#"
        {
          "explanation": [
            {
              "because": [],
              "what": "198.51.100.7 -> 10.0.0.10 tcp 81, from untrust to trust: denied by rule `Clean up`"
            },
            {
              "because": [],
              "what": "no security group of an exposed interface wants it"
            }
          ],
          "version": 1
        }
    "#]],
    );
}

#[test]
fn what_cannot_be_explained() {
    check_error(
        &["i-404"],
        &expect![[r#"
        error: instance `i-404` is not listed in eu-west-1: check the id, `aws.region` and the credentials
    "#]],
    );
    check_error(
        &["sg-404"],
        &expect![[r#"
        error: security group `sg-404` is not listed in eu-west-1: check the id, `aws.region` and the credentials
    "#]],
    );
    check_error(
        &["no such rule"],
        &expect![[r#"
        error: there is no rule `no such rule` on the firewall, and none is planned: names are case-sensitive, and of an interface (`eni-…`) give the instance
    "#]],
    );
    check_error(
        &["198.51.100.7 10.0.0.10 tcp/0"],
        &expect![[r#"
        error: `198.51.100.7 10.0.0.10 tcp/0` is nothing that can be explained: give an instance (`i-…`), a security group (`sg-…`), the name of a rule, or a packet (`198.51.100.7 10.0.1.10 tcp/443`, with its application after that if it is known)
    "#]],
    );
}
