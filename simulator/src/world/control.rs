//! A way in to the firewall that no firewall has: `/_simulator/` at its address, for packets and mishaps.

use std::{net::IpAddr, str::FromStr};

use serde_json::{Value, json};

use super::{Packet, World};
use crate::{
    firewall::{AfterRestart, Answer, Body, Ha, Request},
    xml::Element,
};

/// What can be asked for.
const DEEDS: &str = "`packet`, `expire-keys`, `fail-next-job`, `lose-next`, `refuse-next`, `restart` and `ha`";

/// A request whose answer is another than the firewall's.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    /// Only one of this type.
    request_type: Option<String>,
    /// Only one with this text in one of its parameters.
    containing: Option<String>,
    /// What is answered, whatever it asks for; without that, it takes effect and the connection closes.
    answer: Option<Answer>,
}

impl Refused {
    fn meets(&self, request: &Request) -> bool {
        let holds = |text: &String| request.parameters.iter().any(|(_, value)| value.contains(text.as_str()));
        let is_of_type = self.request_type.as_deref().is_none_or(|wanted| request.parameter("type") == Some(wanted));
        is_of_type && self.containing.as_ref().is_none_or(holds)
    }
}

/// How many requests can be refused at a time.
const REFUSED_MAX: usize = 1000;

/// The fields of a query string.
struct Fields<'a>(&'a [(String, String)]);

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn required(&self, name: &str) -> Result<&str, String> {
        self.get(name).ok_or_else(|| format!("`{name}` is missing"))
    }

    fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        let parse = |text: &str| text.parse().map_err(|_| format!("`{name}` cannot be `{text}`"));
        self.get(name).map(parse).transpose()
    }

    fn address(&self, name: &str) -> Result<IpAddr, String> {
        self.parsed(name)?.ok_or_else(|| format!("`{name}` is missing"))
    }

    fn packet(&self) -> Result<Packet, String> {
        Ok(Packet {
            from: self.required("from")?.to_owned(),
            to: self.required("to")?.to_owned(),
            source: self.address("source")?,
            destination: self.address("destination")?,
            protocol: self.parsed("protocol")?.unwrap_or(TCP),
            port: self.parsed("destination-port")?,
            application: self.get("application").map(str::to_owned),
        })
    }

    fn candidate(&self) -> Result<AfterRestart, String> {
        match self.get("candidate") {
            None | Some("kept") => Ok(AfterRestart::CandidateKept),
            Some("lost") => Ok(AfterRestart::CandidateLost),
            Some(unknown) => Err(format!("`candidate` cannot be `{unknown}`: `kept` or `lost`")),
        }
    }

    fn ha(&self) -> Result<Ha, String> {
        Ok(match self.required("state")? {
            "none" => Ha::Standalone,
            state => Ha::pair(state),
        })
    }

    /// An answer with this HTTP status: a body as it is given or, if there is a line, these words in the device's usual shape.
    fn refusal(&self) -> Result<Refused, String> {
        let body = match self.get("line") {
            None => Body::Text(self.get("body").unwrap_or_default().to_owned()),
            Some(line) => {
                let response = Element::new("response").with_attribute("status", "error");
                let response = match self.parsed::<u16>("code")? {
                    Some(code) => response.with_attribute("code", code.to_string()),
                    None => response,
                };
                Body::Xml(response.with(Element::new("msg").with(Element::text("line", line))))
            }
        };
        let answer = Answer::new(self.parsed("status")?.unwrap_or(200), body);
        Ok(Refused { answer: Some(answer), ..self.loss() })
    }

    fn loss(&self) -> Refused {
        let text = |name| self.get(name).map(str::to_owned);
        Refused { request_type: text("type"), containing: text("containing"), answer: None }
    }
}

/// The IANA number of TCP.
const TCP: u8 = 6;

impl World {
    /// Does to the firewall what is asked for, and tells what came of it.
    ///
    /// # Errors
    /// What is wrong with the question, in one line.
    pub fn control_firewall(&mut self, deed: &str, fields: &[(String, String)]) -> Result<Value, String> {
        let fields = Fields(fields);
        match deed {
            "packet" => {
                let rule = self.send(&fields.packet()?);
                return Ok(json!({ "rule": rule.map(|rule| rule.name) }));
            }
            "expire-keys" => {
                self.rotate_key();
                return Ok(json!({ "key": self.key() }));
            }
            "fail-next-job" => {
                let lines = fields.0.iter().filter(|(name, _)| name == "line").map(|(_, line)| line.as_str());
                self.firewall.fail_next_job(lines);
            }
            "lose-next" => self.refuse(&fields.loss(), fields.parsed("count")?.unwrap_or(1)),
            "refuse-next" => self.refuse(&fields.refusal()?, fields.parsed("count")?.unwrap_or(1)),
            "restart" => self.firewall.restart(fields.candidate()?, self.now()),
            "ha" => self.firewall.set_ha(fields.ha()?),
            unknown => return Err(format!("`{unknown}` cannot be asked for; known are {DEEDS}")),
        }
        Ok(json!({}))
    }

    fn refuse(&mut self, refused: &Refused, count: usize) {
        let room = REFUSED_MAX.saturating_sub(self.refused.len());
        self.refused.extend(std::iter::repeat_n(refused.clone(), count.min(room)));
    }

    /// The answer to a request whose answer is to be another.
    pub(super) fn answer_instead(&mut self, request: &Request) -> Option<Answer> {
        let index = self.refused.iter().position(|refused| refused.meets(request))?;
        let lost = |world: &mut Self| Answer { body: Body::Cut, ..world.firewall.request(request, world.now()) };
        Some(self.refused.remove(index).answer.unwrap_or_else(|| lost(self)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{firewall::Request, script::Script};

    const SETUP: &str =
        "firewall\nrule web untrust:any -> trust:10.0.0.0/8 service tcp/443 allow\nrule clean any -> any deny\n----\n";

    fn world() -> World {
        World::build(&Script::parse("test", SETUP).unwrap()).unwrap()
    }

    fn asked(world: &mut World, deed: &str, fields: &[(&str, &str)]) -> Result<Value, String> {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        world.control_firewall(deed, &fields)
    }

    fn op(world: &mut World, command: &str) -> String {
        let parameters = vec![("type".to_owned(), "op".to_owned()), ("cmd".to_owned(), command.to_owned())];
        let key = Some(world.key().to_owned());
        world.panos(&Request { parameters, key, basic: None }).text()
    }

    #[test]
    fn a_packet_is_decided_and_counted() {
        let mut world = world();
        let packet = [("from", "untrust"), ("to", "trust"), ("source", "203.0.113.7"), ("destination", "10.0.1.10")];
        for (port, rule) in [("443", "web"), ("443", "web"), ("80", "clean")] {
            let packet = [&packet[..], &[("destination-port", port)]].concat();
            assert_eq!(asked(&mut world, "packet", &packet), Ok(json!({ "rule": rule })));
        }
        let counts = "<show><rule-hit-count><vsys><vsys-name><entry name='vsys1'><rule-base><entry name='security'><rules><all/>\
                      </rules></entry></rule-base></entry></vsys-name></vsys></rule-hit-count></show>";
        let counted = op(&mut world, counts);
        let hits: Vec<_> = counted.split("<hit-count>").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
        assert_eq!(hits, ["2", "1"], "{counted}");
    }

    #[test]
    fn a_question_that_says_too_little_is_refused() {
        let mut world = world();
        for (deed, fields, words) in [
            ("packet", vec![("from", "untrust")], "`to` is missing"),
            ("packet", vec![("from", "a"), ("to", "b")], "`source` is missing"),
            ("packet", vec![("from", "a"), ("to", "b"), ("source", "x")], "`source` cannot be `x`"),
            ("restart", vec![("candidate", "gone")], "`candidate` cannot be `gone`"),
            ("ha", vec![], "`state` is missing"),
            ("explode", vec![], "known are `packet`"),
        ] {
            let told = asked(&mut world, deed, &fields).unwrap_err();
            assert!(told.contains(words), "{told}");
        }
    }

    #[test]
    fn a_request_is_refused_in_the_words_that_are_given() {
        let mut world = world();
        let words = [("line", "Session timed out"), ("code", "22"), ("type", "op"), ("count", "2")];
        asked(&mut world, "refuse-next", &words).unwrap();
        let refused = r#"<response status="error" code="22"><msg><line>Session timed out</line></msg></response>"#;
        let clock = "<show><clock/></show>";
        let keygen = vec![("type".to_owned(), "keygen".to_owned())];
        assert!(world.panos(&Request { parameters: keygen, ..Request::default() }).text().contains("Missing value"));
        assert_eq!([(); 2].map(|()| op(&mut world, clock)), [refused, refused]);
        assert!(op(&mut world, clock).contains("success"));
        asked(&mut world, "refuse-next", &[("status", "502")]).unwrap();
        let answer = world.panos(&Request::default());
        assert_eq!((answer.status, answer.text()), (502, String::new()));
    }

    #[test]
    fn one_question_among_others_can_be_answered_otherwise() {
        let mut world = world();
        asked(&mut world, "refuse-next", &[("containing", "<admins>"), ("body", "<response status='success'/>")])
            .unwrap();
        assert!(op(&mut world, "<show><clock/></show>").contains("UTC"));
        let admins = "<show><admins></admins></show>";
        assert_eq!(op(&mut world, admins), "<response status='success'/>");
        assert!(op(&mut world, admins).contains("<self>yes</self>"));
    }

    #[test]
    fn what_was_done_may_not_be_heard() {
        let mut world = world();
        asked(&mut world, "lose-next", &[("type", "op")]).unwrap();
        let command = "<request><config-lock><add/></config-lock></request>";
        assert_eq!(op(&mut world, command), "");
        assert!(op(&mut world, command).contains("You already own a config lock for scope shared"));
    }

    #[test]
    fn mishaps_happen_when_asked_for() {
        let mut world = world();
        let key = world.key().to_owned();
        let told = asked(&mut world, "expire-keys", &[]).unwrap();
        assert_ne!(told["key"], json!(key));
        assert_eq!(told["key"], json!(world.key()));
        asked(&mut world, "ha", &[("state", "passive")]).unwrap();
        assert!(op(&mut world, "<show><high-availability><state/></high-availability></show>").contains("passive"));
        asked(&mut world, "restart", &[]).unwrap();
        assert!(op(&mut world, "<show><chassis-ready/></show>").contains("<result>no</result>"));
        world.advance(std::time::Duration::from_secs(60));
        asked(&mut world, "fail-next-job", &[("line", "disk full")]).unwrap();
        assert!(op(&mut world, "<validate><full/></validate>").contains("enqueued"));
        world.advance(std::time::Duration::from_secs(60));
        let jobs = op(&mut world, "<show><jobs><all/></jobs></show>");
        assert!(jobs.contains("<result>FAIL</result>") && jobs.contains("<line>disk full</line>"), "{jobs}");
    }
}
