//! Nothing of ours is left, and nothing of others is touched.

use expect_test::expect;
use serde_json::Value;

use crate::stage::Stage;

/// A world in which rules, a service object and the tag of ours are in force.
async fn at_work() -> Stage {
    let stage = Stage::new().await.with_work();
    stage.tell("call AuthorizeSecurityGroupIngress sg-webserver tcp/8443 from 0.0.0.0/0");
    assert_eq!(stage.run(&["apply"]).await.status, Some(0));
    assert_eq!(stage.running_rules().iter().filter(|name| name.starts_with("sg-")).count(), 2);
    stage
}

/// Whether candidate and running configuration hold this text.
fn holds(stage: &Stage, text: &str) -> [bool; 2] {
    stage.trees().map(|tree| tree.to_string().contains(text))
}

#[tokio::test]
async fn everything_of_ours_goes_and_nothing_else() {
    let untouched = Stage::new().await;
    let stage = at_work().await;
    let before = stage.trees();

    let shown = stage.run(&["uninstall", "--dry-run"]).await;
    assert_eq!((shown.status, shown.stderr.as_str()), (Some(2), ""), "{shown:#?}");
    expect![[r#"
        4 changes: 2 rules to delete, 1 service to delete, 1 tag to delete
        2 of 6 rules are ours

        objects
          - service tcp_8443
          - tag drawbridge

        rules
            name                    from     to     source  destination     application  service
          - sg-webserver-1  untrust  trust  any     172.20.200.225  ssl          application-default
              nothing of ours is to stay
          - sg-webserver-2  untrust  trust  any     172.20.200.225  any          tcp_8443
              nothing of ours is to stay
    "#]]
    .assert_eq(&stage.short(&shown.stdout));
    let shown = stage.run(&["uninstall", "--dry-run", "--json"]).await;
    let document: Value = serde_json::from_str(&shown.stdout).unwrap();
    let done: Vec<_> = document["changes"].as_array().unwrap().iter().map(|change| &change["do"]).collect();
    assert_eq!(done, ["delete-rule", "delete-rule", "delete-service", "delete-tag"]);

    let unconfirmed = stage.run(&["uninstall"]).await;
    assert_eq!(unconfirmed.status, Some(1));
    expect!["error: nobody is there to confirm it: look at `drawbridge uninstall --dry-run`, then give `--yes`\n"]
        .assert_eq(&unconfirmed.stderr);
    assert!(stage.trees() == before, "nothing was confirmed");

    // What was set to protect a deployment does not keep it from leaving, nor does what becomes of AWS.
    let stage = stage
        .set("DRAWBRIDGE_LIMITS_REMOVALS", "0")
        .set("DRAWBRIDGE_MODE", "observe")
        .set("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let gone = stage.run(&["uninstall", "--yes"]).await;
    assert_eq!((gone.status, gone.stderr.as_str()), (Some(0), ""), "{gone:#?}");
    expect![[r#"
        - sg-webserver-1
        - sg-webserver-2
        - service tcp_8443
        - tag drawbridge
        nothing of ours is left: 4 changes, 1 commit
    "#]]
    .assert_eq(&stage.short(&gone.stdout));
    assert_eq!(stage.running_rules(), untouched.running_rules());
    for trace in ["tcp_8443", "drawbridge", &stage.real("sg-webserver")] {
        assert_eq!(holds(&stage, trace), [false, false], "{trace}");
    }
    let again = stage.run(&["uninstall", "--dry-run"]).await;
    assert_eq!(again.status, Some(0), "{again:#?}");
}

#[tokio::test]
async fn what_others_need_or_work_on_stays() {
    let stage = at_work().await;
    stage.tell("admin admin rule theirs untrust:any -> trust:any deny");
    stage.tell("admin admin edit theirs service tcp_8443");
    let held = stage.running_rules().into_iter().find(|name| name.starts_with("sg-")).unwrap();
    stage.tell(&format!("admin admin edit {held} description mine"));
    let gone = stage.run(&["uninstall", "--yes"]).await;
    assert_eq!((gone.status, gone.stderr.as_str()), (Some(2), ""), "{gone:#?}");
    assert!(gone.stdout.contains("has uncommitted work of `admin`: left alone"), "{gone:#?}");
    let last = gone.stdout.lines().last().unwrap();
    expect!["something of ours stays, the notes say why: 1 change, 1 commit"].assert_eq(last);
    assert!(stage.running_rules().contains(&held));
    assert_eq!(stage.running_rules().iter().filter(|name| name.starts_with("sg-")).count(), 1);
    assert_eq!(holds(&stage, "tcp_8443"), [true, true]);
    // Their rule is still theirs to commit.
    assert_eq!(holds(&stage, "\"theirs\""), [true, false]);
    stage.tell("admin admin commit all");
    let gone = stage.run(&["uninstall", "--yes"]).await;
    assert_eq!(gone.status, Some(2), "their rule needs the service");
    assert!(gone.stdout.contains("note: service tcp_8443 stays"), "{gone:#?}");
    assert_eq!(stage.running_rules().iter().filter(|name| name.starts_with("sg-")).count(), 0);
    assert_eq!(holds(&stage, "tcp_8443"), [true, true]);
}

/// A reference that rules do not show: the firewall refuses, and everything else goes.
#[tokio::test]
async fn an_object_that_the_firewall_does_not_let_go_is_named() {
    let stage = at_work().await;
    stage.tell("admin admin xml \"service-group/entry[@name='g']\" \"<members><member>tcp_8443</member></members>\"");
    stage.tell("admin admin commit all");
    let gone = stage.run(&["uninstall", "--yes"]).await;
    assert_eq!((gone.status, gone.stderr.as_str()), (Some(2), ""), "{gone:#?}");
    assert!(gone.stdout.contains("note: service tcp_8443 stays"), "{gone:#?}");
    assert_eq!(stage.running_rules().iter().filter(|name| name.starts_with("sg-")).count(), 0);
}
