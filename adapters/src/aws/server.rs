//! A server on a loopback port for the tests of the clients: whatever it is asked, a closure answers.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What the server was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Request line and headers.
    pub(crate) head: String,
    /// Path and query.
    pub(crate) target: String,
    body: Vec<u8>,
}

impl Request {
    /// The body, if it is JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A field of a form in the body.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(&self.body).find(|(label, _)| label == name).map(|(_, value)| value.into_owned())
    }
}

/// What it answers.
pub(crate) enum Answer {
    Whole {
        status: u16,
        kind: &'static str,
        body: Vec<u8>,
    },
    /// Says that there is a body, sends half of it and hangs up.
    Cut(Vec<u8>),
    /// Hangs up at once.
    Hangup,
}

impl Answer {
    pub(crate) fn xml(status: u16, body: &str) -> Self {
        Self::Whole { status, kind: "text/xml", body: body.into() }
    }

    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::Whole { status, kind: "application/x-amz-json-1.1", body: body.into() }
    }

    pub(crate) fn bytes(body: Vec<u8>) -> Self {
        Self::Whole { status: 200, kind: "application/json", body }
    }

    fn wire(&self) -> Vec<u8> {
        let head = |status: u16, kind: &str, length: usize| {
            format!(
                "HTTP/1.1 {status} .\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            )
        };
        match self {
            Self::Whole { status, kind, body } => [head(*status, kind, body.len()).as_bytes(), body].concat(),
            Self::Cut(body) => [head(200, "text/plain", body.len()).as_bytes(), &body[..body.len() / 2]].concat(),
            Self::Hangup => Vec::new(),
        }
    }
}

pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), requests: Arc::default() };
        let requests = Arc::clone(&server.requests);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read(&mut stream).await;
                let answer = answer(&request);
                requests.lock().unwrap().push(request);
                stream.write_all(&answer.wire()).await.unwrap();
            }
        });
        server
    }

    /// What it was asked so far, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The configuration that [`super::sdk_config`] would load, leading here.
    pub(crate) fn sdk_config(&self) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(format!("http://{}", self.address))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "AKIDEXAMPLE",
                "secret",
                None,
                None,
                "test",
            )))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .build()
    }
}

async fn read(stream: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    let end = loop {
        stream.read_buf(&mut bytes).await.unwrap();
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    while bytes.len() < end + length.unwrap_or(0) {
        stream.read_buf(&mut bytes).await.unwrap();
    }
    let target = head.split(' ').nth(1).unwrap().to_owned();
    Request { head, target, body: bytes.split_off(end) }
}
