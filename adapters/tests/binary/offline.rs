//! Plans from files: no network, no credentials.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, TcpListener},
};

use expect_test::expect;

use crate::site::{Site, configuration, rule};

#[test]
fn a_plan_is_a_table() {
    let planned = Site::new().plan(&[]);
    assert_eq!((planned.status, planned.stderr.as_str()), (Some(2), ""), "{planned:#?}");
    expect![[r#"
        4 changes: 1 service to create, 2 rules to add, 1 rule to delete
        2 atoms wanted, 1 interface exposed, 1 of 2 rules are ours

        objects
          + service tcp_8443

        rules, new and moved ones directly above `Clean up`
            name      from     to     source          destination  application  service
          + sg-web-1  untrust  trust  any             10.0.0.10    ssl          application-default
              sg-web wants it; nothing allows 0.0.0.0 -> 10.0.0.10 tcp 443 (ssl)
          + sg-web-2  untrust  trust  203.0.113.0/24  10.0.0.10    any          tcp_8443
              sg-web wants it; nothing allows 203.0.113.0 -> 10.0.0.10 tcp 8443
          - sg-old-1  untrust  trust  203.0.113.7     10.0.9.9     any          any
              nothing of it is wanted any more

        left out
          not exposed, its instance is not on: eni-1 of i-1, eni-2 of i-2, eni-3 of i-3 and 1 more
          no rule, the peer is inside: sg-web tcp 22 with 10.0.0.0/16

        `--all` prints what is cut short here
    "#]]
    .assert_eq(&planned.stdout);
}

#[test]
fn who_only_observes_sees_what_would_be_done() {
    let site = Site::new().set("DRAWBRIDGE_MODE", "observe");
    let planned = site.plan(&[]);
    assert_eq!((planned.status, planned.stderr.as_str()), (Some(2), ""), "{planned:#?}");
    expect![[r#"
        nothing is changed; withheld: 2 rules to add, 1 rule to delete
        2 atoms wanted, 1 interface exposed, 1 of 2 rules are ours

        withheld, 3 changes: `mode = "observe"` changes nothing
            name      from     to     source          destination  application  service
          + sg-web-1  untrust  trust  any             10.0.0.10    ssl          application-default
              sg-web wants it; nothing allows 0.0.0.0 -> 10.0.0.10 tcp 443 (ssl)
          + sg-web-2  untrust  trust  203.0.113.0/24  10.0.0.10    any          tcp_8443
              sg-web wants it; nothing allows 203.0.113.0 -> 10.0.0.10 tcp 8443
          - sg-old-1  untrust  trust  203.0.113.7     10.0.9.9     any          any
              nothing of it is wanted any more

        left out
          not exposed, its instance is not on: eni-1 of i-1, eni-2 of i-2, eni-3 of i-3 and 1 more
          no rule, the peer is inside: sg-web tcp 22 with 10.0.0.0/16

        `--all` prints what is cut short here
    "#]]
    .assert_eq(&planned.stdout);
}

#[test]
fn nothing_to_change() {
    let site = Site::new();
    let open = rule("all in", "trust", "any", "any", "allow", "");
    site.write("running-config.xml", configuration(&(open + &rule("Clean up", "any", "any", "any", "deny", ""))));
    let planned = site.plan(&[]);
    assert_eq!((planned.status, planned.stderr.as_str()), (Some(0), ""), "{planned:#?}");
    assert!(planned.stdout.starts_with("nothing to change\n"), "{planned:#?}");
}

#[test]
fn a_large_account_is_a_few_lines_unless_one_asks_for_all() {
    let site = Site::with_machines_off(3000);
    let brief = site.plan(&[]).stdout;
    assert!(
        brief.lines().count() < 30 && brief.contains("eni-1 of i-1, ") && brief.contains(" and 2997 more"),
        "{brief}"
    );
    let whole = site.plan(&["--all"]).stdout;
    assert!(whole.lines().count() > 3000 && whole.contains("\n      eni-2999 of i-2999\n") && !whole.contains("--all"));
}

/// Everything that could be asked is a port here, at which nobody may knock.
#[test]
fn nobody_is_asked() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut site = Site::new();
    for variable in
        ["AWS_ENDPOINT_URL", "PANOS_HOSTNAME", "HTTP_PROXY", "HTTPS_PROXY", "AWS_EC2_METADATA_SERVICE_ENDPOINT"]
    {
        site = site.set(variable, &url);
    }
    let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:fw-AbCdEf";
    let site =
        site.set("PANOS_API_KEY_SECRET_ARN", arn).set("AWS_ACCESS_KEY_ID", "a").set("AWS_SECRET_ACCESS_KEY", "b");
    let planned = site.plan(&[]);
    assert_eq!((planned.status, planned.stderr.as_str()), (Some(2), ""), "{planned:#?}");
    assert_eq!(planned.stdout, Site::new().plan(&[]).stdout);
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}
