//! Nothing has to be restarted when the API key is rotated: the firewall's refusal is the signal to look for another one,
//! wherever the key is kept.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::post};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::net::TcpListener;

use crate::{
    lambda::RuntimeApi,
    stage::{Running, Stage},
};

/// A key that is kept in this way is read again: not before the firewall refuses it, and not as long as no other is kept.
async fn check(mut api: RuntimeApi, stage: &Stage, keep: impl Fn(&str)) -> Running {
    let key = || stage.world.lock().key().to_owned();
    keep(&key());
    let function = stage.start(&[]);
    let started = stage.event("deliver StartInstances i-web-2");
    let (kind, result) = api.invoke(stage, &function, started).await;
    assert_eq!((kind.as_str(), &result["ending"]), ("response", &json!("in sync")), "{result:#}");

    stage.world.lock().rotate_key();
    let stopped = stage.event("deliver StopInstances i-web-2");
    let (kind, result) = api.invoke(stage, &function, stopped.clone()).await;
    assert_eq!(kind, "error", "no other key is kept yet: {result:#}");
    keep(&key());
    let (kind, result) = api.invoke(stage, &function, stopped).await;
    assert_eq!((kind.as_str(), &result["ending"]), ("response", &json!("in sync")), "{result:#}");
    assert!(!stage.running_rules().contains(&"i-web-2-1".to_owned()));
    function
}

#[tokio::test]
async fn a_key_that_was_rotated_is_read_again() {
    let api = RuntimeApi::listen().await;
    let file = NamedTempFile::new().unwrap();
    let stage = api.stage().await.unset("PANOS_API_KEY");
    let stage = stage.set("DRAWBRIDGE_FIREWALL_API_KEY_FILE", file.path().to_str().unwrap());
    check(api, &stage, |key| fs::write(&file, key).unwrap()).await;
}

/// The text that Secrets Manager keeps, and how often it was asked for.
type Kept = Arc<Mutex<(String, usize)>>;

/// `GetSecretValue`, the one call that is made (Secrets Manager API reference).
async fn secret(State(kept): State<Kept>) -> impl IntoResponse {
    let mut kept = kept.lock().unwrap();
    kept.1 += 1;
    let held: Value = json!({"Name": "firewall/key", "SecretString": json!({"api_key": kept.0}).to_string()});
    ([(CONTENT_TYPE, "application/x-amz-json-1.1")], held.to_string())
}

/// A stage on which the key is a secret, and that secret. It is served as long as the runtime of the test is there.
async fn with_secret(api: &RuntimeApi) -> (Stage, Kept) {
    let kept = Kept::default();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(secret)).with_state(Arc::clone(&kept));
    tokio::spawn(axum::serve(listener, router).into_future());
    let stage =
        api.stage().await.unset("PANOS_API_KEY").set("AWS_ENDPOINT_URL_SECRETS_MANAGER", &url).set(
            "PANOS_API_KEY_SECRET_ARN",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:firewall/key-AbCdEf",
        );
    (stage, kept)
}

#[tokio::test]
async fn a_secret_that_was_rotated_is_fetched_again() {
    let api = RuntimeApi::listen().await;
    let (stage, kept) = with_secret(&api).await;
    let function = check(api, &stage, |key| kept.lock().unwrap().0 = key.to_owned()).await;
    // Once at the start, and once for each run that the firewall refused.
    assert_eq!(kept.lock().unwrap().1, 3, "{:#?}", function.said(&stage, None));
}

/// What libraries tell in detail may hold the key: how they read the answer that it comes in, and what they send.
#[tokio::test]
async fn however_much_is_logged_libraries_tell_nothing_in_detail() {
    let api = RuntimeApi::listen().await;
    let (stage, kept) = with_secret(&api).await;
    let stage = stage.set("DRAWBRIDGE_LOG", "trace");
    let first = stage.world.lock().key().to_owned();
    let function = check(api, &stage, |key| kept.lock().unwrap().0 = key.to_owned()).await;
    let said = function.said(&stage, None);
    assert!(!said.stdout.contains(&first) && !said.stderr.contains(&first), "{said:#?}");
    let lines = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let detailed: Vec<_> =
        lines.filter(|line| ["DEBUG", "TRACE"].iter().any(|level| line["level"] == *level)).collect();
    assert!(!detailed.is_empty(), "{said:#?}");
    for line in detailed {
        assert!(line["target"].as_str().unwrap().starts_with("drawbridge"), "{line:#}");
    }
}
