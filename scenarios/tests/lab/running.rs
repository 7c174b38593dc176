//! A lab to talk to, and what its stream tells.

use std::{
    net::SocketAddr,
    sync::mpsc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use drawbridge_scenarios::lab::{Lab, Options};
use drawbridge_simulator::script::Script;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::http;

/// A lab in a thread of its own, until this is dropped.
pub(crate) struct Running {
    pub(crate) page: SocketAddr,
    pub(crate) aws: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn of(world: &str) -> Self {
        let script = Script::parse("world", world).unwrap();
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let deliver = Duration::from_millis(300);
                let options = Options { deliver, stories: env!("CARGO_MANIFEST_DIR").into(), ..Options::default() };
                let lab = Lab::open(&script, options).await.unwrap();
                let aws = lab.access.aws.strip_prefix("http://").unwrap().parse().unwrap();
                tell.send((lab.page, aws)).unwrap();
                let _ = stopped.await;
            });
        });
        let (page, aws) = told.recv().expect("the lab opens");
        Self { page, aws, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.page)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> http::Answer {
        let headers = format!("Host: {}\r\nContent-Type: application/json\r\n", self.page);
        http::send(self.page, "POST", path, &headers, &body.to_string())
    }

    #[track_caller]
    pub(crate) fn deed(&self, line: &str) {
        let answer = self.post("/deed", &json!({ "line": line }));
        assert_eq!(answer.status, 200, "{line}: {}", answer.body);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A page as far as a test without browser needs one.
#[derive(Default)]
pub(crate) struct Page(pub(crate) serde_json::Map<String, Value>);

impl Page {
    pub(crate) fn hear(&mut self, message: Value) {
        let Value::Object(sections) = message else { panic!("a message is an object") };
        for (name, news) in sections {
            if let Some(splice) = news["splice"].as_array() {
                let list = self.0[&name].as_array_mut().unwrap();
                let (at, gone) = (splice[0].as_u64().unwrap() as usize, splice[1].as_u64().unwrap() as usize);
                list.splice(at..at + gone, splice[2].as_array().unwrap().iter().cloned());
            } else if let Some(added) = news["add"].as_array() {
                self.0[&name].as_array_mut().unwrap().extend(added.iter().cloned());
            } else {
                self.0.insert(name, news["set"].clone());
            }
        }
    }

    pub(crate) fn rules(&self) -> impl Iterator<Item = &Value> {
        self.0.get("rules").and_then(Value::as_array).into_iter().flatten()
    }

    pub(crate) fn ours(&self) -> Vec<(&str, &str)> {
        let ours = self.rules().filter(|rule| rule["ours"] == true);
        ours.map(|rule| (rule["state"].as_str().unwrap(), rule["cause"].as_str().unwrap_or_default())).collect()
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        let timeline = self.0.get("timeline").and_then(Value::as_array);
        timeline.into_iter().flatten().any(|entry| entry["text"].as_str().unwrap().contains(text))
    }

    /// Follows the stream until something is so.
    #[track_caller]
    pub(crate) fn until(
        &mut self,
        messages: &mut impl Iterator<Item = Value>,
        what: &str,
        is_so: impl Fn(&Self) -> bool,
    ) {
        let end = Instant::now() + Duration::from_secs(40);
        while !is_so(self) {
            assert!(Instant::now() < end, "never: {what}\n{}", Value::Object(self.0.clone()));
            self.hear(messages.next().expect("the stream goes on"));
        }
    }
}

/// Asks for a page.
pub(crate) fn get(page: SocketAddr, path: &str) -> http::Answer {
    http::send(page, "GET", path, &format!("Host: {page}\r\n"), "")
}
