//! What is asked, by whom and when.

use super::answer::Refusal;
use crate::{clock::Moment, xml::Element};

/// The parameter in which a request has the name of a file that comes with it.
pub const FILE_NAME: &str = "file.name";

/// A request, its query and its body already merged; the content of a file is the parameter of its form field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// All parameters in order.
    pub parameters: Vec<(String, String)>,
    /// The header `X-PAN-KEY`.
    pub key: Option<String>,
    /// User and password of the header `Authorization`.
    pub basic: Option<(String, String)>,
}

impl Request {
    /// The value of a parameter. Of several the first counts.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether anything may be another way after it.
    pub(super) fn may_write(&self) -> bool {
        match self.parameter("type") {
            Some("config") => !matches!(self.parameter("action"), Some("get" | "show" | "complete")),
            Some("op") => !self.parameter("cmd").is_some_and(|command| {
                let command = command.trim_start();
                ["<show>", "<test>", "<check>"].iter().any(|harmless| command.starts_with(harmless))
            }),
            Some("version" | "export" | "log" | "report") => false,
            Some(_) | None => true,
        }
    }

    /// The key that is presented; the header wins. Old tools write `Key`.
    pub(super) fn presented_key(&self) -> Option<&str> {
        self.key.as_deref().or_else(|| self.parameter("key")).or_else(|| self.parameter("Key"))
    }
}

/// Who asks what, and when.
pub(super) struct Call<'a> {
    pub(super) admin: &'a str,
    pub(super) request: &'a Request,
    pub(super) now: Moment,
}

impl<'a> Call<'a> {
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.request.parameter(name)
    }

    pub(super) fn required(&self, name: &str) -> Result<&'a str, Refusal> {
        self.parameter(name).ok_or_else(|| Refusal::missing_parameter(name))
    }

    /// The virtual system that is meant; a firewall with one need not be told.
    pub(super) fn vsys(&self) -> &'a str {
        self.parameter("vsys").unwrap_or("vsys1")
    }

    /// The command of an `op` or `commit` request.
    pub(super) fn command(&self) -> Result<Element, Refusal> {
        parsed(self.required("cmd")?)
    }

    /// The message of a `user-id` request, which may come as a file.
    pub(super) fn message(&self) -> Result<Element, Refusal> {
        self.parameter("file").map_or_else(|| self.command(), parsed)
    }
}

fn parsed(text: &str) -> Result<Element, Refusal> {
    Element::parse(text).map_err(|malformed| Refusal::new(18, malformed.to_string()))
}
