//! The firewall as its clients see it: requests and their answers, by subject.

mod administrators;
mod commits;
mod hits;
mod keys;
mod locks;
mod logs;
mod nat;
mod objects;
mod operations;
mod policy;
mod reads;
mod robustness;
mod snapshots;
mod user_id;
mod writes;

use std::time::Duration;

use super::{Answer, Firewall};
use crate::clock::Moment;

/// The path of the one virtual system.
const VSYS: &str = "/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']";

/// The four rules of the first day.
const FIRST_DAY: &str = r#"
    <entry name="web in"><from><member>untrust</member></from><to><member>trust</member></to><source><member>any</member></source>
        <destination><member>any</member></destination><application><member>any</member></application>
        <service><member>tcp_80</member><member>tcp_81</member><member>tcp_8000</member></service><action>allow</action></entry>
    <entry name="web out"><from><member>trust</member></from><to><member>untrust</member></to><source><member>any</member></source>
        <destination><member>any</member></destination><application><member>web-browsing</member><member>ssl</member></application>
        <service><member>application-default</member></service><action>allow</action></entry>
    <entry name="no clear text"><from><member>any</member></from><to><member>any</member></to><source><member>any</member></source>
        <destination><member>any</member></destination><application><member>telnet</member><member>ftp</member></application>
        <service><member>application-default</member></service><action>deny</action></entry>
    <entry name="Clean up"><from><member>any</member></from><to><member>any</member></to><source><member>any</member></source>
        <destination><member>any</member></destination><application><member>any</member></application>
        <service><member>any</member></service><action>deny</action></entry>"#;

/// The content of a rule that lets one address in by one application.
fn allow(destination: &str, application: &str) -> String {
    format!(
        "<from><member>untrust</member></from><to><member>trust</member></to><source><member>any</member></source>\
         <destination><member>{destination}</member></destination><application><member>{application}</member></application>\
         <service><member>application-default</member></service><action>allow</action>"
    )
}

fn rules() -> String {
    format!("{VSYS}/rulebase/security/rules")
}

fn rule(name: &str) -> String {
    format!("{VSYS}/rulebase/security/rules/entry[@name='{name}']")
}

/// A firewall with its time, and two administrators besides `admin`: `fwsync` and `alice`.
struct Story {
    firewall: Firewall,
    now: Moment,
}

impl Story {
    fn new() -> Self {
        let mut firewall = Firewall::new();
        firewall.add_admin("fwsync");
        firewall.add_admin("alice");
        let service = |port: &str| {
            format!("<entry name='tcp_{port}'><protocol><tcp><port>{port}</port></tcp></protocol></entry>")
        };
        let services: String = ["80", "81", "8000"].map(service).concat();
        firewall.load(&format!("{VSYS}/service"), &services).unwrap();
        firewall.load(&rules(), FIRST_DAY).unwrap();
        Self { firewall, now: Moment::default() }
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }

    fn ask(&mut self, admin: &str, parameters: &[(&str, &str)]) -> String {
        self.answer(admin, parameters).text()
    }

    fn answer(&mut self, admin: &str, parameters: &[(&str, &str)]) -> Answer {
        self.firewall.as_admin(admin, parameters, self.now)
    }

    fn get(&mut self, xpath: &str) -> String {
        self.ask("fwsync", &[("type", "config"), ("action", "get"), ("xpath", xpath)])
    }

    fn show(&mut self, xpath: &str) -> String {
        self.ask("fwsync", &[("type", "config"), ("action", "show"), ("xpath", xpath)])
    }

    fn set(&mut self, admin: &str, xpath: &str, element: &str) -> String {
        self.ask(admin, &[("type", "config"), ("action", "set"), ("xpath", xpath), ("element", element)])
    }

    fn edit(&mut self, admin: &str, xpath: &str, element: &str) -> String {
        self.ask(admin, &[("type", "config"), ("action", "edit"), ("xpath", xpath), ("element", element)])
    }

    fn delete(&mut self, admin: &str, xpath: &str) -> String {
        self.ask(admin, &[("type", "config"), ("action", "delete"), ("xpath", xpath)])
    }

    fn move_before(&mut self, admin: &str, xpath: &str, dst: &str) -> String {
        let place = [("where", "before"), ("dst", dst)];
        self.ask(admin, &[[("type", "config"), ("action", "move")], place, [("xpath", xpath), ("", "")]].concat())
    }

    fn multi_config(&mut self, admin: &str, items: &str) -> String {
        let element = format!("<multi-config>{items}</multi-config>");
        self.ask(admin, &[("type", "config"), ("action", "multi-config"), ("element", &element)])
    }

    fn op(&mut self, admin: &str, command: &str) -> String {
        self.ask(admin, &[("type", "op"), ("cmd", command)])
    }

    fn commit(&mut self, admin: &str, command: &str) -> String {
        self.ask(admin, &[("type", "commit"), ("cmd", command)])
    }

    /// Commits what an administrator has changed and waits for the end.
    fn commit_own(&mut self, admin: &str) -> String {
        let command = format!("<commit><partial><admin><member>{admin}</member></admin></partial></commit>");
        let answer = self.commit(admin, &command);
        self.pass(60);
        answer
    }

    /// The names of the rules in the running or candidate configuration, in order.
    fn names_in(&mut self, action: &str) -> Vec<String> {
        let xpath = format!("{}/entry/@name", rules());
        let answer = self.ask("fwsync", &[("type", "config"), ("action", action), ("xpath", &xpath)]);
        answer.split("name=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    }

    fn running_rules(&mut self) -> Vec<String> {
        self.names_in("show")
    }

    fn candidate_rules(&mut self) -> Vec<String> {
        self.names_in("get")
    }
}

const SUCCEEDED: &str = r#"<response status="success" code="20"><msg>command succeeded</msg></response>"#;
