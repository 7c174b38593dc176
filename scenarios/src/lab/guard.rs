//! Who may talk to the lab: the page that it serves itself, and nobody else's.

use std::net::SocketAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// What the page may load: its own files. No script is written into it, so none that somebody smuggles in is run.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of every answer.
const HEADERS: &[(header::HeaderName, &str)] = &[
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Refuses other hosts, so that no name of somebody else's leads here, and requests that pages of other origins make.
pub(super) async fn check(State(page): State<SocketAddr>, request: Request, next: Next) -> Response {
    let mut response = match refusal(page, request.method(), request.headers()) {
        Some(why) => (StatusCode::FORBIDDEN, why).into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

fn refusal(page: SocketAddr, method: &Method, headers: &HeaderMap) -> Option<&'static str> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text("host").unwrap_or_default();
    let port = page.port();
    let is_ours = ["127.0.0.1", "localhost"].iter().any(|name| host == format!("{name}:{port}"));
    if !is_ours {
        return Some("this is the lab of one machine: ask for it by its address on loopback\n");
    }
    let is_elsewhere = text("origin").is_some_and(|origin| origin != format!("http://{host}"))
        || text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    if *method != Method::GET && is_elsewhere {
        return Some("a page of another origin may not drive the lab\n");
    }
    // A form of another page cannot send this type without asking first.
    let is_json = text("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if *method != Method::GET && !is_json {
        return Some("send JSON, as `application/json`\n");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_page_may_drive_the_lab() {
        let json = ("content-type", "application/json");
        type Headers<'a> = &'a [(&'static str, &'static str)];
        let cases: [(Method, Headers<'_>, bool); 9] = [
            (Method::GET, &[("host", "127.0.0.1:8640")], true),
            (Method::GET, &[("host", "localhost:8640")], true),
            (Method::GET, &[("host", "lab.example:8640")], false),
            (Method::GET, &[("host", "127.0.0.1:1")], false),
            (Method::GET, &[], false),
            (Method::POST, &[("host", "127.0.0.1:8640"), json, ("origin", "http://127.0.0.1:8640")], true),
            (Method::POST, &[("host", "127.0.0.1:8640"), json, ("origin", "https://evil.example")], false),
            (Method::POST, &[("host", "127.0.0.1:8640"), json, ("sec-fetch-site", "cross-site")], false),
            (Method::POST, &[("host", "127.0.0.1:8640"), ("content-type", "text/plain")], false),
        ];
        for (method, given, may) in cases {
            let headers = given.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            let refused = refusal(SocketAddr::from(([127, 0, 0, 1], 8640)), &method, &headers);
            assert_eq!(refused.is_none(), may, "{method} {given:?}: {refused:?}");
        }
    }
}
