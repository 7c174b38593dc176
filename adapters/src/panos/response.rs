//! What the firewall answers: the envelope, and the one place where a refusal becomes a [`Failure`].

use std::borrow::Cow;

use drawbridge_core::command::{Failure, Trouble};

use super::{
    cursor::{Cursor, Element},
    text::clean,
    xml::{Malformed, Nodes, Tag, parse},
};

/// An answer as it arrived.
#[derive(Clone, Debug)]
pub struct Answer<D> {
    /// The status of HTTP; 200 where there is no HTTP.
    pub status: u16,
    /// What was in it.
    pub document: D,
}

/// What is in an answer: XML, or what should have been XML.
pub trait Document {
    /// Its nodes, from the beginning.
    fn nodes(&self) -> impl Nodes<'_>;
}

impl Document for String {
    fn nodes(&self) -> impl Nodes<'_> {
        parse(self)
    }
}

/// An answer that does not say what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The firewall says no.
    Refused(Refusal),
    /// It is not what the XML API answers.
    Malformed {
        /// The status of HTTP.
        status: u16,
        /// What is wrong with it.
        why: Malformed,
    },
}

/// A no of the firewall's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of HTTP.
    pub status: u16,
    /// The code of the XML API; of a transaction that of the operation that failed.
    pub code: Option<u32>,
    /// Its words, on one line.
    pub text: String,
    /// The `id` of the operation that failed, where it was one of a transaction; empty if the answer does not tell it.
    pub culprit: Option<String>,
}

impl From<Malformed> for Rejection {
    fn from(why: Malformed) -> Self {
        Self::Malformed { status: 200, why }
    }
}

/// A successful answer, the cursor standing in its `response` element.
pub fn open<D: Document>(answer: &Answer<D>) -> Result<Cursor<'_, impl Nodes<'_>>, Rejection> {
    let status = answer.status;
    let malformed = |why| Rejection::Malformed { status, why };
    let mut cursor = Cursor::new(answer.document.nodes());
    let root = cursor.root().map_err(malformed)?;
    let said = root.attribute("status").cloned();
    match said.as_deref() {
        Some("success") if root.name == "response" && (200..300).contains(&status) => Ok(cursor),
        Some(_) if root.name == "response" => {
            let element = cursor.element(root).map_err(malformed)?;
            Err(Rejection::Refused(Refusal::of(status, &element)))
        }
        Some(_) | None => Err(malformed(Malformed::Content(clean(&format!("`{}` instead of `response`", root.name))))),
    }
}

/// A successful answer as a tree: the children of its `response` element.
pub fn tree<D: Document>(answer: &Answer<D>) -> Result<Element<'_>, Rejection> {
    let mut cursor = open(answer)?;
    let mut children = Vec::new();
    cursor.children(|cursor, tag| {
        children.push(cursor.element(tag)?);
        Ok(())
    })?;
    let tag = Tag { name: "response", attributes: Vec::new() };
    Ok(Element { tag, text: Cow::Borrowed(""), children })
}

impl Refusal {
    fn of(status: u16, response: &Element<'_>) -> Self {
        let code = |element: &Element<'_>| element.tag.attribute("code").and_then(|code| code.trim().parse().ok());
        // A transaction answers operation by operation, up to the one that failed; its own code says less than that one's.
        let nested = response.all("response").last();
        let code = nested.and_then(code).or_else(|| code(response));
        let id = |nested: &Element<'_>| nested.tag.attribute("id").map(|id| id.clone().into_owned());
        let culprit = nested.map(|nested| id(nested).unwrap_or_default());
        let text = [Some(response), nested].into_iter().flatten().map(message).find(|text| !text.is_empty());
        Self { status, code, text: text.unwrap_or_else(|| meaning(code)), culprit }
    }
}

/// The words in an answer, on one line. Places in the order in which `kevinsteves/pan-python` looks for them.
pub fn message(response: &Element<'_>) -> String {
    let lines = |path: &[&str]| -> Vec<String> {
        let Some((last, parents)) = path.split_last() else { return Vec::new() };
        let found = response.at(parents).into_iter().flat_map(|parent| parent.all(last)).map(words);
        found.filter(|line| !line.is_empty()).collect()
    };
    let places: [&[&str]; 5] = [
        &["msg", "line"],
        &["result", "msg", "line"],
        &["result", "msg"],
        &["msg"],
        &["result", "job", "details", "line"],
    ];
    clean(&places.into_iter().map(lines).find(|lines| !lines.is_empty()).unwrap_or_default().join("; "))
}

/// The text of an element and everything below it.
fn words(element: &Element<'_>) -> String {
    let mut words = element.text.clone().into_owned();
    for child in &element.children {
        words.push(' ');
        words.push_str(&self::words(child));
    }
    words.trim().to_owned()
}

/// What a code says by itself (vendor documentation, "PAN-OS XML API error codes").
fn meaning(code: Option<u32>) -> String {
    let text = match code {
        Some(400) => "bad request",
        Some(403) => "forbidden",
        Some(1) => "unknown command",
        Some(2..=5 | 11 | 21) => "internal error",
        Some(6) => "bad xpath",
        Some(7) => "object not present",
        Some(8) => "object not unique",
        Some(10) => "reference count not zero",
        Some(12) => "invalid object",
        Some(13) => "object not found",
        Some(14) => "operation not possible",
        Some(15) => "operation denied",
        Some(16) => "unauthorized",
        Some(17) => "invalid command",
        Some(18) => "malformed command",
        Some(22) => "session timed out",
        Some(other) => return format!("code {other}"),
        None => "no reason given",
    };
    text.to_owned()
}

/// Says that an administrator holds a lock; there is no code for it (regular expressions of
/// `PaloAltoNetworks/pan-os-python`, `panos/base.py`).
const LOCKED: &[&str] = &[
    "configuration is locked by",
    "lock is already held",
    "is currently locked",
    "holding device wide commit locks",
    "holding a commit lock",
];

/// Says that another commit, installation or synchronisation is going on.
const BUSY: &[&str] = &[
    "another commit/validate is in progress",
    "a commit is in progress",
    "a commit is pending",
    "while an install is in progress",
    "auto-commit not yet finished",
    "another sync is in progress",
    "session timed out",
    "try again later",
];

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Refused(refusal) => refused(refusal),
            Rejection::Malformed { status, why } => malformed(status, &why),
        }
    }
}

fn refused(Refusal { status, code, text, .. }: Refusal) -> Failure {
    let lower = text.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| lower.contains(phrase));
    match code {
        // What these say is about the configuration, in which names are anything.
        Some(6..=8 | 10 | 12) => Trouble::Refused(text).permanent(),
        _ if says(&["invalid credential"]) => Trouble::KeyRefused.permanent(),
        _ if says(&["not authorized"]) => Trouble::RoleLacks(text).permanent(),
        Some(16) => Trouble::RoleLacks(text).permanent(),
        Some(403) => Trouble::KeyRefused.permanent(),
        _ if matches!(status, 401 | 403) => Trouble::KeyRefused.permanent(),
        _ if says(LOCKED) => Trouble::Locked(text).transient(),
        _ if says(BUSY) => Trouble::Busy(text).transient(),
        Some(2..=5 | 11 | 21 | 22) => Trouble::Busy(text).transient(),
        // Of what we write only the unit's state can deny anything; it was active when it was looked at.
        Some(15) => Trouble::Passive("passive".to_owned()).permanent(),
        _ if is_overload(status) => Trouble::Busy(text).transient(),
        _ => Trouble::Refused(text).permanent(),
    }
}

fn malformed(status: u16, why: &Malformed) -> Failure {
    match status {
        401 | 403 => Trouble::KeyRefused.permanent(),
        _ if is_overload(status) => Trouble::Busy(format!("HTTP {status}")).transient(),
        200..300 => match why {
            // Answers that end early, or are empty, have been seen from firewalls under load
            // (`PaloAltoNetworks/terraform-provider-panos#264`).
            Malformed::Cut => Trouble::NotPanos(why.to_string()).transient(),
            Malformed::Syntax(_) | Malformed::TooDeep | Malformed::Content(_) => {
                Trouble::NotPanos(why.to_string()).permanent()
            }
        },
        _ => Trouble::NotPanos(format!("HTTP {status}")).permanent(),
    }
}

fn is_overload(status: u16) -> bool {
    matches!(status, 429 | 500..=504)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, document: &str, expected: &str) {
        let answer = Answer { status, document: document.to_owned() };
        let said = match tree(&answer) {
            Ok(response) => format!("success: {}", message(&response)),
            Err(rejection) => {
                let failure = Failure::from(rejection);
                format!("{:?}: {}", failure.lasting, failure.what)
            }
        };
        assert_eq!(said, expected, "{document}");
    }

    #[test]
    fn keys_and_roles() {
        let refused =
            "Permanent: the firewall refuses the API key: generate one for the account and set `firewall.api_key`";
        let invalid =
            "<response status = 'error' code = '403'><result><msg>Invalid Credential</msg></result></response>";
        check(200, invalid, refused);
        check(403, invalid, refused);
        check(403, "<html>Forbidden</html>", refused);
        check(
            403,
            "<response status = 'error' code = '403'><result><msg>Type [commit] not authorized for user role.</msg></result></response>",
            "Permanent: the account of the API key lacks a right: Type [commit] not authorized for user role.",
        );
        check(
            200,
            r#"<response status="unauth" code="16"><msg><line>Unauthorized request</line></msg></response>"#,
            "Permanent: the account of the API key lacks a right: Unauthorized request",
        );
    }

    #[test]
    fn what_may_pass_is_transient() {
        let error = |code: &str, line: &str| {
            format!(r#"<response status="error"{code}><msg><line>{line}</line></msg></response>"#)
        };
        for line in [
            "Another commit/validate is in progress. Please try again later",
            "A commit is pending. Please try again later.",
            "Commit job was not queued since auto-commit not yet finished",
        ] {
            check(200, &error(" code=\"13\"", line), &format!("Transient: the firewall is busy: {line}"));
        }
        for line in [
            "Configuration is locked by bob",
            "Config for scope shared is currently locked by bob",
            "Commit lock is already held by bob",
            "Other administrators are holding device wide commit locks.",
        ] {
            check(200, &error(" code=\"14\"", line), &format!("Transient: an administrator holds a lock: {line}"));
        }
        check(200, &error(" code=\"22\"", ""), "Transient: the firewall is busy: session timed out");
        check(502, "<html><body>Bad Gateway</body></html>", "Transient: the firewall is busy: HTTP 502");
        check(503, "", "Transient: the firewall is busy: HTTP 503");
    }

    #[test]
    fn refusals_are_told_in_the_firewalls_words() {
        let refuses = |text: &str| format!("Permanent: the firewall refuses: {text}");
        check(
            200,
            r#"<response status="error" code="12"><msg><line><![CDATA[ r -> application 'rdp' is not a valid reference]]></line><line> r is invalid</line></msg></response>"#,
            &refuses("r -> application 'rdp' is not a valid reference; r is invalid"),
        );
        check(
            200,
            r#"<response status="error" code="12"><msg><line><line> port 70000 is too large</line></line></msg></response>"#,
            &refuses("port 70000 is too large"),
        );
        check(
            200,
            r#"<response status="error" code="13"><response status="success" code="20" id="1"><msg>command succeeded</msg></response><response status="error" code="12" id="2"><msg><line> no such zone</line></msg></response></response>"#,
            &refuses("no such zone"),
        );
        check(200, r#"<response status="error" code="6"/>"#, &refuses("bad xpath"));
        // A name in it is nothing that the firewall says.
        for code in [6, 7, 8, 10, 12] {
            for name in ["try again later", "not authorized", "lock is already held", "Invalid Credential"] {
                let line = format!("rules -> {name} is invalid");
                let document =
                    format!(r#"<response status="error" code="{code}"><msg><line>{line}</line></msg></response>"#);
                check(200, &document, &refuses(&line));
            }
        }
        check(200, r#"<response status="failed"/>"#, &refuses("no reason given"));
        check(
            200,
            r#"<response status="error" code="15"><msg><line>not on a passive device</line></msg></response>"#,
            "Permanent: this unit is passive, not active: point `firewall.hostname` at the active one",
        );
    }

    #[test]
    fn what_is_no_answer_of_the_xml_api() {
        let not = |lasting: &str, why: &str| {
            format!("{lasting}: what answered at `firewall.hostname` is not the PAN-OS XML API: {why}")
        };
        check(
            200,
            "<!DOCTYPE html><html><body>Sign in</body></html>",
            &not("Permanent", "`html` instead of `response`"),
        );
        check(
            200,
            "<!DOCTYPE html><html><head><meta x></head></html>",
            &not("Permanent", "`html` instead of `response`"),
        );
        check(200, "", &not("Transient", "the XML document ends early"));
        check(200, "<response status=\"success\"><result><a", &not("Transient", "the XML document ends early"));
        check(404, "Not Found", &not("Permanent", "HTTP 404"));
        check(302, "", &not("Permanent", "HTTP 302"));
        check(200, "{\"json\": true}", &not("Permanent", "not well-formed XML (text instead of an element)"));
    }

    #[test]
    fn success() {
        check(
            200,
            r#"<response status="success" code="20"><msg>command succeeded</msg></response>"#,
            "success: command succeeded",
        );
        check(
            200,
            r#"<response status = 'success'><result><msg><line>done</line></msg></result></response>"#,
            "success: done",
        );
        check(200, r#"<response status="success" code="7"><result/></response>"#, "success: ");
    }
}
