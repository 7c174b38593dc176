//! Answers in the device's own shapes and words (`pan-python lib/pan/xapi.py` and `pango errors/panos.go` read them).

use super::settings::Denial;
use crate::xml::Element;

/// What the device sends back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status: 200 for everything but authentication and authorisation.
    pub status: u16,
    /// What stands behind the status in HTTP's first line, where it is not the usual.
    pub reason: Option<String>,
    /// What is sent.
    pub body: Body,
    /// Under which name a client saves the body, where it is a file and not an answer.
    pub attachment: Option<String>,
    /// What the answer says that it is, where that is not XML.
    pub content_type: Option<&'static str>,
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// XML in the usual quoting.
    Xml(Element),
    /// Text that is sent as it stands: XML in odd quoting, or something that is no XML.
    Text(String),
    /// Nothing: the connection is closed instead.
    Cut,
}

impl Answer {
    /// An ordinary answer.
    pub fn xml(response: Element) -> Self {
        Self::new(200, Body::Xml(response))
    }

    /// An answer of any status and body.
    pub fn new(status: u16, body: Body) -> Self {
        Self { status, reason: None, body, attachment: None, content_type: None }
    }

    /// A file.
    pub(super) fn file(name: &str, text: String) -> Self {
        Self { attachment: Some(name.to_owned()), ..Self::new(200, Body::Text(text)) }
    }

    /// The answer to an unknown, expired or revoked key, and to a wrong password.
    pub fn invalid_credentials() -> Self {
        Self::denied(Denial::Forbidden, "Invalid Credential")
    }

    /// The same in the manner of one release or another. pan-os-python knows the older words, and only where HTTP has
    /// nothing to complain about.
    pub(super) fn bad_credentials(denial: Denial) -> Self {
        match denial {
            Denial::Forbidden => Self::invalid_credentials(),
            Denial::Told => Self::denied(denial, "Invalid credentials."),
        }
    }

    /// Code 403 with these words; current releases say them in HTTP's reason phrase, too.
    fn denied(denial: Denial, words: &str) -> Self {
        let body = Body::Text(quoted_oddly(403, words));
        match denial {
            Denial::Forbidden => Self { reason: Some(words.to_owned()), ..Self::new(403, body) },
            Denial::Told => Self::new(200, body),
        }
    }

    /// The answer to an administrator who may look but not touch.
    pub fn unauthorized() -> Self {
        let line = Element::text("line", "Unauthorized request");
        Self::xml(response("unauth", Some(16)).with(Element::new("msg").with(line)))
    }

    /// The answer to an administrator whose role lacks the request's type.
    pub(super) fn not_authorized(denial: Denial, request_type: &str) -> Self {
        Self::denied(denial, &format!("Type [{request_type}] not authorized for user role."))
    }

    /// The answer with a new key, in the quoting that only this answer has.
    pub(super) fn key(key: &str) -> Self {
        let text = format!("<response status = 'success'><result><key>{key}</key></result></response>");
        Self::new(200, Body::Text(text))
    }

    /// The body as it is sent.
    pub fn text(&self) -> String {
        match &self.body {
            Body::Xml(element) => element.to_string(),
            Body::Text(text) => text.clone(),
            Body::Cut => String::new(),
        }
    }
}

impl From<Result<Element, Refusal>> for Answer {
    fn from(outcome: Result<Element, Refusal>) -> Self {
        match outcome {
            Ok(response) => Self::xml(response),
            Err(refusal) if refusal.code == Some(400) => {
                Self::new(200, Body::Text(quoted_oddly(400, &refusal.lines.join(" "))))
            }
            Err(refusal) => Self::xml(refusal.to_xml()),
        }
    }
}

fn quoted_oddly(code: u16, words: &str) -> String {
    // Built as an element so that names from the request are escaped.
    let message = Element::text("msg", words);
    format!("<response status = 'error' code = '{code}'><result>{message}</result></response>")
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: Option<u16>,
    pub(super) lines: Vec<String>,
}

impl Refusal {
    /// A refusal of one line.
    pub(super) fn new(code: u16, line: impl Into<String>) -> Self {
        Self { code: Some(code), lines: vec![line.into()] }
    }

    /// A refusal without a code, as the device has it for locks and missing nodes.
    pub(super) fn without_code(line: impl Into<String>) -> Self {
        Self { code: None, lines: vec![line.into()] }
    }

    /// A required parameter is not there.
    pub(super) fn missing_parameter(name: &str) -> Self {
        Self::new(400, format!("Missing value for parameter \"{name}\"."))
    }

    /// A parameter has a value that the device does not know.
    pub(super) fn illegal_parameter(name: &str, value: &str) -> Self {
        Self::new(400, format!("Illegal value for parameter \"{name}\" [{value}]."))
    }

    /// Something that is to be changed is not there.
    pub(super) fn no_such_object() -> Self {
        Self::new(7, "Object doesn't exist")
    }

    pub(super) fn to_xml(&self) -> Element {
        let lines = self.lines.iter().map(|line| Element::text("line", line));
        response("error", self.code).with(Element::new("msg").with_all(lines))
    }
}

/// The outermost element of every answer.
pub(super) fn response(status: &str, code: Option<u16>) -> Element {
    let response = Element::new("response").with_attribute("status", status);
    match code {
        Some(code) => response.with_attribute("code", code.to_string()),
        None => response,
    }
}

/// Success of an operational command or a read of the running configuration: a result and no code.
pub(super) fn result(children: impl IntoIterator<Item = Element>) -> Element {
    response("success", None).with(Element::new("result").with_all(children))
}

/// Success of an operational command that answers with a word or a sentence.
pub(super) fn result_text(text: impl Into<String>) -> Element {
    response("success", None).with(Element::text("result", text))
}

/// Success that is told in plain `msg` text. A `line` below it would break pan-os-python.
pub(super) fn message(code: u16, text: &str) -> Element {
    response("success", Some(code)).with(Element::text("msg", text))
}

/// A job was enqueued.
pub(super) fn enqueued(work: &str, id: u64) -> Element {
    let line = Element::text("line", format!("{work} job enqueued with jobid {id}"));
    let result = Element::new("result").with(Element::new("msg").with(line)).with(Element::text("job", id.to_string()));
    response("success", Some(19)).with(result)
}
