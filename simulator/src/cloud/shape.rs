//! One description of an answer, and its four renderings: EC2's XML, the AWS CLI's JSON, and CloudTrail's two JSON styles.
//!
//! Every resource describes itself once, so that what a client reads over the wire and what a file of CLI output says can
//! never differ.

mod cli;

use serde_json::{Map, Value, json};

pub use self::cli::CliAnswer;

use super::recorded::coerced;
use crate::{clock::Moment, xml::Element};

/// A value in an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Text(String),
    Number(i64),
    Truth(bool),
    Time(Moment),
    List(Vec<Self>),
    Record(Record),
}

/// Named members, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record(Vec<Member>);

#[derive(Clone, Debug, PartialEq)]
struct Member {
    /// The element name in EC2's XML.
    wire: &'static str,
    /// The name that the SDKs and the CLI give it.
    api: Api,
    value: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Api {
    /// The wire name with a capital.
    Same,
    Renamed(&'static str),
    /// The CLI does not print it.
    Hidden,
}

impl Record {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds a member whose API name is the wire name with a capital.
    pub(super) fn with(self, wire: &'static str, value: impl Into<Shape>) -> Self {
        self.member(wire, Api::Same, value.into())
    }

    /// Adds a member that the API calls something else.
    pub(super) fn renamed(self, wire: &'static str, api: &'static str, value: impl Into<Shape>) -> Self {
        self.member(wire, Api::Renamed(api), value.into())
    }

    /// Adds a member that exists on the wire only.
    pub(super) fn wire_only(self, wire: &'static str, value: impl Into<Shape>) -> Self {
        self.member(wire, Api::Hidden, value.into())
    }

    /// Adds a member if there is a value: EC2 leaves out what does not apply.
    pub(super) fn maybe(self, wire: &'static str, value: Option<impl Into<Shape>>) -> Self {
        match value {
            Some(value) => self.with(wire, value),
            None => self,
        }
    }

    /// Adds a member that the API calls something else, if there is a value.
    pub(super) fn maybe_renamed(self, wire: &'static str, api: &'static str, value: Option<impl Into<Shape>>) -> Self {
        match value {
            Some(value) => self.renamed(wire, api, value),
            None => self,
        }
    }

    /// Gives a member that is there another value.
    pub(super) fn instead(mut self, wire: &str, value: impl Into<Shape>) -> Self {
        let member = self.0.iter_mut().find(|member| member.wire == wire);
        debug_assert!(member.is_some(), "no member `{wire}`");
        if let Some(member) = member {
            member.value = value.into();
        }
        self
    }

    /// Adds all members of another record.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    fn member(mut self, wire: &'static str, api: Api, value: Shape) -> Self {
        self.0.push(Member { wire, api, value });
        self
    }

    /// The texts at the end of a path of wire names, through all lists on the way.
    pub(super) fn texts_at(&self, path: &[&str]) -> Vec<String> {
        let mut found = vec![];
        self.collect(path, &mut found);
        found
    }

    /// The texts of a member in those elements of a list that have a certain other member.
    pub(super) fn texts_where(&self, list: &str, (key, wanted): (&str, &str), member: &str) -> Vec<String> {
        let lists = self.0.iter().filter(|candidate| candidate.wire == list);
        let elements = lists.flat_map(|candidate| match &candidate.value {
            Shape::List(elements) => elements.as_slice(),
            Shape::Text(_) | Shape::Number(_) | Shape::Truth(_) | Shape::Time(_) | Shape::Record(_) => &[],
        });
        let records = elements.filter_map(|element| match element {
            Shape::Record(record) => Some(record),
            Shape::Text(_) | Shape::Number(_) | Shape::Truth(_) | Shape::Time(_) | Shape::List(_) => None,
        });
        let wanted = records.filter(|record| record.texts_at(&[key]) == [wanted]);
        wanted.flat_map(|record| record.texts_at(&[member])).collect()
    }

    fn collect(&self, path: &[&str], found: &mut Vec<String>) {
        let Some((first, rest)) = path.split_first() else { return };
        for member in self.0.iter().filter(|member| member.wire == *first) {
            member.value.collect(rest, found);
        }
    }

    /// The children of an XML element.
    pub(super) fn xml(&self) -> Vec<Element> {
        self.0.iter().map(|member| member.value.xml(member.wire)).collect()
    }

    /// A CloudTrail response in the style of the older actions: lists are `{"items": […]}`, an empty one is `{}`, and there are
    /// no empty texts.
    pub(super) fn trail_items(&self) -> Value {
        let said = self.0.iter().filter(|member| member.value != Shape::Text(String::new()));
        let named = said.map(|member| {
            let value = match &member.value {
                Shape::List(elements) if !elements.is_empty() => {
                    let elements: Vec<_> = elements.iter().map(Shape::trail_items).collect();
                    json!({ list_key(member.wire): elements })
                }
                value @ (Shape::List(_)
                | Shape::Text(_)
                | Shape::Number(_)
                | Shape::Truth(_)
                | Shape::Time(_)
                | Shape::Record(_)) => value.trail_items(),
            };
            (if member.wire == "return" { "_return".to_owned() } else { member.wire.to_owned() }, value)
        });
        Value::Object(named.collect())
    }

    /// A CloudTrail response in the style of the newer actions: XML turned into JSON, one element without its list.
    pub(super) fn trail_envelope(&self) -> Map<String, Value> {
        self.0.iter().map(|member| (member.wire.to_owned(), member.value.trail_envelope())).collect()
    }
}

impl Shape {
    fn collect(&self, path: &[&str], found: &mut Vec<String>) {
        match self {
            Self::Text(text) if path.is_empty() => found.push(text.clone()),
            Self::Number(number) if path.is_empty() => found.push(number.to_string()),
            Self::Truth(truth) if path.is_empty() => found.push(truth.to_string()),
            Self::Time(moment) if path.is_empty() => found.push(moment.iso()),
            Self::List(elements) => elements.iter().for_each(|element| element.collect(path, found)),
            Self::Record(record) => record.collect(path, found),
            Self::Text(_) | Self::Number(_) | Self::Truth(_) | Self::Time(_) => {}
        }
    }

    fn xml(&self, name: &str) -> Element {
        match self {
            Self::Text(text) => Element::text(name, text),
            Self::Number(number) => Element::text(name, number.to_string()),
            Self::Truth(truth) => Element::text(name, truth.to_string()),
            Self::Time(moment) => Element::text(name, moment.iso()),
            Self::List(elements) => Element::new(name).with_all(elements.iter().map(|element| element.xml("item"))),
            Self::Record(record) => Element::new(name).with_all(record.xml()),
        }
    }

    fn trail_items(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number) => json!(number),
            Self::Truth(truth) => json!(truth),
            Self::Time(moment) => json!(i64::try_from(moment.unix_millis()).unwrap_or(i64::MAX)),
            Self::List(elements) if elements.is_empty() => json!({}),
            Self::List(elements) => json!({ "items": elements.iter().map(Self::trail_items).collect::<Vec<_>>() }),
            Self::Record(record) => record.trail_items(),
        }
    }

    fn trail_envelope(&self) -> Value {
        match self {
            // `true` in the value of a tag is a truth in the public record of a CreateNatGateway.
            Self::Text(text) => coerced(text),
            Self::Number(number) => json!(number),
            Self::Truth(truth) => json!(truth),
            Self::Time(moment) => json!(moment.iso().replace('Z', ".000Z")),
            Self::List(elements) => match elements.as_slice() {
                [] => json!(""),
                [one] => json!({ "item": one.trail_envelope() }),
                many => json!({ "item": many.iter().map(Self::trail_envelope).collect::<Vec<_>>() }),
            },
            Self::Record(record) => Value::Object(record.trail_envelope()),
        }
    }
}

/// Two lists have a key of their own in CloudTrail's responses (real records in `elastic/integrations`; terraform-provider-aws
/// issue 32952).
fn list_key(wire: &str) -> &'static str {
    match wire {
        "privateIpAddressesSet" => "item",
        "assignedPrivateIpAddressesSet" => "assignedPrivateIpAddressSetType",
        _ => "items",
    }
}

macro_rules! shape_from {
    ($($from:ty => |$value:ident| $shape:expr;)+) => {$(
        impl From<$from> for Shape {
            fn from($value: $from) -> Self {
                $shape
            }
        }
    )+};
}

shape_from! {
    &str => |text| Self::Text(text.to_owned());
    &String => |text| Self::Text(text.clone());
    String => |text| Self::Text(text);
    i64 => |number| Self::Number(number);
    i32 => |number| Self::Number(number.into());
    u32 => |number| Self::Number(number.into());
    bool => |truth| Self::Truth(truth);
    Moment => |moment| Self::Time(moment);
    Record => |record| Self::Record(record);
    std::net::Ipv4Addr => |address| Self::Text(address.to_string());
    std::net::Ipv6Addr => |address| Self::Text(address.to_string());
    ipnet::Ipv4Net => |cidr| Self::Text(cidr.to_string());
    ipnet::Ipv6Net => |cidr| Self::Text(cidr.to_string());
    ipnet::IpNet => |cidr| Self::Text(cidr.to_string());
}

impl<T: Into<Self>> FromIterator<T> for Shape {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Self::List(elements.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Record {
        let address = |text: &str, primary: bool| Record::new().with("privateIpAddress", text).with("primary", primary);
        Record::new()
            .wire_only("return", true)
            .renamed("groupSet", "Groups", Shape::List(vec![]))
            .with("attachTime", Moment::default())
            .renamed("privateIpAddressesSet", "PrivateIpAddresses", Shape::from_iter([address("10.0.0.4", true)]))
            .maybe("fromPort", None::<i64>)
            .with("subnetIdSet", Shape::from_iter(["subnet-1", "subnet-2"]))
    }

    #[test]
    fn each_neighbour_reads_the_same_answer_in_its_own_form() {
        let xml: String = answer().xml().iter().map(ToString::to_string).collect();
        assert_eq!(
            xml,
            "<return>true</return><groupSet/><attachTime>2026-11-02T08:00:00Z</attachTime><privateIpAddressesSet><item>\
             <privateIpAddress>10.0.0.4</privateIpAddress><primary>true</primary></item></privateIpAddressesSet>\
             <subnetIdSet><item>subnet-1</item><item>subnet-2</item></subnetIdSet>"
        );
        assert_eq!(
            CliAnswer::new(answer()).value(),
            json!({"Groups": [], "AttachTime": "2026-11-02T08:00:00+00:00",
                   "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.4", "Primary": true}],
                   "SubnetIdSet": ["subnet-1", "subnet-2"]})
        );
        assert_eq!(
            answer().trail_items(),
            json!({"_return": true, "groupSet": {}, "attachTime": 1_793_606_400_000_i64,
                   "privateIpAddressesSet": {"item": [{"privateIpAddress": "10.0.0.4", "primary": true}]},
                   "subnetIdSet": {"items": ["subnet-1", "subnet-2"]}})
        );
        assert_eq!(
            Value::Object(answer().trail_envelope()),
            json!({"return": true, "groupSet": "", "attachTime": "2026-11-02T08:00:00.000Z",
                   "privateIpAddressesSet": {"item": {"privateIpAddress": "10.0.0.4", "primary": true}},
                   "subnetIdSet": {"item": ["subnet-1", "subnet-2"]}})
        );
    }

    #[test]
    fn each_style_has_its_own_way_with_texts() {
        let said = Record::new().with("value", "true").with("reason", "").with("cidr", "10.0.0.0/8");
        assert_eq!(said.trail_items(), json!({"value": "true", "cidr": "10.0.0.0/8"}));
        let enveloped = json!({"value": true, "reason": "", "cidr": "10.0.0.0/8"});
        assert_eq!(Value::Object(said.trail_envelope()), enveloped);
    }

    #[test]
    fn a_path_leads_through_lists() {
        assert_eq!(answer().texts_at(&["privateIpAddressesSet", "privateIpAddress"]), ["10.0.0.4"]);
        assert_eq!(answer().texts_at(&["subnetIdSet"]), ["subnet-1", "subnet-2"]);
        assert!(answer().texts_at(&["nope", "privateIpAddress"]).is_empty());
    }
}
