//! Every exit status that a command can have, met by the binary itself.

use std::time::Duration;

use drawbridge::exit::{
    Exit::{self, Attention, Done, Failed},
    MEANINGS,
};
use drawbridge_simulator::world::Tree;

use crate::{
    stage::{Ended, Stage, in_real_time},
    watch::{stopped, until},
};

/// A world in which something is done that ends so.
async fn ended(command: &str, exit: Exit) -> Ended {
    let stage = Stage::new().await;
    let at_work = async || {
        let stage = Stage::new().await.with_work();
        assert_eq!(stage.run(&["apply"]).await.status, Some(0));
        stage
    };
    match (command, exit) {
        ("plan" | "apply", Done) => stage.run(&[command]).await,
        ("plan", Attention) => stage.with_work().run(&["plan"]).await,
        ("apply", Attention) => stage.with_work().set("DRAWBRIDGE_MODE", "observe").run(&["apply"]).await,
        ("explain", Done) => stage.run(&["explain", "Clean up"]).await,
        ("explain", Failed) => stage.run(&["explain", "no such rule"]).await,
        ("watch", Done) => {
            let program = stage.start(&["watch", "--every", "1h"]);
            until(&stage, &program, "looked", || program.said(&stage, None).stderr.contains("in sync")).await;
            stopped(&stage, program, "TERM").await
        }
        ("watch", Failed) => stage.run(&["watch", "--bucket", "nowhere"]).await,
        ("doctor", Done) => {
            in_real_time(&stage);
            stage.run(&["doctor"]).await
        }
        ("doctor", Attention) => {
            in_real_time(&stage);
            stage.tell("admin admin rule theirs untrust:any -> trust:any deny");
            stage.run(&["doctor"]).await
        }
        ("uninstall" | "adopt", Done) => stage.run(&[command, "--yes"]).await,
        ("uninstall", Attention) => at_work().await.run(&["uninstall", "--dry-run"]).await,
        ("adopt", Attention) => {
            stage.tell("admin admin rule i-web-2 untrust:any -> trust:172.20.200.225 app ssl allow");
            stage.tell("admin admin commit all");
            stage.run(&["adopt", "--dry-run"]).await
        }
        ("plan" | "apply" | "doctor" | "uninstall" | "adopt", Failed) => {
            stage.set("PANOS_API_KEY", "bm90IHRoZSBrZXk=").run(&[command]).await
        }
        ("settings", Done) => stage.run(&["settings"]).await,
        ("completions", Done) => stage.run(&["completions", "bash"]).await,
        ("settings" | "completions", Failed) => stage.run(&[command, "dos"]).await,
        _ => panic!("nobody has tried how `{command}` ends with {exit:?}"),
    }
}

#[tokio::test]
async fn every_status_of_every_command_is_met() {
    for (command, statuses) in MEANINGS {
        for (exit, meaning) in *statuses {
            let ended = ended(command, *exit).await;
            assert_eq!(ended.status, Some(exit.status().into()), "{command}: {meaning}: {ended:#?}");
        }
    }
}

/// A signal kills a run, as Ctrl-C does, and the next one goes on from what it finds. (Whoever runs tests in the background may
/// have told all its children to ignore Ctrl-C.)
#[tokio::test]
async fn a_run_that_is_killed_is_finished_by_the_next() {
    let stage = Stage::new().await.with_work();
    stage.world.lock().firewall_settings().commit_takes = Duration::from_secs(60 * 60);
    let program = stage.start(&["apply", "--within", "2h"]);
    let written = || stage.world.lock().rules(Tree::Candidate).len() == 5;
    until(&stage, &program, "written", written).await;
    let asked = std::process::Command::new("kill").args(["-TERM", &program.id().to_string()]).status().unwrap();
    assert!(asked.success());
    let killed = program.end(&stage).await;
    // A shell says 143, and 130 after Ctrl-C.
    assert_eq!((killed.status, stage.running_rules().len()), (None, 4), "{killed:#?}");
    stage.world.lock().firewall_settings().commit_takes = Duration::from_secs(1);
    stage.tell("wait 1h");
    let next = stage.run(&["apply"]).await;
    assert_eq!((next.status, stage.running_rules().len()), (Some(0), 5), "{next:#?}");
}
