//! What the command line does and says when all is well.

use expect_test::expect;
use serde_json::Value;

use crate::stage::Stage;

#[tokio::test]
async fn what_is_planned_is_applied_and_then_there_is_nothing_left_to_plan() {
    let stage = Stage::new().await;
    let idle = stage.run(&["plan"]).await;
    assert_eq!((idle.status, idle.stderr.as_str()), (Some(0), ""), "{idle:#?}");
    expect![[r#"
        nothing to change
        0 atoms wanted, 0 interfaces exposed, 0 of 4 rules are ours

        left out
          not exposed, its instance is not on: eni-web-2 of i-web-2
          not exposed, it is the firewall's own: eni-fw
    "#]]
    .assert_eq(&stage.short(&idle.stdout));

    let stage = stage.with_work();
    let before = stage.trees();
    let planned = stage.run(&["plan"]).await;
    assert_eq!((planned.status, planned.stderr.as_str()), (Some(2), ""), "{planned:#?}");
    expect![[r#"
        2 changes: 1 tag to create, 1 rule to add
        2 atoms wanted, 1 interface exposed, 0 of 4 rules are ours

        objects
          + tag drawbridge

        rules, new and moved ones directly above `Clean up`
            name                    from     to     source  destination     application  service
          + sg-webserver-1  untrust  trust  any     172.20.200.225  ssl          application-default
              sg-webserver wants it; nothing allows 0.0.0.0 -> 172.20.200.225 tcp 443 (ssl)

        left out
          not exposed, it is the firewall's own: eni-fw
    "#]]
    .assert_eq(&stage.short(&planned.stdout));
    assert!(stage.trees() == before, "a plan has changed the firewall");

    let applied = stage.run(&["apply"]).await;
    assert_eq!((applied.status, applied.stderr.as_str()), (Some(0), ""), "{applied:#?}");
    expect![[r#"
        + tag drawbridge
        + sg-webserver-1  any -> 172.20.200.225  ssl on tcp 443, above `Clean up`
        in sync: 2 changes, 1 commit
    "#]]
    .assert_eq(&stage.short(&applied.stdout));
    assert!(stage.running_rules().contains(&"sg-webserver-1".to_owned()), "{:?}", stage.running_rules());

    assert_eq!(stage.run(&["plan"]).await.status, Some(0));
    let again = stage.run(&["apply"]).await;
    assert_eq!((again.status, again.stdout.as_str()), (Some(0), "in sync\n"));
}

#[tokio::test]
async fn programs_read_json() {
    let stage = Stage::new().await.with_work();
    let planned = stage.run(&["plan", "--json"]).await;
    let plan: Value = serde_json::from_str(&planned.stdout).unwrap();
    assert_eq!((planned.status, &plan["version"], &plan["commit"]), (Some(2), &2.into(), &true.into()));
    let done: Vec<_> = plan["changes"].as_array().unwrap().iter().map(|change| &change["do"]).collect();
    assert_eq!(done, ["create-tag", "add-rule"]);

    let applied = stage.run(&["apply", "--json"]).await;
    let outcome: Value = serde_json::from_str(&applied.stdout).unwrap();
    assert_eq!((applied.status, &outcome["ending"]), (Some(0), &"in sync".into()));
    assert_eq!((&outcome["applied"].as_array().unwrap().len(), &outcome["commits"]), (&2, &serde_json::json!([1])));
}

#[tokio::test]
async fn who_only_observes_withholds() {
    let stage = Stage::new().await.with_work().set("DRAWBRIDGE_MODE", "observe");
    let before = stage.trees();
    for command in ["plan", "apply"] {
        let ended = stage.run(&[command]).await;
        assert_eq!(ended.status, Some(2), "{ended:#?}");
        assert!(ended.stdout.contains("`mode = \"observe\"` changes nothing"), "{ended:#?}");
    }
    assert!(stage.trees() == before);
}

#[tokio::test]
async fn every_step_is_told_to_who_wants_to_know() {
    let stage = Stage::new().await.with_work();
    let applied = stage.run(&["apply", "--verbose"]).await;
    assert_eq!(applied.status, Some(0));
    for command in ["observe", "apply", "observe firewall", "commit", "poll job"] {
        assert!(applied.stderr.contains(&format!("command=\"{command}\"")), "{command}: {applied:#?}");
    }
}

#[tokio::test]
async fn help_and_mistakes_of_usage() {
    let stage = Stage::new().await;
    for arguments in [["--help"], ["--version"], ["help"], ["settings"]] {
        let ended = stage.run(&arguments).await;
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(!ended.stdout.is_empty());
    }
    for arguments in [&[][..], &["aply"], &["plan", "--jsn"], &["apply", "--within", "soon"], &["plan", "--config"]] {
        let ended = stage.run(arguments).await;
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""), "{arguments:?}");
        // Without a command it is the whole help, otherwise one line.
        assert_eq!(ended.stderr.lines().count() == 1, !arguments.is_empty(), "{arguments:?}: {ended:#?}");
    }
}

#[tokio::test]
async fn shells_can_complete() {
    let stage = Stage::new().await;
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = stage.run(&["completions", shell]).await;
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{shell}");
        for word in ["uninstall", "accept-limits", "metrics-addr"] {
            assert!(ended.stdout.contains(word), "{shell} does not know {word}");
        }
    }
    assert_eq!(stage.run(&["completions", "dos"]).await.status, Some(1));
}

#[tokio::test]
async fn as_much_is_logged_as_one_wants() {
    let stage = Stage::new().await.with_work().set("DRAWBRIDGE_LOG", "info");
    assert!(stage.run(&["apply"]).await.stderr.contains("INFO"));
    let stage = stage.set("DRAWBRIDGE_LOG", "off");
    assert_eq!(stage.run(&["apply", "--verbose"]).await.stderr, "");
    let stage = stage.set("DRAWBRIDGE_LOG", "loud");
    expect!["`DRAWBRIDGE_LOG`: `loud` is none of `off`, `error`, `warn`, `info`, `debug`, `trace`"]
        .assert_eq(&stage.fails(&["plan"]).await);
}

/// The program is forced to use colours, as in a pipeline that understands them; who asks for none gets none.
#[tokio::test]
async fn no_colours_for_who_asks_for_none() {
    let stage = Stage::new().await.with_work().set("CLICOLOR_FORCE", "1").set("NO_COLOR", "1");
    assert_eq!(stage.run(&["plan", "--verbose"]).await.status, Some(2));
}

#[tokio::test]
async fn what_limits_withhold_is_let_happen_once() {
    let stage = Stage::new().await.with_work().set("DRAWBRIDGE_LIMITS_ADDITIONS", "0");
    let withheld = stage.run(&["apply"]).await;
    assert_eq!((withheld.status, stage.running_rules().len()), (Some(2), 4), "{withheld:#?}");
    assert!(withheld.stdout.contains("`drawbridge apply --accept-limits`"), "{withheld:#?}");
    let accepted = stage.run(&["apply", "--accept-limits"]).await;
    assert_eq!((accepted.status, stage.running_rules().len()), (Some(0), 5), "{accepted:#?}");
}
