//! Rules of the function of 2016 become ours, and are kept from then on.

use expect_test::expect;
use serde_json::Value;

use crate::stage::Stage;

/// A world in which the function has been at work: one rule that is called for, one that is not, and one of somebody's own
/// that only looks alike.
async fn of_2016() -> Stage {
    let stage = Stage::new().await.with_work();
    let allow = |name: &str, to: &str| {
        stage.tell(&format!(
            "admin admin rule {name} untrust:any -> trust:{to} app ssl service application-default allow"
        ));
        stage.tell(&format!("admin admin move {name} before \"Clean up\""));
    };
    allow("i-web-2", "172.20.200.225");
    allow("sg-webserver-3", "172.20.200.99");
    allow("eni-not-theirs", "172.20.200.98");
    stage.tell("admin admin commit all");
    stage
}

#[tokio::test]
async fn they_get_our_tag_and_are_kept_from_then_on() {
    let stage = of_2016().await;
    let before = stage.trees();
    let shown = stage.run(&["adopt", "--dry-run"]).await;
    assert_eq!((shown.status, shown.stderr.as_str()), (Some(2), ""), "{shown:#?}");
    expect![[r#"
        3 changes: 1 tag to create, 2 rules to adopt
        0 of 7 rules are ours

        objects
          + tag drawbridge

        rules to adopt
          ~ i-web-2, renamed i-web-2-1 and tagged drawbridge
          ~ sg-webserver-3, tagged drawbridge
    "#]]
    .assert_eq(&stage.short(&shown.stdout));
    let unconfirmed = stage.run(&["adopt"]).await;
    assert_eq!(unconfirmed.status, Some(1));
    assert!(unconfirmed.stderr.contains("look at `drawbridge adopt --dry-run`, then give `--yes`"), "{unconfirmed:#?}");
    assert!(stage.trees() == before, "nothing was confirmed");

    let done = stage.run(&["adopt", "--yes", "--json"]).await;
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((done.status, &document["ending"]), (Some(0), &"in sync".into()), "{done:#?}");
    let rules = stage.running_rules();
    assert_eq!(&rules[3..], ["i-web-2-1", "sg-webserver-3", "eni-not-theirs", "Clean up"]);
    assert_eq!(stage.run(&["adopt", "--dry-run"]).await.status, Some(0));

    // What is called for stays as it is, what is not goes.
    let applied = stage.run(&["apply"]).await;
    assert_eq!(applied.status, Some(0), "{applied:#?}");
    assert_eq!(&stage.running_rules()[3..], ["i-web-2-1", "eni-not-theirs", "Clean up"]);
    expect![[r#"
        - sg-webserver-3
        in sync: 1 change, 1 commit
    "#]]
    .assert_eq(&stage.short(&applied.stdout));
}

#[tokio::test]
async fn only_some_of_them_and_none_that_others_work_on() {
    let stage = of_2016().await;
    let name = stage.real("sg-webserver-3");
    let shown = stage.run(&["adopt", "--dry-run", "--json", &name]).await;
    let document: Value = serde_json::from_str(&shown.stdout).unwrap();
    let names: Vec<_> = document["changes"].as_array().unwrap().iter().map(|change| &change["name"]).collect();
    assert_eq!(names, ["drawbridge", &*name]);
    let misspelt = stage.fails(&["adopt", "--yes", &name, "sg-0123", "Clean up"]).await;
    expect!["there is no rule `Clean up`, `sg-0123` to adopt: `drawbridge adopt --dry-run` shows those that there are"]
        .assert_eq(&misspelt);
    stage.tell("admin admin edit i-web-2 description theirs");
    let done = stage.run(&["adopt", "--yes"]).await;
    assert_eq!(done.status, Some(2), "{done:#?}");
    assert!(stage.short(&done.stdout).contains("note: i-web-2 has uncommitted work of `admin`"), "{done:#?}");
    // Who only looks is told as well that it is not done.
    assert_eq!(stage.run(&["adopt", "--dry-run"]).await.status, Some(2));
    let last = done.stdout.lines().last().unwrap();
    expect!["not all of these rules are ours now, the notes say why: 2 changes, 1 commit"].assert_eq(last);
    assert!(stage.running_rules().contains(&"i-web-2".to_owned()));
}
