//! One record of CloudTrail as an event.
//!
//! Actions are not modelled one by one: ids are found by walking the JSON, whichever of EC2's two styles it has.

use std::{collections::BTreeSet, str::FromStr};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use drawbridge_core::{
    event::{Event, EventKind},
    id::{GroupId, InstanceId},
};

use crate::text::clean;

/// The only service whose calls matter: what others do to instances and interfaces (Auto Scaling, load balancers, databases)
/// they do by calls to EC2, which are recorded by themselves with the service in `invokedBy`.
const EC2: &str = "ec2.amazonaws.com";

/// The name of the event that stands for a record that may be about EC2 and could not be read: anything may have changed.
const UNREADABLE: &str = "unreadable record";

/// The event of one record in a file, if it is one that counts.
pub(super) fn event_in(record: &[u8]) -> Option<Event> {
    // Most records never mention EC2, and looking for the name is far cheaper than parsing.
    match str::from_utf8(record) {
        Ok(text) if !text.contains(EC2) => None,
        Ok(text) => event(|| serde_json::from_str(text), || serde_json::from_str(text)),
        Err(_) => Some(unreadable()),
    }
}

/// The event of one record that EventBridge delivered, if it is one that counts.
pub(crate) fn event_of(record: &Value) -> Option<Event> {
    event(|| Head::deserialize(record), || Body::deserialize(record))
}

/// The event of a record that cannot be read, and may be anything.
pub(super) fn unreadable() -> Event {
    Event {
        id: String::new(),
        name: UNREADABLE.to_owned(),
        principal: None,
        instances: BTreeSet::new(),
        groups: BTreeSet::new(),
        kind: EventKind::Call,
        at: None,
    }
}

/// Two readings: the body, which is most of a record, is built only where the head says that the record counts.
fn event(
    head: impl FnOnce() -> serde_json::Result<Head>,
    body: impl FnOnce() -> serde_json::Result<Body>,
) -> Option<Event> {
    let Ok(head) = head() else { return Some(unreadable()) };
    if !head.is_successful_write() {
        return None;
    }
    let Ok(body) = body() else { return Some(unreadable()) };
    let event = Event {
        // Whoever can put an object into the bucket writes these, and they end in logs and descriptions.
        id: clean(&head.event_id.unwrap_or_default()),
        name: head.event_name.map_or_else(|| UNREADABLE.to_owned(), |name| clean(&name)),
        principal: head.user_identity.and_then(Identity::into_principal).map(|principal| clean(&principal)),
        instances: body.instances(),
        groups: body.groups(),
        kind: EventKind::Call,
        at: head.event_time.as_deref().and_then(|text| humantime::parse_rfc3339(text).ok()),
    };
    let tags_other_things = event.is_tagging() && event.instances.is_empty() && body.says_what_is_tagged();
    (!tags_other_things).then_some(event)
}

/// What decides whether a record counts. Every field is optional and may have any type.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Head {
    #[serde(deserialize_with = "word")]
    event_time: Option<String>,
    #[serde(rename = "eventID", deserialize_with = "word")]
    event_id: Option<String>,
    #[serde(deserialize_with = "word")]
    event_source: Option<String>,
    #[serde(deserialize_with = "word")]
    event_name: Option<String>,
    #[serde(deserialize_with = "word")]
    event_type: Option<String>,
    #[serde(deserialize_with = "word")]
    event_category: Option<String>,
    #[serde(deserialize_with = "word")]
    error_code: Option<String>,
    #[serde(deserialize_with = "word")]
    read_only: Option<String>,
    #[serde(deserialize_with = "identity")]
    user_identity: Option<Identity>,
}

impl Head {
    /// A record that does not say whose call it is may be about EC2.
    fn is_successful_write(&self) -> bool {
        self.event_source.as_deref().is_none_or(|source| source == EC2)
            && self.error_code.as_deref().is_none_or(str::is_empty)
            && !self.is_read()
            && self.is_management()
    }

    /// Old records and those that went through other systems may not say whether they are reads; the name does.
    fn is_read(&self) -> bool {
        let name = self.event_name.as_deref().unwrap_or_default();
        self.read_only.as_deref().is_some_and(|text| text.eq_ignore_ascii_case("true"))
            || ["Describe", "Get", "List"].iter().any(|verb| name.starts_with(verb))
    }

    /// Insights, and activity at VPC endpoints, are about calls that have records of their own.
    fn is_management(&self) -> bool {
        !matches!(self.event_category.as_deref(), Some("Insight" | "NetworkActivity"))
            && !matches!(self.event_type.as_deref(), Some("AwsCloudTrailInsight" | "AwsVpceEvents"))
    }
}

/// Who called. Records of AWS's own services have no ARN.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Identity {
    #[serde(deserialize_with = "word")]
    arn: Option<String>,
    #[serde(deserialize_with = "word")]
    invoked_by: Option<String>,
    #[serde(deserialize_with = "word")]
    principal_id: Option<String>,
}

impl Identity {
    fn into_principal(self) -> Option<String> {
        self.arn.or(self.invoked_by).or(self.principal_id)
    }
}

/// What ids are found in.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    request_parameters: Value,
    response_elements: Value,
    service_event_details: Value,
}

impl Body {
    fn instances(&self) -> BTreeSet<InstanceId> {
        let mut instances = BTreeSet::new();
        for part in [&self.request_parameters, &self.response_elements, &self.service_event_details] {
            collect_ids(part, &mut instances);
        }
        instances
    }

    /// Long parameters are left out of records.
    fn says_what_is_tagged(&self) -> bool {
        let labels = ["resourcesSet", "ResourceId"];
        with_envelope(&self.request_parameters, "Request")
            .any(|object| labels.iter().any(|label| !object[label].is_null()))
    }

    /// The groups that the call is about: those that the request names, else (for calls by name or by rule id) those whose
    /// rules the response lists. Groups that a permission refers to lie deeper and are not meant.
    fn groups(&self) -> BTreeSet<GroupId> {
        let mut groups = BTreeSet::new();
        for object in with_envelope(&self.request_parameters, "Request") {
            collect_group_ids(object, &mut groups);
        }
        if groups.is_empty() {
            for object in with_envelope(&self.response_elements, "Response") {
                collect_group_ids(object, &mut groups);
                for (label, rules) in object.as_object().into_iter().flatten() {
                    if label.to_ascii_lowercase().ends_with("securitygroupruleset") {
                        elements(rules).for_each(|rule| collect_group_ids(rule, &mut groups));
                    }
                }
            }
        }
        groups
    }
}

/// The object itself, and the one in an `<Action>Request` or `<Action>Response` that newer actions wrap it in.
fn with_envelope<'v>(value: &'v Value, suffix: &str) -> impl Iterator<Item = &'v Value> {
    let wrapped = value.as_object().into_iter().flatten().filter(move |(label, _)| label.ends_with(suffix));
    std::iter::once(value).chain(wrapped.map(|(_, inner)| inner))
}

/// The elements of a list: `{"items": [..]}` and its variants, a bare array, or one element in the place of a list.
fn elements(list: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match (list, list.get("items").or_else(|| list.get("item"))) {
        (_, Some(inner)) => elements(inner),
        (Value::Array(items), None) => Box::new(items.iter()),
        (single, None) => Box::new(std::iter::once(single)),
    }
}

fn collect_group_ids(object: &Value, found: &mut BTreeSet<GroupId>) {
    for label in ["groupId", "GroupId"] {
        collect_ids(&object[label], found);
    }
}

/// Every text anywhere in `value` that is an id of the wanted type. What a tag says about other resources is nobody's id.
fn collect_ids<T: FromStr + Ord>(value: &Value, found: &mut BTreeSet<T>) {
    match value {
        Value::String(text) => found.extend(text.parse::<T>().ok()),
        Value::Array(items) => items.iter().for_each(|item| collect_ids(item, found)),
        Value::Object(members) => {
            let members = members.iter().filter(|(label, _)| !is_of_tags(label));
            members.for_each(|(_, member)| collect_ids(member, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `tagSet`, `tagSpecificationSet`, `TagSpecification`, `Tag`, and the `tag` that numbers the elements of a list.
fn is_of_tags(label: &str) -> bool {
    label.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("tag"))
}

/// A word in whichever form it came: some writers of JSON turn text into numbers and booleans.
fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    })
}

fn identity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Identity>, D::Error> {
    Ok(Identity::deserialize(Value::deserialize(deserializer)?).ok())
}

#[cfg(test)]
mod tests;
