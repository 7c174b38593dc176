//! The firewall's XML API over HTTP: parameters in, bytes out.

use axum::{
    Router,
    body::{self, Bytes},
    extract::DefaultBodyLimit,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::Response,
    routing::{MethodRouter, get},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::ext::ReasonPhrase;

use crate::firewall::{Answer, Body, FILE_NAME, Request};

/// The documentation's ceiling for a request is 5 MB; percent-encoding makes it longer on the wire.
const BODY_MAX: usize = 16 * 1024 * 1024;

/// Serves whatever answers requests: a firewall behind a lock, or a world around one.
///
/// pan-python posts to `/api/`, pango to `/api`; a redirect from one to the other would turn a POST into a GET.
pub fn router<F>(answer: F) -> Router
where
    F: Fn(&Request) -> Answer + Clone + Send + Sync + 'static,
{
    let endpoint = || -> MethodRouter {
        let answer = answer.clone();
        let handler =
            async move |uri: Uri, headers: HeaderMap, body: Bytes| respond(answer(&request(&uri, &headers, &body)));
        get(handler.clone()).post(handler)
    };
    Router::new().route("/api", endpoint()).route("/api/", endpoint()).layer(DefaultBodyLimit::max(BODY_MAX))
}

/// Query and body are merged; where a parameter is in both, the query's counts.
fn request(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Request {
    let urlencoded = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect::<Vec<_>>();
    let mut parameters = urlencoded(uri.query().unwrap_or_default().as_bytes());
    parameters.extend(boundary(headers).map_or_else(|| urlencoded(body), |boundary| parts(body, &boundary)));
    Request {
        parameters,
        key: headers.get("x-pan-key").and_then(|key| key.to_str().ok()).map(str::to_owned),
        basic: headers.get(header::AUTHORIZATION).and_then(basic),
    }
}

/// What separates the parts of a form with files.
fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?.strip_prefix("multipart/form-data")?;
    let (_, boundary) = kind.split_once("boundary=")?;
    let boundary = boundary.split(';').next()?.trim().trim_matches('"');
    Some(format!("--{boundary}"))
}

/// The fields of a form with files, by RFC 7578. What is not UTF-8 is replaced: files are XML here.
fn parts(body: &[u8], boundary: &str) -> Vec<(String, String)> {
    let body = String::from_utf8_lossy(body);
    let parts = body.split(boundary).filter_map(|part| part.trim_start_matches("\r\n").split_once("\r\n\r\n"));
    let fields = parts.flat_map(|(head, content)| {
        let quoted = |name: &str| {
            let (_, rest) = head.split_once(&format!(" {name}=\""))?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        let content = content.strip_suffix("\r\n").unwrap_or(content).to_owned();
        let file = quoted("filename").map(|file| (FILE_NAME.to_owned(), file));
        quoted("name").map(|name| (name, content)).into_iter().chain(file)
    });
    fields.collect()
}

/// User and password of `Basic dXNlcjpwYXNzd29yZA==`.
fn basic(value: &HeaderValue) -> Option<(String, String)> {
    let encoded = value.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// pan-python refuses `text/xml`. There is no XML declaration: pango strips the outermost element by its position.
fn respond(answer: Answer) -> Response {
    let body = match answer.body {
        Body::Cut => return cut(),
        Body::Xml(element) => element.to_string(),
        Body::Text(text) => text,
    };
    let mut response = Response::new(body::Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(Ok(reason)) = answer.reason.map(ReasonPhrase::try_from) {
        response.extensions_mut().insert(reason);
    }
    let headers = response.headers_mut();
    let content_type = answer.content_type.unwrap_or("application/xml; charset=UTF-8");
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    // pan-python takes a file only as an attachment of this type.
    let disposition = answer.attachment.map(|name| HeaderValue::try_from(format!("attachment; filename={name}")));
    if let Some(Ok(disposition)) = disposition {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

/// Promises a body and ends before it: the server has no choice but to close the connection, and sends nothing.
fn cut() -> Response {
    let nothing = body::Body::from_stream(body::Body::empty().into_data_stream());
    let mut response = Response::new(nothing);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("4096"));
    response
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::{clock::Moment, firewall::Firewall};

    /// Sends bytes to a new firewall and returns all that comes back.
    async fn exchange(request: &str) -> String {
        let firewall = Arc::new(Mutex::new(Firewall::new()));
        let answer = move |request: &Request| match request.parameter("cmd") {
            Some("cut") => Answer::new(200, Body::Cut),
            _ => firewall.lock().unwrap().request(request, Moment::default()),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, router(answer)).await });
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        server.abort();
        text
    }

    fn post(path: &str, headers: &str, body: &str) -> String {
        format!(
            "POST {path} HTTP/1.1\r\nHost: fw\r\nConnection: close\r\n{headers}Content-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    const INFO: &str = "cmd=%3Cshow%3E%3Csystem%3E%3Cinfo%2F%3E%3C%2Fsystem%3E%3C%2Fshow%3E";

    #[tokio::test]
    async fn a_key_is_made_and_then_taken_wherever_clients_put_it() {
        let made = exchange(&post("/api/", "", "type=keygen&user=admin&password=admin-password")).await;
        assert!(made.starts_with("HTTP/1.1 200 OK"), "{made}");
        assert!(made.contains("content-type: application/xml; charset=UTF-8"), "{made}");
        let (_, rest) = made.split_once("<response status = 'success'><result><key>").unwrap();
        let (key, _) = rest.split_once("</key>").unwrap();

        let header = format!("X-PAN-KEY: {key}\r\n");
        let basic = format!("Authorization: Basic {}\r\n", STANDARD.encode("admin:admin-password"));
        for request in [
            post("/api/", "", &format!("type=op&{INFO}&key={key}")),
            post("/api", &header, &format!("type=op&{INFO}")),
            post("/api", &basic, &format!("type=op&{INFO}")),
            post(&format!("/api/?type=op&{INFO}"), "", &format!("Key={key}")),
            format!("GET /api?type=op&{INFO}&key={key} HTTP/1.1\r\nHost: fw\r\nConnection: close\r\n\r\n"),
        ] {
            let answer = exchange(&request).await;
            assert!(answer.contains("\r\n\r\n<response status=\"success\"><result><system>"), "{answer}");
        }
    }

    #[tokio::test]
    async fn a_bad_key_is_forbidden() {
        let answer = exchange(&post("/api/", "X-PAN-KEY: nonsense\r\n", "type=op&cmd=%3Cshow/%3E")).await;
        assert!(answer.starts_with("HTTP/1.1 403 Invalid Credential\r\n"), "{answer}");
        assert!(answer.contains("<response status = 'error' code = '403'><result><msg>Invalid Credential</msg>"));
    }

    #[tokio::test]
    async fn a_file_comes_as_an_attachment() {
        let basic = format!("Authorization: Basic {}\r\n", STANDARD.encode("admin:admin-password"));
        let answer = exchange(&post("/api/", &basic, "type=export&category=configuration")).await;
        assert!(answer.contains("content-type: application/octet-stream\r\n"), "{answer}");
        assert!(answer.contains("content-disposition: attachment; filename=running-config.xml\r\n"), "{answer}");
    }

    #[tokio::test]
    async fn a_file_comes_in_as_a_part_of_a_form() {
        let part =
            |head: &str, content: &str| format!("--xyz\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n");
        let file = "name=\"file\"; filename=\"old.xml\"\r\nContent-Type: application/xml";
        let config = "<?xml version=\"1.0\"?>\n<config version=\"10.2.0\"><shared/>\r\n\r\n</config>\n";
        let body = part(file, config) + &part("name=\"category\"", "configuration") + "--xyz--\r\n";
        let basic = STANDARD.encode("admin:admin-password");
        let length = body.len();
        let request = format!(
            "POST /api/?type=import HTTP/1.1\r\nHost: fw\r\nConnection: close\r\nAuthorization: Basic {basic}\r\n\
             Content-Type: multipart/form-data; boundary=xyz\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let saved = "<response status=\"success\"><msg><line>old.xml saved</line></msg></response>";
        assert!(exchange(&request).await.ends_with(saved));
    }

    #[tokio::test]
    async fn a_cut_answer_is_none() {
        assert_eq!(exchange(&post("/api/", "", "type=op&cmd=cut")).await, "");
    }
}
