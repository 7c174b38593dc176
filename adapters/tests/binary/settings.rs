//! Settings that cannot be used.

use std::fs;

use expect_test::expect;
use tempfile::NamedTempFile;

use crate::stage::Stage;

/// A settings file, and its name as arguments take it.
fn file(text: &str) -> (NamedTempFile, String) {
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, text).unwrap();
    let name = file.path().to_str().unwrap().to_owned();
    (file, name)
}

#[tokio::test]
async fn everything_wrong_with_them_is_said_at_once() {
    let stage = Stage::new()
        .await
        .unset("DRAWBRIDGE_POLICY_BOTTOM_RULE")
        .set("DRAWBRIDGE_POLICY_BOTOM_RULE", "Clean up")
        .set("DRAWBRIDGE_FIREWALL_FINGERPRINT", "AB:CD")
        .set("DRAWBRIDGE_FIREWALL_API_KEY_FILE", "key")
        .set("DRAWBRIDGE_MODE", "on");
    let (_kept, name) = file("[policy]\nowner = \"drawbridge\"\ncolour = \"red\"\n");
    let ended = stage.run(&["apply", "--config", &name]).await;
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""), "{ended:#?}");
    expect![[r#"
        error: the settings cannot be used:
          `policy.colour` (drawbridge.toml): there is no such setting, remove it
          `DRAWBRIDGE_POLICY_BOTOM_RULE`: there is no such setting, did you mean `DRAWBRIDGE_POLICY_BOTTOM_RULE`?
          `mode` (DRAWBRIDGE_MODE): `on` is none of `observe`, `add-only`, `sync`
          `policy.bottom_rule` is missing: set it or `DRAWBRIDGE_POLICY_BOTTOM_RULE` (the administrator's rule above which ours stand)
          `firewall.api_key` (PANOS_API_KEY) and `firewall.api_key_file` (DRAWBRIDGE_FIREWALL_API_KEY_FILE) cannot be meant together: keep one of them
          `firewall.fingerprint` (DRAWBRIDGE_FIREWALL_FINGERPRINT): it is no SHA-256 fingerprint: give 64 hexadecimal digits, with or without colons
    "#]].assert_eq(&ended.stderr.replace(&name, "drawbridge.toml"));
}

#[tokio::test]
async fn a_file_that_cannot_be_read() {
    let stage = Stage::new().await;
    let said = stage.fails(&["plan", "--config", "/nowhere/drawbridge.toml"]).await;
    expect!["the settings file `/nowhere/drawbridge.toml` cannot be read: No such file or directory (os error 2)"]
        .assert_eq(&said);

    // The key of the firewall may stand in the file, on whichever line the mistake is.
    let key = stage.world.lock().key().to_owned();
    let (_kept, name) = file(&format!("mode = \"sync\"\nfirewall.api_key = {key}\"\n"));
    let ended = stage.run(&["plan", "--config", &name]).await;
    assert_eq!(ended.status, Some(1));
    expect![[r#"
        error: the settings cannot be used:
          drawbridge.toml is not TOML, at line 2: unexpected key or value, expected newline, `#`
    "#]]
    .assert_eq(&ended.stderr.replace(&name, "drawbridge.toml"));
}

#[tokio::test]
async fn a_key_that_cannot_be_had() {
    let stage =
        Stage::new().await.unset("PANOS_API_KEY").set("DRAWBRIDGE_FIREWALL_API_KEY_FILE", "/nowhere/firewall.key");
    expect!["cannot read the API key from `/nowhere/firewall.key`: No such file or directory (os error 2); check `firewall.api_key_file`"].assert_eq(&stage.fails(&["plan"]).await);

    let (kept, name) = file("two words");
    let stage = stage.set("DRAWBRIDGE_FIREWALL_API_KEY_FILE", &name);
    expect!["`firewall.key` holds no API key: it holds blanks, control characters or letters beyond ASCII: a key is one line of base64"].assert_eq(&stage.fails(&["plan"]).await.replace(&name, "firewall.key"));

    fs::write(&kept, format!("{}\n", stage.world.lock().key())).unwrap();
    assert_eq!(stage.run(&["plan"]).await.status, Some(0));
}

#[tokio::test]
async fn a_file_and_the_environment_go_together() {
    let stage = Stage::new().await.with_work().unset("DRAWBRIDGE_MODE");
    let (_kept, name) = file("mode = \"observe\"\n[policy]\nowner = \"somebody else\"\n");
    let observed = stage.run(&["plan", "--config", &name]).await;
    assert!(observed.stdout.starts_with("nothing is changed; withheld: 1 rule to add\n"), "{observed:#?}");
    let stage = stage.set("DRAWBRIDGE_CONFIG", &name).set("DRAWBRIDGE_MODE", "sync");
    let planned = stage.run(&["plan"]).await;
    assert!(planned.stdout.contains("\n  + tag drawbridge\n"), "{planned:#?}");
}

#[tokio::test]
async fn aws_must_be_told_apart_from_nowhere() {
    let stage = Stage::new().await.unset("AWS_REGION");
    expect!["the region is not known: set `aws.region` or `AWS_REGION`"].assert_eq(&stage.fails(&["plan"]).await);
    let stage = stage.set("AWS_REGION", "eu-west-1").unset("AWS_ACCESS_KEY_ID");
    expect!["AWS does not accept the credentials of `DescribeVpcs` (none can be had): renew them, and check the clock"]
        .assert_eq(&stage.fails(&["plan"]).await);
}
