//! A fake SQS: one FIFO queue whose messages all belong to one group, or a standard queue, behind the JSON protocol (SQS
//! developer guide, `sqs-making-api-requests-json`).

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle, time::sleep};

/// A message in the queue.
#[derive(Clone, Debug)]
struct Held {
    number: usize,
    body: String,
    visible: Instant,
}

#[derive(Debug, Default)]
struct Messages {
    sent: usize,
    held: Vec<Held>,
    /// Every call that was made, with what it was about.
    calls: Vec<String>,
    /// With which code calls of these actions are refused.
    refused: BTreeMap<String, &'static str>,
    /// Whether there are others while some are being worked on.
    is_standard: bool,
}

/// The queue while it is served.
pub(crate) struct FakeQueue {
    address: SocketAddr,
    messages: Arc<Mutex<Messages>>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Drop for FakeQueue {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeQueue {
    pub(crate) async fn serve() -> Self {
        let messages: Arc<Mutex<Messages>> = Arc::default();
        let router = Router::new().route("/", post(answer)).with_state(Arc::clone(&messages));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, messages, server: tokio::spawn(axum::serve(listener, router).into_future()) }
    }

    /// A standard queue: nobody has to wait for those who are given the messages before.
    pub(crate) async fn serve_standard() -> Self {
        let queue = Self::serve().await;
        queue.messages.lock().unwrap().is_standard = true;
        queue
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/111122223333/wake.fifo", self.address)
    }

    pub(crate) fn send(&self, body: &Value) {
        let mut messages = self.messages.lock().unwrap();
        messages.sent += 1;
        let number = messages.sent;
        messages.held.push(Held { number, body: body.to_string(), visible: Instant::now() });
    }

    /// From now on nobody may do any of this.
    pub(crate) fn deny(&self, actions: &[&str]) {
        actions.iter().for_each(|action| self.refuse(action, "AccessDeniedException"));
    }

    /// From now on this is answered with that error.
    pub(crate) fn refuse(&self, action: &str, code: &'static str) {
        self.messages.lock().unwrap().refused.insert(action.to_owned(), code);
    }

    /// Lets hidden messages be seen again, as after their time.
    pub(crate) fn show_hidden(&self) {
        self.messages.lock().unwrap().held.iter_mut().for_each(|held| held.visible = Instant::now());
    }

    /// How many messages have not been deleted.
    pub(crate) fn left(&self) -> usize {
        self.messages.lock().unwrap().held.len()
    }

    /// How many seconds those that are left are hidden for, about.
    pub(crate) fn hidden_for(&self) -> Vec<u64> {
        let now = Instant::now();
        let messages = self.messages.lock().unwrap();
        messages
            .held
            .iter()
            .map(|held| held.visible.saturating_duration_since(now).as_secs_f64().round() as u64)
            .collect()
    }

    /// The calls so far, without those that brought nothing.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.messages.lock().unwrap().calls.clone()
    }
}

type Answer = (StatusCode, String);

async fn answer(State(messages): State<Arc<Mutex<Messages>>>, headers: HeaderMap, body: String) -> Answer {
    let asked: Value = serde_json::from_str(&body).unwrap();
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
    assert!(header("authorization").contains("/sqs/aws4_request"), "{headers:?}");
    assert!(asked["QueueUrl"].as_str().unwrap().ends_with("/111122223333/wake.fifo"), "{asked}");
    let action = header("x-amz-target").trim_start_matches("AmazonSQS.");
    let at_once = if asked["WaitTimeSeconds"] == 0 { format!("{action} at once") } else { String::new() };
    let refused =
        [action, &at_once].into_iter().find_map(|action| messages.lock().unwrap().refused.get(action).copied());
    // A receipt is looked at after the question whether the caller may ask at all.
    let no_receipt = || asked["ReceiptHandle"].is_string() && receipt(&asked).is_none();
    if let Some(code) = refused.or_else(|| no_receipt().then_some("ReceiptHandleIsInvalid")) {
        let refusal = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": "refused"});
        return (StatusCode::BAD_REQUEST, refusal.to_string());
    }
    let answer = match header("x-amz-target") {
        "AmazonSQS.ReceiveMessage" => receive(&messages, &asked).await,
        "AmazonSQS.DeleteMessage" => {
            let mut messages = messages.lock().unwrap();
            let number = receipt(&asked).unwrap();
            messages.held.retain(|held| held.number != number);
            messages.calls.push(format!("delete {number}"));
            Value::Null
        }
        "AmazonSQS.ChangeMessageVisibility" => {
            let mut messages = messages.lock().unwrap();
            let (number, seconds) = (receipt(&asked).unwrap(), asked["VisibilityTimeout"].as_u64().unwrap());
            let visible = Instant::now() + Duration::from_secs(seconds);
            messages.held.iter_mut().filter(|held| held.number == number).for_each(|held| held.visible = visible);
            messages.calls.push(format!("hide {number} for {seconds}"));
            Value::Null
        }
        "AmazonSQS.GetQueueAttributes" => {
            let messages = messages.lock().unwrap();
            let now = Instant::now();
            let waiting = messages.held.iter().filter(|held| held.visible <= now).count();
            json!({"Attributes": {
                "ApproximateNumberOfMessages": waiting.to_string(),
                "ApproximateNumberOfMessagesNotVisible": (messages.held.len() - waiting).to_string(),
            }})
        }
        other => panic!("no such action: {other}"),
    };
    (StatusCode::OK, if answer.is_null() { String::new() } else { answer.to_string() })
}

fn receipt(asked: &Value) -> Option<usize> {
    asked["ReceiptHandle"].as_str()?.strip_prefix("receipt-")?.parse().ok()
}

/// Waits as long as it is asked to. While messages of the group are being worked on, there are no others.
async fn receive(messages: &Mutex<Messages>, asked: &Value) -> Value {
    let until = Instant::now() + Duration::from_secs(asked["WaitTimeSeconds"].as_u64().unwrap());
    loop {
        {
            let mut messages = messages.lock().unwrap();
            let now = Instant::now();
            let visible = messages.held.iter().filter(|held| held.visible <= now).count();
            if visible > 0 && (messages.is_standard || visible == messages.held.len()) {
                let seconds = asked["VisibilityTimeout"].as_u64().unwrap();
                let hidden = Duration::from_secs(seconds);
                let taken: Vec<_> = messages.held.iter_mut().filter(|held| held.visible <= now).take(10).collect();
                let handed = taken.into_iter().map(|held| {
                    held.visible = now + hidden;
                    json!({"MessageId": format!("m-{}", held.number), "ReceiptHandle": format!("receipt-{}", held.number), "Body": held.body})
                });
                let handed: Vec<_> = handed.collect();
                messages.calls.push(format!("receive {} for {seconds}", handed.len()));
                return json!({"Messages": handed});
            }
        }
        if Instant::now() >= until {
            return json!({});
        }
        sleep(Duration::from_millis(10)).await;
    }
}
