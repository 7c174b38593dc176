//! The program as a Lambda function: one invocation after the other, as the Lambda runtime hands them out.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use drawbridge_simulator::faults::Command;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

use crate::stage::{Running, Stage};

/// What an invocation was answered with: `response` or `error`, and the document.
pub(crate) type Answer = (String, Value);

/// The runtime API as a function sees it (Lambda developer guide, `runtimes-api`): it asks for the next invocation, waits,
/// and posts what came of it.
pub(crate) struct RuntimeApi {
    address: SocketAddr,
    invocations: mpsc::Sender<Invocation>,
    answers: mpsc::Receiver<Answer>,
    server: JoinHandle<std::io::Result<()>>,
}

/// A payload, and how long the function may take over it.
type Invocation = (Value, Duration);

#[derive(Clone)]
struct Platform {
    invocations: Arc<Mutex<mpsc::Receiver<Invocation>>>,
    answers: mpsc::Sender<Answer>,
}

/// How long an invocation may take.
const TIMEOUT: Duration = Duration::from_secs(60);

impl RuntimeApi {
    pub(crate) async fn listen() -> Self {
        let (invocations, invoked) = mpsc::channel(1);
        let (answered, answers) = mpsc::channel(1);
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(answer))
            .with_state(Platform { invocations: Arc::new(Mutex::new(invoked)), answers: answered });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(axum::serve(listener, router).into_future());
        Self { address, invocations, answers, server }
    }

    /// A world in which the function finds this platform.
    pub(crate) async fn stage(&self) -> Stage {
        Stage::new()
            .await
            .set("AWS_LAMBDA_RUNTIME_API", &self.address.to_string())
            .set("AWS_LAMBDA_FUNCTION_NAME", "drawbridge")
            .set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
    }

    /// Invokes the function and waits for what comes of it.
    pub(crate) async fn invoke(&mut self, stage: &Stage, function: &Running, payload: Value) -> Answer {
        self.invoke_within(stage, function, payload, TIMEOUT).await
    }

    /// The same with less time.
    async fn invoke_within(&mut self, stage: &Stage, function: &Running, payload: Value, time: Duration) -> Answer {
        self.invocations.send((payload, time)).await.unwrap();
        let began = SystemTime::now();
        loop {
            if let Ok(answer) = self.answers.try_recv() {
                assert!(began.elapsed().unwrap() < time, "answered when the platform has killed it already");
                return answer;
            }
            assert!(began.elapsed().unwrap() < TIMEOUT, "no answer: {:#?}", function.said(stage, None));
            stage.idle().await;
        }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(platform): State<Platform>) -> Response {
    let Some((payload, time)) = platform.invocations.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = (SystemTime::now() + time).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let headers = [
        ("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("Lambda-Runtime-Deadline-Ms", deadline.to_string()),
        ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:111122223333:function:drawbridge".to_owned()),
    ];
    (headers, payload.to_string()).into_response()
}

async fn answer(State(platform): State<Platform>, Path((_, kind)): Path<(String, String)>, body: String) -> StatusCode {
    platform.answers.send((kind, serde_json::from_str(&body).unwrap())).await.unwrap();
    StatusCode::ACCEPTED
}

#[tokio::test]
async fn a_notification_of_s3_becomes_a_rule_in_force() {
    let mut api = RuntimeApi::listen().await;
    let stage = api.stage().await;
    let function = stage.start(&[]);

    let started = stage.event("deliver StartInstances i-web-2");
    let (kind, result) = api.invoke(&stage, &function, started).await;
    assert_eq!((kind.as_str(), &result["ending"]), ("response", &json!("in sync")), "{result:#}");
    assert_eq!(result["events"][0]["text"], stage.real("StartInstances i-web-2"));
    assert_eq!((&result["commits"], &result["batchItemFailures"]), (&json!([1]), &json!([])));
    let rules = ["web access in", "web access out", "deny clear-text protocols", "i-web-2-1", "Clean up"];
    assert_eq!(stage.running_rules(), rules);

    // One id, wherever somebody may look: result, log, rule and commit.
    let run = format!("run {}", result["run"].as_str().unwrap());
    let event = result["events"][0]["id"].as_str().unwrap();
    let signed = format!("; by arn:aws:iam::111122223333:user/operator; event {event}; {run}<");
    assert!(stage.trees()[1].to_string().contains(&signed), "{signed} in {}", stage.trees()[1]);
    assert!(stage.asked("<show><jobs><all></all></jobs></show>").contains(&format!("drawbridge; {run}<")));
    let rule = format!(
        "/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']/rulebase/security/rules/entry[@name='{}-1']",
        stage.real("i-web-2")
    );
    let comments =
        format!("<show><config><list><audit-comments><xpath>{rule}</xpath></audit-comments></list></config></show>");
    assert!(stage.asked(&comments).contains(&run), "{}", stage.asked(&comments));
    let said = function.said(&stage, None).stdout;
    let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let changed: Vec<_> = lines
        .filter(|line| line["fields"]["rule"] == stage.real("i-web-2-1") && line["span"]["id"] == result["run"])
        .collect();
    assert_eq!(changed.len(), 1, "{said}");
    assert!(changed[0]["fields"]["reason"].as_str().unwrap().contains("wants it; nothing allows"), "{said}");
    let lines = || said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["fields"].clone());
    let caused = lines().find(|fields| fields["message"].as_str().unwrap().starts_with("caused by")).unwrap();
    let by = "arn:aws:iam::111122223333:user/operator";
    assert_eq!((&caused["id"], &caused["by"]), (&json!(event), &json!(by)));
    assert!(lines().any(|fields| fields["message"] == "committed" && fields["job"] == 1), "{said}");

    let before = stage.trees();
    let refused = stage.event("deliver StopInstances i-web-2 failed Client.UnauthorizedOperation");
    let (kind, result) = api.invoke(&stage, &function, refused).await;
    assert_eq!((kind.as_str(), &result["ending"]), ("response", &json!("nothing relevant")), "{result:#}");
    assert_eq!(result["steps"].as_array().unwrap().len(), 1, "{result:#}");

    let stopped = stage.event("deliver StopInstances i-web-2");
    stage.tell("fault observe always panos error 403 \"Invalid Credential\"");
    stage.world.lock().begin(Command::Observe);
    let (kind, result) = api.invoke(&stage, &function, stopped.clone()).await;
    let error = json!({
        "errorType": "Drawbridge.Failed",
        "errorMessage": "failed; the firewall refuses the API key: generate one for the account and set `firewall.api_key`",
    });
    assert_eq!((kind.as_str(), &result), ("error", &error));
    assert!(stage.trees() == before, "a run that failed has changed the firewall");

    // The platform tries again, and by then somebody has mended it.
    stage.world.lock().end();
    let (kind, result) = api.invoke(&stage, &function, stopped).await;
    assert_eq!((kind.as_str(), &result["ending"]), ("response", &json!("in sync")), "{result:#}");
    assert!(!stage.running_rules().contains(&"i-web-2-1".to_owned()));

    // Everything that was logged is JSON, a line each, and holds no secrets.
    let said = function.said(&stage, None);
    assert!(said.stdout.lines().count() > 10, "{said:#?}");
    let (mut metrics, mut errors) = (Vec::new(), Vec::new());
    for line in said.stdout.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["_aws"].is_object() {
            metrics.push(line);
            continue;
        }
        assert!(line["level"].is_string() && line["fields"]["message"].is_string(), "{line:#}");
        assert!(line["span"]["id"].is_string(), "which run is that? {line:#}");
        if line["level"] == "ERROR" {
            errors.push(line["fields"]["message"].as_str().unwrap().to_owned());
        }
    }
    // The invocation that failed is one line, in words: Lambda's runtime does not say it once more in its own.
    assert_eq!(errors, [error["errorMessage"].as_str().unwrap()]);
    // A document of CloudWatch's for each run, and one more for the error of the run that failed.
    assert_eq!(metrics.len(), 5, "{metrics:#?}");
    let number = |document: &Value, name: &str| document[name].as_f64().unwrap_or(-1.0);
    assert_eq!(
        ["Looks", "Changes", "Commits", "OwnedRules"].map(|name| number(&metrics[0], name)),
        [1.0, 2.0, 1.0, 1.0]
    );
    assert!(number(&metrics[0], "CommitSeconds") >= 0.0, "{metrics:#?}");
    assert_eq!((&metrics[0]["Owner"], &metrics[3]["Kind"]), (&json!("drawbridge"), &json!("firewall-denied")));
}

/// A batch as a FIFO queue hands it out.
fn batch(bodies: &[Value]) -> Value {
    let messages = bodies.iter().enumerate().map(|(number, body)| {
        json!({"messageId": format!("m-{number}"), "receiptHandle": "r", "body": body.to_string(), "messageAttributes": {},
            "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "drawbridge"},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:wake.fifo", "awsRegion": "eu-west-1"})
    });
    json!({"Records": messages.collect::<Vec<_>>()})
}

/// One run serves all messages of a batch: either none is to come again, or the invocation fails and all of them are.
#[tokio::test]
async fn the_messages_of_a_batch_succeed_or_fail_together() {
    let mut api = RuntimeApi::listen().await;
    let stage = api.stage().await;
    let function = stage.start(&[]);

    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail"});
    let (kind, result) = api.invoke(&stage, &function, batch(&[test.clone(), test.clone()])).await;
    assert_eq!((kind.as_str(), &result["ending"]), ("response", &json!("nothing relevant")), "{result:#}");
    assert_eq!(result["batchItemFailures"], json!([]));

    let messages = batch(&[test, stage.event("notify StartInstances i-web-2"), json!({"foo": "bar"})]);
    stage.tell("fault observe always panos error 403 \"Invalid Credential\"");
    stage.world.lock().begin(Command::Observe);
    let (kind, result) = api.invoke(&stage, &function, messages.clone()).await;
    assert_eq!((kind.as_str(), &result["errorType"]), ("error", &json!("Drawbridge.Failed")), "{result:#}");
    assert_eq!(result["batchItemFailures"], Value::Null);

    stage.world.lock().end();
    let (kind, result) = api.invoke(&stage, &function, messages).await;
    assert_eq!((kind.as_str(), &result["ending"]), ("response", &json!("in sync")), "{result:#}");
    assert_eq!(result["batchItemFailures"], json!([]));
    assert!(stage.running_rules().contains(&"i-web-2-1".to_owned()));
    let said = function.said(&stage, None).stdout;
    assert!(said.contains("woken by something unknown (an object with `foo`): looking all the same"), "{said}");
}

/// To try again would change nothing about it.
#[tokio::test]
async fn what_is_withheld_is_no_failure_of_the_function() {
    let mut api = RuntimeApi::listen().await;
    let stage = api.stage().await.set("DRAWBRIDGE_LIMITS_ADDITIONS", "0");
    let function = stage.start(&[]);
    let (kind, result) = api.invoke(&stage, &function, stage.event("deliver StartInstances i-web-2")).await;
    assert_eq!((kind.as_str(), &result["ending"]), ("response", &json!("withheld")), "{result:#}");
    assert_eq!(result["withheld"].as_array().unwrap().len(), 1, "{result:#}");
}

#[tokio::test]
async fn a_function_that_cannot_begin_says_why_and_ends() {
    let stage = Stage::new()
        .await
        .set("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
        .unset("PANOS_HOSTNAME")
        .set("DRAWBRIDGE_MODE", "on");
    let ended = stage.run(&[]).await;
    assert_eq!(ended.status, Some(1));
    for setting in ["firewall.hostname", "mode"] {
        assert!(ended.stdout.contains(&format!("`{setting}`")), "{ended:#?}");
    }
}

/// The same notification of S3 in everything that it may come wrapped in.
fn wrappings(notification: &Value) -> Vec<(&'static str, Value)> {
    let sns = |message: &Value| json!({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:111122223333:trail", "Message": message.to_string()});
    let by_sns =
        |message: &Value| json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns(message)}]});
    let s3 = &notification["Records"][0]["s3"];
    let (bucket, key) = (&s3["bucket"]["name"], &s3["object"]["key"]);
    let topic = json!({"s3Bucket": bucket, "s3ObjectKey": [key]});
    let created = json!({"version": "0", "id": "e-1", "detail-type": "Object Created", "source": "aws.s3",
        "account": "111122223333", "region": "eu-west-1", "resources": [],
        "detail": {"version": "0", "bucket": {"name": bucket}, "object": {"key": key, "size": 1}, "reason": "PutObject"}});
    vec![
        ("S3", notification.clone()),
        ("S3 by SNS", by_sns(notification)),
        ("S3 by SQS", batch(std::slice::from_ref(notification))),
        ("S3 by SNS and SQS", batch(&[sns(notification)])),
        ("the trail's topic", by_sns(&topic)),
        ("the trail's topic by SQS", batch(&[sns(&topic)])),
        ("S3 by EventBridge", created.clone()),
        ("S3 by EventBridge and SQS", batch(&[created])),
    ]
}

/// Each wrapping brings another change, in turns a start and a stop, and that is what must have happened by its answer.
#[tokio::test]
async fn every_envelope_becomes_what_it_tells_of() {
    let mut api = RuntimeApi::listen().await;
    let stage = api.stage().await;
    let function = stage.start(&[]);
    let mut started = false;
    let mut turn = || {
        started = !started;
        (if started { "StartInstances i-web-2" } else { "StopInstances i-web-2" }, started)
    };
    for number in 0..wrappings(&Value::Null).len() {
        let (call, is_open) = turn();
        let (name, payload) = wrappings(&stage.event(&format!("deliver {call}"))).swap_remove(number);
        check_envelope(&mut api, &stage, &function, name, &payload, is_open, Some(call)).await;
    }
    for name in ["a call by EventBridge", "a call by EventBridge and SQS"] {
        let (call, is_open) = turn();
        let event = stage.event(&format!("notify {call}"));
        let payload = if name.ends_with("SQS") { batch(&[event]) } else { event };
        check_envelope(&mut api, &stage, &function, name, &payload, is_open, Some(call)).await;
    }
    let quiet = |call: &str| {
        stage.tell(&format!("call {call}"));
        stage.tell("wait 2m");
    };
    let (call, is_open) = turn();
    quiet(call);
    let running = stage.event("state-change i-web-2 running");
    check_envelope(&mut api, &stage, &function, "a state change", &running, is_open, Some("instance running i-web-2"))
        .await;
    for (name, payload) in [
        ("a schedule", stage.event("schedule")),
        ("a scheduler", json!({"look": "again"})),
        ("nothing", json!({})),
        ("something else", json!("hello")),
    ] {
        let (call, is_open) = turn();
        quiet(call);
        check_envelope(&mut api, &stage, &function, name, &payload, is_open, None).await;
    }
}

async fn check_envelope(
    api: &mut RuntimeApi,
    stage: &Stage,
    function: &Running,
    name: &str,
    payload: &Value,
    is_open: bool,
    event: Option<&str>,
) {
    let (kind, result) = api.invoke(stage, function, payload.clone()).await;
    assert_eq!((kind.as_str(), &result["ending"]), ("response", &json!("in sync")), "{name}: {result:#}");
    assert_eq!(stage.running_rules().iter().any(|rule| rule.ends_with("-1")), is_open, "{name}: {result:#}");
    let told: Vec<_> =
        result["events"].as_array().unwrap().iter().map(|event| event["text"].as_str().unwrap()).collect();
    let expected: Vec<_> = event.into_iter().map(|event| stage.real(event)).collect();
    assert_eq!(told, expected, "{name}");
}

/// What a plan of Terraform does to an account: all of it is done when the first batch is handed out.
#[tokio::test]
async fn two_hundred_changes_in_twenty_batches_are_twenty_looks_and_one_commit() {
    let mut api = RuntimeApi::listen().await;
    let stage = api.stage().await;
    let function = stage.start(&[]);
    let mut events = vec![stage.event("notify StartInstances i-web-2")];
    // Permissions come and go, and ten of them stay.
    for port in 20_000..20_104 {
        let call =
            |action: &str| format!("notify {action}SecurityGroupIngress sg-webserver tcp/{port} from 198.51.100.0/24");
        events.push(stage.event(&call("Authorize")));
        if port >= 20_010 {
            events.push(stage.event(&call("Revoke")));
        }
    }
    events.push(stage.event("notify StartInstances i-web-2"));
    assert_eq!(events.len(), 200);
    let mut commits = Vec::new();
    for (number, messages) in events.chunks(10).enumerate() {
        let (kind, result) = api.invoke(&stage, &function, batch(messages)).await;
        assert_eq!((kind.as_str(), &result["ending"]), ("response", &json!("in sync")), "{result:#}");
        let commands: Vec<_> =
            result["steps"].as_array().unwrap().iter().map(|step| step["command"].as_str().unwrap()).collect();
        if number > 0 {
            assert_eq!(commands, ["observe"], "{result:#}");
        }
        commits.extend(result["commits"].as_array().unwrap().clone());
    }
    assert_eq!(commits, [1]);
    assert_eq!(stage.asked("<show><jobs><all></all></jobs></show>").matches("<type>Commit</type>").count(), 1);
    // 443, and the ten that stayed.
    assert_eq!(stage.running_rules().len(), 4 + 11, "{:?}", stage.running_rules());
}

#[tokio::test]
async fn a_commit_that_outlasts_its_invocation_is_finished_by_the_next() {
    let mut api = RuntimeApi::listen().await;
    let stage = api.stage().await;
    stage.world.lock().firewall_settings().commit_takes = Duration::from_secs(10 * 60);
    let function = stage.start(&[]);
    let started = batch(&[stage.event("notify StartInstances i-web-2")]);
    let (kind, result) = api.invoke_within(&stage, &function, started.clone(), Duration::from_secs(6)).await;
    assert_eq!((kind.as_str(), &result["errorType"]), ("error", &json!("Drawbridge.OutOfTime")), "{result:#}");
    assert!(!stage.running_rules().contains(&"i-web-2-1".to_owned()));

    let (kind, result) = api.invoke(&stage, &function, started).await;
    assert_eq!((kind.as_str(), &result["ending"]), ("response", &json!("in sync")), "{result:#}");
    assert!(stage.running_rules().contains(&"i-web-2-1".to_owned()));
    assert_eq!(stage.asked("<show><jobs><all></all></jobs></show>").matches("<type>Commit</type>").count(), 1);
}
