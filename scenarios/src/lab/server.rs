//! The page and what it asks.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    middleware,
    response::{IntoResponse, Response, Sse, sse},
    routing::{get, post},
};
use drawbridge::render;
use drawbridge_core::explain::Subject;
use drawbridge_simulator::script::Limits;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

use super::{Shared, deed, drawbridge::News, guard, stories};

/// The files of the page, each with its type.
const FILES: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("../../lab/index.html")),
    ("/lab.css", "text/css; charset=utf-8", include_str!("../../lab/lab.css")),
    ("/icon.svg", "image/svg+xml", include_str!("../../lab/icon.svg")),
    ("/lab.js", SCRIPT, include_str!("../../lab/lab.js")),
    ("/page.js", SCRIPT, include_str!("../../lab/page.js")),
    ("/rules.js", SCRIPT, include_str!("../../lab/rules.js")),
    ("/cloud.js", SCRIPT, include_str!("../../lab/cloud.js")),
    ("/stories.js", SCRIPT, include_str!("../../lab/stories.js")),
];

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Serves the page for ever.
pub(super) async fn serve(listener: TcpListener, lab: Arc<Shared>) {
    let Ok(page) = listener.local_addr() else { return };
    let mut router = Router::new();
    for (path, kind, text) in FILES {
        router = router.route(path, get(async || ([(CONTENT_TYPE, *kind)], *text)));
    }
    let router = router
        .route("/firewall.pem", get(certificate))
        .route("/live", get(live))
        .route("/deed", post(perform))
        .route("/look", post(look))
        .route("/explain", post(explain))
        .route("/stories", get(list))
        .route("/story", post(tell))
        .with_state(lab)
        .layer(middleware::from_fn_with_state(page, guard::check));
    let _ = axum::serve(listener, router).await;
}

type Lab = State<Arc<Shared>>;

async fn certificate(State(lab): Lab) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/x-pem-file")], lab.access.certificate.clone())
}

/// Everything, and then every difference.
async fn live(State(lab): Lab) -> impl IntoResponse {
    let messages = ReceiverStream::new(lab.hub.open());
    let events = messages.map(|message| Ok::<_, Infallible>(sse::Event::default().data(&*message)));
    Sse::new(events).keep_alive(sse::KeepAlive::default())
}

/// `{"line": "call StartInstances i-web-2"}`
async fn perform(State(lab): Lab, body: Bytes) -> Response {
    answer(member(&body, "line").and_then(|line| deed::perform(&lab, &line)).map(|()| json!({ "done": true })))
}

async fn look(State(lab): Lab) -> Response {
    let _ = lab.news.send(News::look("somebody asks it to look now", Limits::Kept));
    answer(Ok(json!({ "done": true })))
}

/// `{"subject": "198.51.100.7 10.0.1.10 tcp/443"}`: of a packet also the rule that the firewall itself says it meets.
async fn explain(State(lab): Lab, body: Bytes) -> Response {
    let subject = match member(&body, "subject") {
        Ok(subject) => subject,
        Err(error) => return answer(Err(error)),
    };
    let eyes = lab.eyes.lock().await;
    // That something is not there (any more) is an answer as well.
    answer(Ok(match eyes.explain_text(&subject) {
        Ok((subject, told)) => {
            let mut document = render::explanation(&told);
            if let Subject::Packet(sent) = &subject {
                document["packet"] = json!(true);
                document["met"] = json!(eyes.met(sent));
                document["any_application"] = json!(sent.app.is_none());
            }
            document
        }
        Err(error) => json!({ "error": error }),
    }))
}

async fn list(State(lab): Lab) -> Response {
    answer(stories::list(&lab.options.stories))
}

/// `{"file": "first-day.scenario"}`, or `{"text": "…"}` for a story that is nowhere yet.
async fn tell(State(lab): Lab, body: Bytes) -> Response {
    let text = match (member(&body, "file"), member(&body, "text")) {
        (_, Ok(text)) => Ok(("this story".to_owned(), text)),
        (Ok(file), _) => stories::read(&lab.options.stories, &file).map(|text| (file, text)),
        (Err(error), _) => Err(error),
    };
    answer(match text {
        Ok((file, text)) => stories::tell(file, text).await,
        Err(error) => Err(error),
    })
}

/// A text in a JSON object.
fn member(body: &[u8], name: &str) -> Result<String, String> {
    let document: Value = serde_json::from_slice(body).map_err(|error| format!("this is no JSON: {error}"))?;
    document[name].as_str().map(str::to_owned).ok_or_else(|| format!("`{name}` is missing, or no text"))
}

fn answer(answer: Result<Value, String>) -> Response {
    let (status, document) = match answer {
        Ok(document) => (StatusCode::OK, document),
        Err(error) => (StatusCode::BAD_REQUEST, json!({ "error": error })),
    };
    (status, [(CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}
