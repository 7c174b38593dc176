//! A queue of SQS: four calls of its JSON protocol (SQS developer guide, `sqs-making-api-requests-json`), signed here. The
//! SDK's own crate for it would be one of the largest in the tree.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use drawbridge_core::command::{Failure, Trouble};
use reqwest::{Client, RequestBuilder, Response, redirect::Policy};
use serde_json::{Value, json};

use super::failure::Refusal;
use crate::settings::QueueUrl;

/// The longest that SQS lets somebody wait, and the most messages that it hands out at once (SQS API reference,
/// `ReceiveMessage`).
pub const WAIT_MAX: Duration = Duration::from_secs(20);
const BATCH_MAX: u32 = 10;

/// The longest that SQS keeps a message from others (SQS API reference, `ChangeMessageVisibility`).
const HIDDEN_MAX: Duration = Duration::from_secs(12 * 60 * 60);

/// Beyond the wait itself, an answer may take this long.
const ANSWER: Duration = Duration::from_secs(10);

/// Ten messages of 1 MiB, the most that SQS hands out at once, as JSON.
const ANSWER_BYTES_MAX: usize = 24 << 20;

/// A queue.
#[derive(Debug)]
pub struct Queue {
    url: QueueUrl,
    endpoint: String,
    region: String,
    credentials: SharedCredentialsProvider,
    client: Client,
}

/// A message that was handed out, and comes again unless it is deleted in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What was sent.
    pub body: String,
    /// What it must be deleted by.
    pub receipt: String,
}

/// How many messages a queue holds, about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Nobody has been given these.
    pub waiting: u64,
    /// These are being worked on.
    pub in_flight: u64,
}

/// Why a queue cannot be asked at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoQueue {
    /// The SDK found no region.
    #[error("the region of the queue is not known: set `aws.region` or `AWS_REGION`")]
    Region,
    /// The SDK has no source of credentials.
    #[error("there is no source of AWS credentials: set them in the environment, a profile or a role")]
    Credentials,
    /// The HTTP library refuses.
    #[error("no HTTPS client can be made for SQS: {0}")]
    Library(String),
}

impl Queue {
    /// The queue of this URL, asked with the credentials of `config`.
    ///
    /// # Errors
    /// [`NoQueue`].
    pub fn new(config: &SdkConfig, url: &QueueUrl) -> Result<Self, NoQueue> {
        let region = url.region().or_else(|| config.region().map(AsRef::as_ref)).ok_or(NoQueue::Region)?;
        if url.is_in_the_clear() {
            tracing::warn!(
                "`watch.queue_url` is plain http to another machine: whoever stands between can read, forge and withhold \
                 messages; give it as https"
            );
        }
        // SQS does not redirect, and nobody else is to be sent what is signed for it.
        let client = Client::builder().redirect(Policy::none());
        let client = client.user_agent(concat!("drawbridge/", env!("CARGO_PKG_VERSION"))).build();
        Ok(Self {
            url: url.clone(),
            endpoint: url.origin(),
            region: region.to_owned(),
            credentials: config.credentials_provider().ok_or(NoQueue::Credentials)?,
            client: client.map_err(|error| NoQueue::Library(error.to_string()))?,
        })
    }

    /// Takes what is there, waiting for at most `wait` until there is something. Nobody else is given these messages for
    /// `hidden`.
    ///
    /// # Errors
    /// If SQS refuses, or does not answer.
    pub async fn receive(&self, wait: Duration, hidden: Duration) -> Result<Vec<Message>, Failure> {
        let wait = wait.min(WAIT_MAX);
        let asked = json!({
            "QueueUrl": self.url.to_string(), "MaxNumberOfMessages": BATCH_MAX, "WaitTimeSeconds": seconds(wait),
            "VisibilityTimeout": seconds(hidden.min(HIDDEN_MAX)),
        });
        let answer = self.call("ReceiveMessage", &asked, wait + ANSWER).await?;
        if !answer.is_object() {
            return Err(unread("ReceiveMessage"));
        }
        let messages = answer["Messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |message: &Value, name: &str| message[name].as_str().map(str::to_owned);
        let message = |message: &Value| {
            let receipt = text(message, "ReceiptHandle")?;
            Some(Message { body: text(message, "Body").unwrap_or_default(), receipt })
        };
        Ok(messages.iter().filter_map(message).collect())
    }

    /// Deletes a message: it has been seen to.
    ///
    /// # Errors
    /// As [`Self::receive`]; it then comes again.
    pub async fn delete(&self, message: &Message) -> Result<(), Failure> {
        let asked = json!({ "QueueUrl": self.url.to_string(), "ReceiptHandle": message.receipt });
        self.call("DeleteMessage", &asked, ANSWER).await.map(drop)
    }

    /// Lets a message come again after this long.
    ///
    /// # Errors
    /// As [`Self::receive`]; it then comes again later.
    pub async fn release(&self, message: &Message, after: Duration) -> Result<(), Failure> {
        let asked = json!({
            "QueueUrl": self.url.to_string(), "ReceiptHandle": message.receipt,
            "VisibilityTimeout": seconds(after.min(HIDDEN_MAX)),
        });
        self.call("ChangeMessageVisibility", &asked, ANSWER).await.map(drop)
    }

    /// How many messages there are.
    ///
    /// # Errors
    /// As [`Self::receive`].
    pub async fn depth(&self) -> Result<Depth, Failure> {
        const WAITING: &str = "ApproximateNumberOfMessages";
        const IN_FLIGHT: &str = "ApproximateNumberOfMessagesNotVisible";
        let asked = json!({ "QueueUrl": self.url.to_string(), "AttributeNames": [WAITING, IN_FLIGHT] });
        let answer = self.call("GetQueueAttributes", &asked, ANSWER).await?;
        let number = |name: &str| answer["Attributes"][name].as_str().and_then(|text| text.parse().ok());
        match (number(WAITING), number(IN_FLIGHT)) {
            (Some(waiting), Some(in_flight)) => Ok(Depth { waiting, in_flight }),
            _ => Err(unread("GetQueueAttributes")),
        }
    }

    /// Tries whether a message may be deleted, with a receipt that no message has.
    ///
    /// # Errors
    /// As [`Self::receive`].
    pub async fn may_delete(&self) -> Result<(), Failure> {
        unless_refused(self.delete(&nobodys()).await)
    }

    /// Tries whether a message may be let come again, in the same way.
    ///
    /// # Errors
    /// As [`Self::receive`].
    pub async fn may_release(&self) -> Result<(), Failure> {
        unless_refused(self.release(&nobodys(), Duration::ZERO).await)
    }

    async fn call(&self, action: &'static str, asked: &Value, limit: Duration) -> Result<Value, Failure> {
        let unreachable = || Trouble::AwsUnreachable { call: action.to_owned() }.transient();
        let request = self.signed(action, asked.to_string()).await?;
        let response = request.timeout(limit).send().await.map_err(|error| {
            tracing::debug!(action, %error, "SQS did not answer");
            unreachable()
        })?;
        let status = response.status().as_u16();
        let body = whole(response).await.map_err(|_| unreachable())?.ok_or_else(|| unread(action))?;
        let answer = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
        if (200..300).contains(&status) {
            // A page of somebody between answers everything with success.
            return answer.map_err(|_| unread(action));
        }
        let answer: Value = answer.unwrap_or_default();
        // `com.amazonaws.sqs#QueueDoesNotExist`
        let code = answer["__type"].as_str().and_then(|kind| kind.rsplit('#').next());
        let code = match code {
            Some(code @ ("QueueDoesNotExist" | "NonExistentQueue")) => format!("{code} (check `watch.queue_url`)"),
            Some(code) => code.to_owned(),
            None => format!("HTTP {status}"),
        };
        Err(Refusal { status, code }.of_call(action))
    }

    async fn signed(&self, action: &str, body: String) -> Result<RequestBuilder, Failure> {
        let failed = |code: String| Trouble::Aws { call: action.to_owned(), code }.permanent();
        let credentials = self.credentials.provide_credentials().await;
        let credentials = credentials.map_err(|_| {
            Trouble::AwsCredentials { call: action.to_owned(), code: "none can be had".to_owned() }.transient()
        })?;
        let identity = credentials.into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("sqs")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| failed(format!("nothing: it cannot be signed: {error}")))?
            .into();
        let url = format!("{}/", self.endpoint);
        let target = format!("AmazonSQS.{action}");
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target.as_str())];
        let unsigned = |error: &dyn std::fmt::Display| failed(format!("nothing: it cannot be signed: {error}"));
        let signable = SignableRequest::new("POST", &url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))
            .map_err(|error| unsigned(&error))?;
        let (signature, _) = sign(signable, &params).map_err(|error| unsigned(&error))?.into_parts();
        let mut request = self.client.post(&url);
        for (name, value) in headers.into_iter().chain(signature.headers()) {
            request = request.header(name, value);
        }
        Ok(request.body(body))
    }
}

/// Whole seconds, and not fewer: who waits for none asks again and again.
const fn seconds(time: Duration) -> u64 {
    time.as_secs() + (time.subsec_nanos() > 0) as u64
}

/// The body of an answer, unless it is longer than any of SQS's.
async fn whole(mut response: Response) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(body))
}

fn unread(action: &str) -> Failure {
    let code = "an answer that cannot be read: check `watch.queue_url`, and what is on the way to it".to_owned();
    Trouble::Aws { call: action.to_owned(), code }.transient()
}

/// A message that is not there: whatever is asked about it changes nothing.
fn nobodys() -> Message {
    Message { body: String::new(), receipt: "drawbridge-doctor-asks-whether-it-may".to_owned() }
}

/// Codes that find fault with a receipt (SQS API reference, `DeleteMessage`, `ChangeMessageVisibility`): who asks was let through.
const NO_SUCH_RECEIPT: &[&str] = &["ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"];

fn unless_refused(asked: Result<(), Failure>) -> Result<(), Failure> {
    match asked {
        Err(Failure { what: Trouble::Aws { code, .. }, .. })
            if NO_SUCH_RECEIPT.iter().any(|known| code.starts_with(known)) =>
        {
            Ok(())
        }
        asked => asked,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::aws::server::{Answer, Request, Server};

    /// What a queue says of its messages when SQS answers so, and what SQS was asked.
    fn asked(status: u16, body: &'static str) -> (String, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::start(move |_| Answer::json(status, body)).await;
            let config = server.sdk_config();
            let url = format!("{}/111122223333/wake.fifo", config.endpoint_url().unwrap());
            let queue = Queue::new(&config, &url.parse().unwrap()).unwrap();
            let said = match queue.receive(Duration::from_secs(60), Duration::from_secs(900)).await {
                Ok(messages) => format!("{messages:?}"),
                Err(failure) => format!("{:?}: {}", failure.lasting, failure.what),
            };
            (said, server.requests()[0].head.to_ascii_lowercase())
        })
    }

    #[test]
    fn messages_are_asked_for_with_a_signature() {
        let body = r#"{"Messages":[{"MessageId":"m","ReceiptHandle":"r","Body":"{}"},{"Body":"without a receipt"}]}"#;
        let (said, head) = asked(200, body);
        expect![[r#"[Message { body: "{}", receipt: "r" }]"#]].assert_eq(&said);
        for header in
            ["x-amz-target: amazonsqs.receivemessage", "content-type: application/x-amz-json-1.0", "x-amz-date: "]
        {
            assert!(head.contains(header), "{header} in {head}");
        }
        let scope = head.split("credential=").nth(1).unwrap();
        assert!(scope.contains("/eu-west-1/sqs/aws4_request"), "{head}");
        assert!(scope.contains("signedheaders=content-type;host;x-amz-date;x-amz-target,"), "{head}");
        assert_eq!(asked(200, "{}").0, "[]");
        // Whoever answers everything with nothing is no queue.
        for nothing in ["", "[]", "null"] {
            assert!(asked(200, nothing).0.contains("`ReceiveMessage`"), "{nothing}");
        }
    }

    /// What comes of asking for messages where this is answered, and how often that was asked.
    fn answered(answer: impl Fn() -> Answer + Send + 'static) -> (Result<Vec<Message>, String>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::start(move |_| answer()).await;
            let config = server.sdk_config();
            let url = format!("{}/111122223333/wake.fifo", config.endpoint_url().unwrap());
            let queue = Queue::new(&config, &url.parse().unwrap()).unwrap();
            let said = queue.receive(Duration::ZERO, Duration::from_secs(60)).await;
            (said.map_err(|failure| failure.what.to_string()), server.requests().len())
        })
    }

    #[test]
    fn what_is_signed_is_sent_nowhere_else() {
        let elsewhere = || Answer::Whole { status: 307, kind: "text/plain\r\nlocation: /elsewhere", body: Vec::new() };
        let (said, asked) = answered(elsewhere);
        assert!(said.as_ref().is_err_and(|said| said.contains("`ReceiveMessage` with HTTP 307")), "{said:?}");
        assert_eq!(asked, 1);
    }

    #[test]
    fn nothing_is_asked_for_that_sqs_does_not_grant() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::start(|_| Answer::json(200, "{}")).await;
            let config = server.sdk_config();
            let url = format!("{}/111122223333/wake.fifo", config.endpoint_url().unwrap());
            let queue = Queue::new(&config, &url.parse().unwrap()).unwrap();
            let day = Duration::from_secs(24 * 60 * 60);
            queue.receive(Duration::from_millis(300), day).await.unwrap();
            queue.release(&nobodys(), day).await.unwrap();
            let asked: Vec<_> = server.requests().iter().map(Request::json).collect();
            assert_eq!((&asked[0]["WaitTimeSeconds"], &asked[0]["VisibilityTimeout"]), (&json!(1), &json!(43_200)));
            assert_eq!(asked[1]["VisibilityTimeout"], 43_200);
        });
    }

    #[test]
    fn an_answer_longer_than_any_of_sqs_is_not_read() {
        let answer = |length: usize| move || Answer::bytes(["{}", &" ".repeat(length - 2)].concat().into_bytes());
        assert_eq!(answered(answer(ANSWER_BYTES_MAX)).0, Ok(Vec::new()));
        let said = answered(answer(ANSWER_BYTES_MAX + 1)).0;
        assert!(said.as_ref().is_err_and(|said| said.contains("an answer that cannot be read")), "{said:?}");
        let said = answered(|| Answer::bytes(b"<html>Sign in</html>".to_vec())).0;
        assert!(said.as_ref().is_err_and(|said| said.contains("an answer that cannot be read")), "{said:?}");
    }

    #[test]
    fn a_receipt_that_is_no_good_is_no_refusal() {
        let may = |code: &str| {
            let what = Trouble::Aws { call: "DeleteMessage".to_owned(), code: format!("{code}: look it up") };
            unless_refused(Err(what.permanent()))
        };
        for code in ["ReceiptHandleIsInvalid", "InvalidParameterValueException", "MessageNotInflight"] {
            assert_eq!(may(code), Ok(()), "{code}");
        }
        assert!(may("QueueDoesNotExist").is_err());
        let denied = Err(Trouble::AwsDenied { call: "DeleteMessage".to_owned() }.permanent());
        assert_eq!(unless_refused(denied.clone()), denied);
    }

    #[test]
    fn refusals_name_the_call_and_the_remedy() {
        let said = |code: &'static str, status| asked(status, code).0;
        expect!["Permanent: AWS refuses `ReceiveMessage`: allow it in the role's policy"]
            .assert_eq(&said(r#"{"__type":"com.amazonaws.sqs#AccessDeniedException","message":"m"}"#, 400));
        expect!["Permanent: AWS answered `ReceiveMessage` with QueueDoesNotExist (check `watch.queue_url`): look it up in the service's list of error codes"]
            .assert_eq(&said(r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"m"}"#, 400));
        expect!["Transient: AWS answered `ReceiveMessage` with HTTP 500"].assert_eq(&said("", 500));
    }
}
