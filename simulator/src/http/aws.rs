//! EC2 and S3 over HTTP, on one port: `POST /` and `GET /?Action=…` are EC2 (and STS's GetCallerIdentity), everything else
//! is S3, in path style or with the bucket in front of `localhost`; and `/_simulator/` is for those who run the world.
//!
//! Signatures are not verified: any credentials will do. The access key in them is handed on, for a world that wants to
//! tell callers apart.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt};

use crate::{
    clock::Moment,
    cloud::{Answer, CONTROL, Cloud, S3Request},
};

/// Larger requests are refused: no EC2 request comes near it, and objects are small here.
const BODY_BYTES_MAX: usize = 8 << 20;

/// What stands behind the sockets: a world with a clock, a cloud and faults.
pub trait Backend: Send + Sync + 'static {
    /// Answers one call; `credential` is what it was signed with, if it was.
    fn answer(&self, call: Call, credential: Option<Credential>) -> Reply;
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// An action of EC2's Query protocol with its parameters.
    Ec2(Vec<(String, String)>),
    /// An object of S3.
    GetObject {
        /// Its bucket.
        bucket: String,
        /// Its key, decoded.
        key: String,
    },
    /// A listing of S3's ListObjectsV2.
    ListObjects {
        /// Its bucket.
        bucket: String,
        /// The fields of the query string.
        query: Vec<(String, String)>,
    },
    /// Anything else of S3.
    S3(S3Request),
    /// What no AWS has: settings and consequences.
    Control {
        /// `GET`, `PUT` or `POST`.
        method: String,
        /// What is behind `/_simulator/`.
        path: String,
        /// The fields of the query string.
        query: Vec<(String, String)>,
    },
}

impl Call {
    /// The action of EC2 that is asked for.
    pub fn action(&self) -> Option<&str> {
        match self {
            Self::Ec2(parameters) => {
                parameters.iter().find(|(name, _)| name == "Action").map(|(_, action)| action.as_str())
            }
            Self::GetObject { .. } | Self::ListObjects { .. } | Self::S3(_) | Self::Control { .. } => None,
        }
    }

    /// What an undisturbed cloud says.
    pub fn perform(&self, cloud: &mut Cloud, caller: &str, now: Moment) -> Answer {
        match self {
            Self::Ec2(parameters) => cloud.query(parameters, caller, now),
            Self::GetObject { bucket, key } => cloud.object(bucket, key),
            Self::ListObjects { bucket, query } => cloud.list_objects(bucket, query),
            Self::S3(request) => cloud.s3(request, now),
            Self::Control { method, path, query } => cloud.control(method, path, query, now),
        }
    }
}

/// What a request was signed with, taken from its `Authorization` header and believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The id of the access key.
    pub access_key: String,
    /// The region that the client means.
    pub region: String,
    /// The service that the client means: `ec2`, `s3`.
    pub service: String,
}

impl Credential {
    /// Reads `AWS4-HMAC-SHA256 Credential=KEY/20261102/eu-west-1/ec2/aws4_request, …`.
    fn parse(authorization: &str) -> Option<Self> {
        let (_, rest) = authorization.split_once("Credential=")?;
        let scope = rest.split([',', ' ']).next()?;
        let mut parts = scope.split('/').map(str::to_owned);
        let (access_key, _date) = (parts.next()?, parts.next()?);
        Some(Self { access_key, region: parts.next()?, service: parts.next()? })
    }
}

/// How an answer goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Whole.
    Whole(Answer),
    /// Not at all: the connection closes.
    Dropped,
    /// Its first half; then the connection closes.
    Half(Answer),
    /// Its first half; the rest does not come while anybody waits.
    Late(Answer),
}

/// Serves a backend until the listener fails or the future is dropped.
pub async fn serve(listener: TcpListener, backend: Arc<impl Backend>) -> io::Result<()> {
    axum::serve(listener, router(backend)).await
}

/// The shell as a service of axum.
pub fn router<B: Backend>(backend: Arc<B>) -> Router {
    Router::new().fallback(respond::<B>).with_state(backend)
}

async fn respond<B: Backend>(State(backend): State<Arc<B>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return bare(StatusCode::PAYLOAD_TOO_LARGE);
    };
    match call(&head, &body) {
        Ok(call) => sent(backend.answer(call, credential(&head.headers))),
        Err(status) => bare(status),
    }
}

/// What a request asks for.
fn call(head: &Parts, body: &[u8]) -> Result<Call, StatusCode> {
    let fields = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect::<Vec<_>>();
    let path = percent_decode_str(head.uri.path().trim_start_matches('/'));
    let path = path.decode_utf8().map_err(|_| StatusCode::BAD_REQUEST)?;
    let query = fields(head.uri.query().unwrap_or_default().as_bytes());
    let of_host = bucket_of_host(&head.headers);
    let (bucket, key) = match &of_host {
        Some(bucket) => (bucket.as_str(), path.as_ref()),
        None => path.split_once('/').unwrap_or((&path, "")),
    };
    let (bucket, key) = (bucket.to_owned(), key.to_owned());
    let is_action = query.iter().any(|(name, _)| name == "Action");
    match (&head.method, bucket.as_str(), key.as_str()) {
        (&Method::POST, "", _) => Ok(Call::Ec2(fields(body))),
        (&Method::GET, "", _) if is_action => Ok(Call::Ec2(query)),
        (method, CONTROL, path) => Ok(Call::Control { method: method.to_string(), path: path.to_owned(), query }),
        (&Method::GET | &Method::HEAD | &Method::PUT | &Method::POST | &Method::DELETE, ..) => {
            let text = |(name, value): (&HeaderName, &HeaderValue)| {
                Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
            };
            let headers = head.headers.iter().filter_map(text).collect();
            let method = head.method.to_string();
            Ok(Call::S3(S3Request { method, bucket, key, query, headers, body: body.to_vec() }))
        }
        _ => Err(StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// The bucket in front of `localhost`, as clients put it there that do not use the path style.
fn bucket_of_host(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let name = host.split(':').next()?;
    Some(name.strip_suffix(".localhost")?.trim_start_matches("s3.").to_owned()).filter(|bucket| !bucket.is_empty())
}

fn credential(headers: &HeaderMap) -> Option<Credential> {
    Credential::parse(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

fn sent(reply: Reply) -> Response {
    let (answer, end) = match reply {
        Reply::Whole(answer) => (answer, End::Comes),
        Reply::Half(answer) => (answer, End::Breaks),
        Reply::Late(answer) => (answer, End::IsAwaited),
        Reply::Dropped => return broken(),
    };
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    if end != End::Comes {
        response = response.header(header::CONTENT_LENGTH, answer.body.len());
    }
    response.body(body(answer.body, end)).unwrap_or_else(|_| bare(StatusCode::INTERNAL_SERVER_ERROR))
}

/// What becomes of the second half of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Comes,
    Breaks,
    IsAwaited,
}

fn body(bytes: Vec<u8>, end: End) -> Body {
    let half = bytes[..bytes.len() / 2].to_vec();
    let half = tokio_stream::once(Ok::<_, io::Error>(half));
    match end {
        End::Comes => Body::from(bytes),
        End::Breaks => Body::from_stream(half.chain(Break::AfterAPause)),
        End::IsAwaited => Body::from_stream(half.chain(tokio_stream::pending())),
    }
}

/// An error in the middle of a body. What comes before it is sent only if the server finds a moment for that.
enum Break {
    AfterAPause,
    Now,
}

impl Stream for Break {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match *self {
            Self::AfterAPause => {
                *self = Self::Now;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Now => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
        }
    }
}

/// A response that promises a body and has none: the server can only close the connection.
fn broken() -> Response {
    let mut response = Response::new(Body::from_stream(Body::empty().into_data_stream()));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("1"));
    response
}

fn bare(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use std::{sync::Mutex, time::Duration};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        time::timeout,
    };

    use super::*;
    use crate::cloud::Object;

    /// A cloud that stands still, and does with answers what the access key says.
    struct Still(Mutex<Cloud>);

    impl Backend for Still {
        fn answer(&self, call: Call, credential: Option<Credential>) -> Reply {
            let answer = call.perform(&mut self.0.lock().unwrap(), "alice", Moment::default());
            match credential {
                Some(credential) if credential.access_key == "DROP" => Reply::Dropped,
                Some(credential) if credential.access_key == "HALF" => Reply::Half(answer),
                Some(credential) if credential.access_key == "LATE" => Reply::Late(answer),
                _ => Reply::Whole(answer),
            }
        }
    }

    /// Sends raw requests, each on its own connection, and returns everything that came back.
    async fn exchange(requests: &[&str]) -> Vec<String> {
        let mut cloud = Cloud::new("111122223333", "eu-west-1");
        cloud.put_object("trail", "a b/ü", Object::new(b"content".into(), "text/plain", Moment::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, Arc::new(Still(Mutex::new(cloud)))));
        let mut answers = vec![];
        for request in requests {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.replace('\n', "\r\n").as_bytes()).await.unwrap();
            let mut answer = vec![];
            stream.read_to_end(&mut answer).await.unwrap();
            answers.push(String::from_utf8_lossy(&answer).into_owned());
        }
        server.abort();
        answers
    }

    #[tokio::test]
    async fn ec2_answers_posts_and_gets() {
        let post = "POST / HTTP/1.1\nHost: x\nConnection: close\nContent-Type: application/x-www-form-urlencoded\n\
                    Content-Length: 40\n\nAction=DescribeVpcs&Version=2016-11-15%20";
        let get = "GET /?Action=StartInstances&InstanceId.1=i-0123abcd HTTP/1.1\nHost: x\nConnection: close\n\n";
        let answers = exchange(&[post, get]).await;
        assert!(answers[0].starts_with("HTTP/1.1 200 OK\r\n"), "{}", answers[0]);
        assert!(answers[0].contains("content-type: text/xml;charset=UTF-8\r\n"));
        assert!(answers[0].contains("x-amzn-requestid: "));
        assert!(answers[0].contains(
            "\r\n\r\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeVpcsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>"
        ));
        assert!(answers[1].starts_with("HTTP/1.1 400 "));
        assert!(answers[1].contains("<Code>InvalidInstanceID.NotFound</Code>"));
    }

    #[tokio::test]
    async fn s3_answers_by_path() {
        let answers = exchange(&[
            "GET /trail/a%20b/%C3%BC?x-id=GetObject HTTP/1.1\nHost: x\nConnection: close\n\n",
            "GET /trail?list-type=2&prefix=a+b HTTP/1.1\nHost: x\nConnection: close\n\n",
            "GET /trail/nope HTTP/1.1\nHost: x\nConnection: close\n\n",
            "DELETE /trail/nope HTTP/1.1\nHost: x\nConnection: close\n\n",
            "HEAD /trail/a%20b/%C3%BC HTTP/1.1\nHost: x\nConnection: close\n\n",
        ])
        .await;
        assert!(
            answers[0].ends_with("\r\n\r\ncontent") && answers[0].contains("content-length: 7\r\n"),
            "{}",
            answers[0]
        );
        assert!(answers[1].contains("<Key>a b/ü</Key>"), "{}", answers[1]);
        assert!(answers[2].starts_with("HTTP/1.1 404 ") && answers[2].contains("<Code>NoSuchKey</Code>"));
        assert!(answers[3].starts_with("HTTP/1.1 204 "), "{}", answers[3]);
        assert!(answers[4].contains("content-length: 7\r\n") && answers[4].ends_with("\r\n\r\n"));
    }

    #[tokio::test]
    async fn buckets_may_stand_in_the_host_and_settings_have_a_place_of_their_own() {
        let answers = exchange(&[
            "GET /a%20b/%C3%BC HTTP/1.1\nHost: trail.localhost:80\nConnection: close\n\n",
            "PUT /_simulator/settings?reads-lag=2s HTTP/1.1\nHost: x\nConnection: close\n\n",
            "GET / HTTP/1.1\nHost: localhost\nConnection: close\n\n",
            "PATCH /trail HTTP/1.1\nHost: x\nConnection: close\n\n",
        ])
        .await;
        assert!(answers[0].ends_with("\r\n\r\ncontent"), "{}", answers[0]);
        assert!(answers[1].contains(r#""reads-lag":"2s""#), "{}", answers[1]);
        assert!(answers[2].contains("<ListAllMyBucketsResult "), "{}", answers[2]);
        assert!(answers[3].starts_with("HTTP/1.1 405 "), "{}", answers[3]);
    }

    #[tokio::test]
    async fn a_dropped_answer_closes_the_connection() {
        let request = "GET /trail?list-type=2 HTTP/1.1\nHost: x\n\
                       Authorization: AWS4-HMAC-SHA256 Credential=DROP/20261102/eu-west-1/s3/aws4_request, Signature=0\n\n";
        assert_eq!(exchange(&[request]).await, [""]);
    }

    /// The object `trail/a b/ü`, asked for with an access key of that name.
    fn content(access_key: &str) -> String {
        format!(
            "GET /trail/a%20b/%C3%BC HTTP/1.1\nHost: x\nConnection: close\n\
             Authorization: AWS4-HMAC-SHA256 Credential={access_key}/20261102/eu-west-1/s3/aws4_request, Signature=0\n\n"
        )
    }

    #[tokio::test]
    async fn an_answer_may_break_off_or_never_end() {
        let broken = exchange(&[&content("HALF")]).await.remove(0);
        assert!(broken.contains("content-length: 7\r\n") && broken.ends_with("\r\n\r\ncon"), "{broken}");
        let late = content("LATE");
        let waited_for = timeout(Duration::from_millis(50), async { exchange(&[&late]).await });
        assert!(waited_for.await.is_err());
    }

    #[test]
    fn a_credential_is_read_from_its_header() {
        let header =
            "AWS4-HMAC-SHA256 Credential=AKIA1/20261102/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=ab";
        let (access_key, region, service) = ("AKIA1".to_owned(), "eu-west-1".to_owned(), "ec2".to_owned());
        assert_eq!(Credential::parse(header), Some(Credential { access_key, region, service }));
        for nonsense in ["", "Basic x", "AWS4-HMAC-SHA256 Credential=", "Credential=a/b/c"] {
            assert_eq!(Credential::parse(nonsense), None);
        }
    }
}
