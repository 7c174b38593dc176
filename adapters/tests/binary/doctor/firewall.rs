//! The way to the firewall: key, host, certificate, release, active unit.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
};

use axum::{Router, http::StatusCode, routing::post};
use drawbridge_simulator::{
    faults::Command,
    firewall::{Ha, MultiConfig},
    http::tls::Identity,
};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::{NOBODY, check, has, skipped, skipped_from};
use crate::stage::Stage;

/// An answer that says nothing.
const NOTHING: &str = "<response status='success'><result/></response>";

#[tokio::test]
async fn a_file_without_a_key() {
    let unread = skipped_from("firewall reached");
    let stage = Stage::new().await.unset("PANOS_API_KEY").set("DRAWBRIDGE_FIREWALL_API_KEY_FILE", "/nowhere/key");
    let missing = "failure, API key: cannot read the API key from `/nowhere/key`: No such file or directory (os error 2); check `firewall.api_key_file`";
    check(&stage, &[missing, &unread]).await;
    let file = NamedTempFile::new().unwrap();
    fs::write(&file, "not a key").unwrap();
    let path = file.path().to_str().unwrap();
    let stage = stage.set("DRAWBRIDGE_FIREWALL_API_KEY_FILE", path);
    let no_key = format!(
        "failure, API key: `{path}` holds no API key: it holds blanks, control characters or letters beyond ASCII: a key is one line of base64"
    );
    check(&stage, &[&no_key, &unread]).await;
}

/// A world whose key is kept in Secrets Manager, which answers so (Secrets Manager API reference, `GetSecretValue`).
async fn with_secret(status: StatusCode, answer: &Value) -> Stage {
    let text = answer.to_string();
    let router = Router::new().route("/", post(async move || (status, text)));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:firewall/key-AbCdEf";
    let stage = Stage::new().await.unset("PANOS_API_KEY").set("PANOS_API_KEY_SECRET_ARN", arn);
    stage.set("AWS_ENDPOINT_URL_SECRETS_MANAGER", &url)
}

#[tokio::test]
async fn a_secret_that_is_denied_or_out_of_reach() {
    let bad = StatusCode::BAD_REQUEST;
    for (status, answer, says) in [
        (
            bad,
            json!({"__type": "AccessDeniedException"}),
            "AWS refuses `GetSecretValue` or, if the secret has a key of its own, `kms:Decrypt`: allow it in the role's policy",
        ),
        (
            bad,
            json!({"__type": "ResourceNotFoundException"}),
            "AWS answered `GetSecretValue` with ResourceNotFoundException: check `firewall.api_key_secret_arn`, with the six characters at its end, and the region",
        ),
        (
            StatusCode::OK,
            json!({"SecretString": "{\"key\": \"a\"}"}),
            "AWS answered `GetSecretValue` with a secret without an API key: store the key itself, or JSON with `api_key`",
        ),
    ] {
        let failed = format!("failure, API key: the API key cannot be had from Secrets Manager: {says}");
        check(&with_secret(status, &answer).await, &[&failed, &skipped_from("firewall reached")]).await;
    }
    let stage = with_secret(StatusCode::OK, &json!({})).await.set("AWS_ENDPOINT_URL_SECRETS_MANAGER", NOBODY);
    let unreachable = "failure, API key: the API key cannot be had from Secrets Manager: no answer from AWS to `GetSecretValue`: check network, endpoint and credentials";
    check(&stage, &[unreachable, &skipped_from("firewall reached")]).await;

    let key = Stage::new().await.world.lock().key().to_owned();
    let stage = with_secret(StatusCode::OK, &json!({ "SecretString": key })).await;
    has(&stage, &[], &["ok, API key: read from Secrets Manager, and accepted"]).await;
}

#[tokio::test]
async fn out_of_reach() {
    let unseen = format!("API key, {}", skipped_names("certificate"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let silent = Stage::new().await.set("PANOS_HOSTNAME", &url).set("DRAWBRIDGE_TIMING_READ", "2s");
    let late = "failure, firewall reached: the firewall did not answer in time, or the connection broke: check its load and the path to it";
    check(&silent, &[late, &skipped(&unseen)]).await;
    let nobody = Stage::new().await.set("PANOS_HOSTNAME", NOBODY);
    let refused = "failure, firewall reached: `fw`: the firewall cannot be reached: check `firewall.hostname` and the path to its management interface";
    check(&nobody, &[refused, &skipped(&unseen)]).await;

    for (fault, says) in [
        ("html", "what answered at `firewall.hostname` is not the PAN-OS XML API: `html` instead of `response`"),
        ("http 502", "the firewall is busy: HTTP 502"),
    ] {
        let stage = Stage::new().await;
        stage.tell(&format!("fault observe always {fault}"));
        stage.world.lock().begin(Command::Observe);
        let failed = format!("failure, firewall reached: `fw`: {says}");
        check(&stage, &[&failed, &skipped(&unseen)]).await;
    }
    let stage = Stage::new().await;
    stage.control("refuse-next", &[("containing", "<system><info>"), ("body", NOTHING)]);
    let untold = "failure, firewall reached: `fw`: what answered at `firewall.hostname` is not the PAN-OS XML API: `show system info` answered without `sw-version`";
    check(&stage, &[untold, &skipped(&unseen)]).await;
}

/// What is not looked at from a check on, as it is listed.
fn skipped_names(check: &str) -> String {
    let line = skipped_from(check);
    let (_, names) = line.split_once("not looked at: ").unwrap();
    names.split_once(": put right").unwrap().0.to_owned()
}

#[tokio::test]
async fn certificates_and_keys() {
    let identity = Identity::self_signed(&["127.0.0.1"]).unwrap();
    let stage = Stage::with_certificate(&identity).await;
    let unverified = "failure, certificate: `fw`: the firewall's certificate does not verify: set `firewall.ca_file` or `firewall.fingerprint`";
    check(&stage, &[unverified, &skipped(&format!("API key, {}", skipped_names("PAN-OS release")))]).await;
    let stage = stage.set("DRAWBRIDGE_FIREWALL_VERIFY", "false");
    check(&stage, &["warning, certificate: not verified (`firewall.verify = false`), so that anybody on the way can read the API key: set `firewall.fingerprint` or `firewall.ca_file`"]).await;
    let stage = stage.unset("DRAWBRIDGE_FIREWALL_VERIFY").set("DRAWBRIDGE_FIREWALL_CA_FILE", "/nowhere/ca.pem");
    let unread = "failure, certificate: `firewall.ca_file`: `/nowhere/ca.pem` cannot be read: No such file or directory (os error 2)";
    let unseen = format!("API key, firewall reached, {}", skipped_names("PAN-OS release"));
    check(&stage, &[unread, &skipped(&unseen)]).await;

    let stage = Stage::new().await.set("PANOS_API_KEY", "bm90IHRoZSBrZXk=");
    let refused = "failure, API key: `fw`: the firewall refuses the API key: generate one for the account and set `firewall.api_key`";
    check(&stage, &[refused, &skipped_from("PAN-OS release")]).await;
    has(&stage, &[], &["ok, firewall reached: `fw`", "ok, certificate: none: plain http on loopback"]).await;
}

#[tokio::test]
async fn releases_without_transactions() {
    const REMEDY: &str = "has no multi-config transactions: upgrade to 10.1 or later, or enable them there (`request multi-config enabled`)";
    let stage = Stage::new().await;
    stage.world.lock().firewall_settings().version = "9.1.12".to_owned();
    let old = format!("failure, PAN-OS release: `fw`: PAN-OS 9.1.12 {REMEDY}");
    check(&stage, &[&old, &skipped_from("clock of firewall")]).await;
    let stage = Stage::new().await;
    stage.world.lock().firewall_settings().multi_config = MultiConfig::Off;
    check(&stage, &[&format!("failure, multi-config: PAN-OS 10.2.9 {REMEDY}")]).await;
}

#[tokio::test]
async fn units_that_are_not_active() {
    const REMEDY: &str = "point `firewall.hostname` at the active one";
    let stage = Stage::new().await;
    stage.world.lock().firewall_settings().ha = Ha::pair("passive");
    let passive = format!("failure, active unit: `fw`: this unit is passive, not active: {REMEDY}");
    check(&stage, &[&passive, &skipped_from("account")]).await;
    let stage = Stage::new().await;
    stage.control("refuse-next", &[("containing", "<high-availability>"), ("body", NOTHING)]);
    let untold = "failure, active unit: `fw`: what answered at `firewall.hostname` is not the PAN-OS XML API: `show high-availability state` answered without `enabled`";
    check(&stage, &[untold, &skipped_from("account")]).await;

    let pair = Stage::with_pair().await;
    check(&pair, &[]).await;
    pair.world.lock().firewall_settings().ha = Ha::pair("suspended");
    let suspended = format!("failure, active unit: `fw-1`: this unit is suspended, not active: {REMEDY}");
    let passive = format!("failure, active unit: `fw-2`: this unit is passive, not active: {REMEDY}");
    check(&pair, &[&suspended, &passive, &skipped_from("account")]).await;
}

/// The other one does the work meanwhile.
#[tokio::test]
async fn a_unit_of_a_pair_that_does_not_answer() {
    let pair = Stage::with_pair().await;
    let first = pair.variable("PANOS_HOSTNAME").split(',').next().unwrap().to_owned();
    let pair = pair.set("PANOS_HOSTNAME", &format!("{first},{NOBODY}"));
    let gone = "warning, firewall reached: `fw-2`: the firewall cannot be reached: check `firewall.hostname` and the path to its management interface";
    check(&pair, &[gone]).await;
    has(&pair, &[], &["ok, active unit: `fw-1` may be written to"]).await;
}
