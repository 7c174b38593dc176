//! A description as the AWS CLI prints it, for whoever reads it without having it printed first.

use std::fmt;

use serde::{
    de::{
        Deserialize, Deserializer, IntoDeserializer, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Error, Value};

use super::{Api, Record, Shape};

/// What `aws ec2 … --output json` prints, as data that `serde` reads.
///
/// The facts of an account of ten instances are read in less time than a tree of JSON values takes to make.
#[derive(Clone, Debug, PartialEq)]
pub struct CliAnswer(Shape);

impl CliAnswer {
    pub(in crate::cloud) fn new(record: Record) -> Self {
        Self(Shape::Record(record))
    }

    /// The JSON itself.
    pub fn value(&self) -> Value {
        Value::deserialize(self.clone()).expect("whatever is described has a value")
    }
}

/// What is printed, without white space.
impl fmt::Display for CliAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl<'de> Deserializer<'de> for CliAnswer {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Shape::Text(text) => visitor.visit_string(text),
            Shape::Number(number) => visitor.visit_i64(number),
            Shape::Truth(truth) => visitor.visit_bool(truth),
            Shape::Time(moment) => visitor.visit_string(moment.iso().replace('Z', "+00:00")),
            Shape::List(elements) => visitor.visit_seq(SeqDeserializer::new(elements.into_iter().map(Self))),
            Shape::Record(Record(members)) => {
                let named = members.into_iter().filter_map(|member| {
                    let name = Name::of(member.wire, member.api)?;
                    Some((name, Self(member.value)))
                });
                visitor.visit_map(MapDeserializer::new(named))
            }
        }
    }

    /// What is not there has no member.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier
    }
}

impl IntoDeserializer<'_, Error> for CliAnswer {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// What the CLI calls a member.
#[derive(Clone, Copy)]
enum Name {
    /// This, with a capital.
    Capitalized(&'static str),
    Own(&'static str),
}

impl Name {
    /// Nothing if the CLI does not print it.
    fn of(wire: &'static str, api: Api) -> Option<Self> {
        match api {
            Api::Same => Some(Self::Capitalized(wire)),
            Api::Renamed(name) => Some(Self::Own(name)),
            Api::Hidden => None,
        }
    }
}

impl<'de> Deserializer<'de> for Name {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Own(name) => visitor.visit_borrowed_str(name),
            Self::Capitalized(wire) => {
                let mut name = String::with_capacity(wire.len());
                name.push_str(wire);
                if let Some(first) = name.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                visitor.visit_string(name)
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Name {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
