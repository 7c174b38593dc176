//! The plan's JSON is what `docs/plan.schema.json` says.
//!
//! The validator knows the few keywords that this schema uses and fails on any other, so that nothing in the schema goes
//! unchecked. The validators that are to be had as crates bring the SDK's dependencies in with other features, and so would
//! build it twice.

use std::{fs, path::Path};

use serde_json::Value;

use crate::site::Site;

struct Schema(Value);

impl Schema {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/plan.schema.json");
        Self(serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
    }

    /// Everything that is wrong with a document, each with where.
    fn problems(&self, document: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.check(&self.0, document, "", &mut found);
        found
    }

    fn holds(&self, schema: &Value, value: &Value) -> bool {
        let mut found = Vec::new();
        self.check(schema, value, "", &mut found);
        found.is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        for (keyword, wanted) in schema.as_object().unwrap() {
            let right = match keyword.as_str() {
                "$schema" | "$id" | "title" | "$defs" | "then" => true,
                "$ref" => {
                    let pointer = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                    self.check(self.0.pointer(pointer).unwrap(), value, at, found);
                    true
                }
                "type" => {
                    let types = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                    types.iter().any(|name| is_of_type(value, name.as_str().unwrap()))
                }
                "const" => value == wanted,
                "enum" => wanted.as_array().unwrap().contains(value),
                "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
                "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= wanted.as_u64().unwrap()),
                "required" => {
                    let names = wanted.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                    value.as_object().is_none_or(|members| names.into_iter().all(|name| members.contains_key(name)))
                }
                "properties" => {
                    for (name, schema) in wanted.as_object().unwrap() {
                        if let Some(member) = value.get(name) {
                            self.check(schema, member, &format!("{at}/{name}"), found);
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    assert_eq!(wanted, false);
                    let known = schema["properties"].as_object().unwrap();
                    value.as_object().is_none_or(|members| members.keys().all(|name| known.contains_key(name)))
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(wanted, item, &format!("{at}/{index}"), found);
                    }
                    true
                }
                "oneOf" => wanted.as_array().unwrap().iter().filter(|schema| self.holds(schema, value)).count() == 1,
                "allOf" => {
                    wanted.as_array().unwrap().iter().for_each(|schema| self.check(schema, value, at, found));
                    true
                }
                "if" => {
                    if self.holds(wanted, value) {
                        self.check(&schema["then"], value, at, found);
                    }
                    true
                }
                other => panic!("the schema says `{other}`, which is not checked here"),
            };
            if !right {
                found.push(format!("{at}: not as `{keyword}` says: {value}"));
            }
        }
    }
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        other => panic!("the schema says type `{other}`, which is not checked here"),
    }
}

#[track_caller]
fn check(site: &Site) -> Value {
    let planned = site.plan(&["--json"]);
    let document: Value = serde_json::from_str(&planned.stdout).unwrap();
    assert_eq!(Schema::read().problems(&document), Vec::<String>::new());
    document
}

#[test]
fn every_plan_is_as_the_schema_says() {
    let document = check(&Site::new());
    assert!(
        document["changes"].as_array().unwrap().len() == 4 && !document["newly_allowed"].as_array().unwrap().is_empty()
    );
    check(&Site::new().set("DRAWBRIDGE_MODE", "observe"));
    check(&Site::new().set("DRAWBRIDGE_DESTINATION", "nat"));
    check(&Site::new().set("DRAWBRIDGE_DIRECTIONS", "ingress,egress"));
    check(&Site::with_machines_off(3));
}

#[test]
fn what_is_not_as_the_schema_says_is_found() {
    let mut document = check(&Site::new());
    let mut broken = |pointer: &str, value: Value| {
        let held = document.pointer_mut(pointer).unwrap();
        let was = std::mem::replace(held, value);
        let problems = Schema::read().problems(&document);
        *document.pointer_mut(pointer).unwrap() = was;
        assert!(!problems.is_empty(), "{pointer}");
    };
    broken("/version", 1.into());
    broken("/commit", "yes".into());
    broken("/changes/0/do", "create".into());
    broken("/changes/1/rule/service/traffic/protocol", "sctp".into());
    broken("/changes/1/rule/source", Value::Array(Vec::new()));
    broken("/left_out/0", serde_json::json!({ "kind": "permission" }));
    broken("/atoms/0/standing", "odd".into());
}
