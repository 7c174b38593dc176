//! What a caller gets back: EC2's and S3's answers, and their refusals.

use std::fmt;

use super::{ids::ResourceId, shape::Record};
use crate::xml::Element;

const EC2_NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";
const XML_DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// An HTTP answer without its socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body, compressed if a header says so.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The success of an EC2 action.
    pub(super) fn ec2(action: &str, answer: &Record, request_id: &str) -> Self {
        let root = Element::new(format!("{action}Response"))
            .with_attribute("xmlns", EC2_NAMESPACE)
            .with(Element::text("requestId", request_id))
            .with_all(answer.xml());
        Self::xml(200, "text/xml;charset=UTF-8", &root).and("x-amzn-requestid", request_id)
    }

    /// An answer of STS, which is asked at the same address.
    pub(super) fn sts(action: &str, result: Element, request_id: &str) -> Self {
        let metadata = Element::new("ResponseMetadata").with(Element::text("RequestId", request_id));
        let root = Element::new(format!("{action}Response"))
            .with_attribute("xmlns", "https://sts.amazonaws.com/doc/2011-06-15/")
            .with(Element { name: format!("{action}Result"), ..result })
            .with(metadata);
        Self::xml(200, "text/xml", &root).and("x-amzn-requestid", request_id)
    }

    /// An error in the form of EC2, for faults that no model brings about: `503 RequestLimitExceeded`.
    pub fn ec2_error(status: u16, code: &str, message: &str, request_id: &str) -> Self {
        let error = Element::new("Error").with(Element::text("Code", code)).with(Element::text("Message", message));
        let root = Element::new("Response")
            .with(Element::new("Errors").with(error))
            .with(Element::text("RequestID", request_id));
        Self::xml(status, "text/xml;charset=UTF-8", &root).and("x-amzn-requestid", request_id)
    }

    /// The refusal of an EC2 action.
    pub(super) fn ec2_refused(refusal: &Refusal, request_id: &str) -> Self {
        Self::ec2_error(refusal.status, &refusal.code, &refusal.message, request_id)
    }

    /// An error in the form of S3, which has no wrapper around it: `503 SlowDown`.
    pub fn s3_error(status: u16, code: &str, message: &str, request_id: &str) -> Self {
        Self::s3_error_about(status, [("Code", code), ("Message", message)], None, request_id)
    }

    /// An error of S3 that names its bucket or key.
    pub(super) fn s3_error_about(
        status: u16,
        error: [(&str, &str); 2],
        about: Option<(&str, &str)>,
        request_id: &str,
    ) -> Self {
        let members = error.into_iter().chain(about).map(|(name, text)| Element::text(name, text));
        let root = Element::new("Error").with_all(members).with(Element::text("RequestId", request_id));
        Self::xml(status, "application/xml", &root).and("x-amz-request-id", request_id)
    }

    /// An answer of XML with its declaration.
    pub(super) fn xml(status: u16, content_type: &str, root: &Element) -> Self {
        let body = format!("{XML_DECLARATION}\n{root}").into_bytes();
        Self { status, headers: vec![("content-type", content_type.to_owned())], body }
    }

    /// This answer with one more header.
    pub(super) fn and(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Why EC2 does not do what was asked. Codes as in the EC2 API reference, "Error codes for the Amazon EC2 API".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.into(), message: message.into() }
    }

    /// An id of the right form that names nothing.
    pub(super) fn not_found<I: ResourceId>(id: impl fmt::Display) -> Self {
        // EC2 has words of its own for some kinds.
        let message = match I::PREFIX {
            "sg" => format!("The security group '{id}' does not exist"),
            "eni" => format!("The networkInterface ID '{id}' does not exist"),
            "rtb" => format!("The routeTable ID '{id}' does not exist"),
            "igw" => format!("The internetGateway ID '{id}' does not exist"),
            "vpc" => format!("The vpc ID '{id}' does not exist"),
            _ => format!("The {} ID '{id}' does not exist", I::KIND),
        };
        Self::new(format!("{}.NotFound", I::ERROR), message)
    }

    /// Ids of instances that name nothing: all of them are told.
    pub(super) fn instances_not_found(ids: &[&str]) -> Self {
        let message = match ids {
            [id] => format!("The instance ID '{id}' does not exist"),
            _ => format!("The instance IDs '{}' do not exist", ids.join(", ")),
        };
        Self::new("InvalidInstanceID.NotFound", message)
    }

    /// A text that has not the form of an id.
    pub(super) fn malformed<I: ResourceId>(text: &str) -> Self {
        // The one id whose two error codes begin differently.
        let prefix = if I::ERROR == "InvalidGroup" { "InvalidGroupId" } else { I::ERROR };
        Self::new(format!("{prefix}.Malformed"), format!("Invalid id: \"{text}\" (expecting \"{}-...\")", I::PREFIX))
    }

    pub(super) fn missing(parameter: &str) -> Self {
        Self::new("MissingParameter", format!("The request must contain the parameter {parameter}"))
    }

    pub(super) fn value(parameter: &str, value: &str) -> Self {
        Self::new("InvalidParameterValue", format!("Value ({value}) for parameter {parameter} is invalid."))
    }

    pub(super) fn combination(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterCombination", message)
    }

    pub(super) fn dry_run() -> Self {
        let message = "Request would have succeeded, but DryRun flag is set.";
        Self { status: 412, ..Self::new("DryRunOperation", message) }
    }

    pub(super) fn unauthorized(action: &str, caller: &str) -> Self {
        let message = format!(
            "You are not authorized to perform this operation. User: {caller} is not authorized to perform: ec2:{action}"
        );
        Self { status: 403, ..Self::new("UnauthorizedOperation", message) }
    }
}
