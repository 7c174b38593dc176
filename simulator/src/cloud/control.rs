//! A way in that no AWS has: settings and consequences over HTTP, at `/_simulator/`. No bucket can be called that.

use std::{fmt::Display, str::FromStr, time::Duration};

use serde_json::{Map, Value, json};

use super::{Answer, Cloud, Rate, RouteState, Settings, Visibility};
use crate::clock::Moment;

/// Where it is, below the address of EC2 and S3.
pub const CONTROL: &str = "_simulator";

/// Why a setting stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// There is none of that name.
    #[error("`{name}` is no setting; known are {known}")]
    Unknown {
        /// What was given for a name.
        name: String,
        /// All names there are.
        known: String,
    },
    /// It cannot have that value.
    #[error("`{name}` cannot be `{value}`: {expected}")]
    Value {
        /// The setting.
        name: String,
        /// What was given for a value.
        value: String,
        /// What it can be.
        expected: String,
    },
}

/// A setting: its name, and how it is read and told.
struct Setting {
    name: &'static str,
    set: fn(&mut Settings, &str) -> Result<(), String>,
    told: fn(&Settings) -> String,
}

const SETTINGS: [Setting; 12] = [
    Setting {
        name: "starting",
        set: |settings, text| span(text).map(|span| settings.starting = span),
        told: |settings| told_span(settings.starting),
    },
    Setting {
        name: "stopping",
        set: |settings, text| span(text).map(|span| settings.stopping = span),
        told: |settings| told_span(settings.stopping),
    },
    Setting {
        name: "page-max",
        set: |settings, text| optional(text).map(|size| settings.page_max = size),
        told: |settings| told_optional(settings.page_max),
    },
    Setting {
        name: "denied-actions",
        set: |settings, text| {
            settings.denied_actions = text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            Ok(())
        },
        told: |settings| settings.denied_actions.iter().cloned().collect::<Vec<_>>().join(","),
    },
    Setting {
        name: "managed-resources",
        set: |settings, text| {
            settings.managed_resources = match text {
                "visible" => Visibility::Visible,
                "hidden" => Visibility::Hidden,
                _ => return Err("`visible` or `hidden`".to_owned()),
            };
            Ok(())
        },
        told: |settings| match settings.managed_resources {
            Visibility::Visible => "visible".to_owned(),
            Visibility::Hidden => "hidden".to_owned(),
        },
    },
    Setting {
        name: "stopped-target",
        set: |settings, text| {
            settings.stopped_target = match text {
                "active" => RouteState::Active,
                "blackhole" => RouteState::Blackhole,
                _ => return Err("`active` or `blackhole`".to_owned()),
            };
            Ok(())
        },
        told: |settings| match settings.stopped_target {
            RouteState::Active => "active".to_owned(),
            RouteState::Blackhole => "blackhole".to_owned(),
        },
    },
    Setting {
        name: "throttle-next",
        set: |settings, text| number(text).map(|count| settings.refused_next = count),
        told: |settings| settings.refused_next.to_string(),
    },
    Setting { name: "throttle-rate", set: set_rate, told: |settings| told_rate(settings.rate) },
    Setting {
        name: "reads-lag",
        set: |settings, text| span(text).map(|span| settings.reads_lag = span),
        told: |settings| told_span(settings.reads_lag),
    },
    Setting {
        name: "event-delay",
        set: |settings, text| span(text).map(|span| settings.event_delay = span),
        told: |settings| told_span(settings.event_delay),
    },
    Setting {
        name: "notification-delay",
        set: |settings, text| span(text).map(|span| settings.notification_delay = span),
        told: |settings| told_span(settings.notification_delay),
    },
    Setting {
        name: "trail-prefix",
        set: |settings, text| {
            settings.trail_prefix = text.to_owned();
            Ok(())
        },
        told: |settings| settings.trail_prefix.clone(),
    },
];

fn span(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "a span such as `5s` or `200ms`".to_owned())
}

fn told_span(span: Duration) -> String {
    humantime::format_duration(span).to_string()
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "a number".to_owned())
}

fn optional<T: FromStr>(text: &str) -> Result<Option<T>, String> {
    if text == "none" { Ok(None) } else { text.parse().map(Some).map_err(|_| "a number, or `none`".to_owned()) }
}

fn told_optional(value: Option<impl Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

fn set_rate(settings: &mut Settings, text: &str) -> Result<(), String> {
    let rate = |text: &str| {
        let (bucket, refill) = text.split_once('/')?;
        Some(Rate { bucket: bucket.parse().ok()?, refill: refill.parse().ok()? })
    };
    settings.rate = match text {
        "none" => None,
        text => Some(rate(text).ok_or("`none`, or calls at once and calls in a second after that: `100/20`")?),
    };
    Ok(())
}

fn told_rate(rate: Option<Rate>) -> String {
    told_optional(rate.map(|Rate { bucket, refill }| format!("{bucket}/{refill}")))
}

impl Settings {
    /// Gives a setting another value, both as texts.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
            let known = SETTINGS.map(|setting| setting.name).join(", ");
            return Err(SettingError::Unknown { name: name.to_owned(), known });
        };
        (setting.set)(self, value).map_err(|expected| SettingError::Value {
            name: name.to_owned(),
            value: value.to_owned(),
            expected,
        })
    }

    fn json(&self) -> Value {
        let told = SETTINGS.iter().map(|setting| (setting.name.to_owned(), json!((setting.told)(self))));
        Value::Object(told.collect::<Map<_, _>>())
    }
}

impl Cloud {
    /// Answers a request below [`CONTROL`]. `query` holds the fields of the query string.
    pub fn control(&mut self, method: &str, path: &str, query: &[(String, String)], now: Moment) -> Answer {
        match (method, path) {
            ("GET", "settings") => json_answer(200, &self.settings.json()),
            ("PUT", "settings") => match self.set_all(query) {
                Ok(()) => json_answer(200, &self.settings.json()),
                Err(error) => json_answer(400, &json!({ "error": error.to_string() })),
            },
            ("GET", "messages") => {
                let after = query.iter().find(|(name, _)| name == "after").and_then(|(_, text)| text.parse().ok());
                json_answer(200, &self.messages_json(after.unwrap_or(0), now))
            }
            ("POST", "deliver") => {
                let keys = self.flush_trail(now);
                json_answer(200, &json!({ "bucket": self.settings.trail_bucket, "keys": keys }))
            }
            _ => {
                let known = "GET and PUT settings, GET messages, and POST deliver";
                let error = format!("there is no {method} {path} here; known are {known}");
                json_answer(404, &json!({ "error": error }))
            }
        }
    }

    /// All of them, or none.
    fn set_all(&mut self, fields: &[(String, String)]) -> Result<(), SettingError> {
        let mut settings = self.settings.clone();
        fields.iter().try_for_each(|(name, value)| settings.set(name, value))?;
        self.settings = settings;
        Ok(())
    }
}

fn json_answer(status: u16, value: &Value) -> Answer {
    Answer { status, headers: vec![("content-type", "application/json".to_owned())], body: value.to_string().into() }
}
