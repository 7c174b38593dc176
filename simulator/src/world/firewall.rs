//! From the `firewall` section of a story to a firewall, and from what administrators do to requests.

use crate::{
    clock::Moment,
    firewall::{Firewall, Ha},
    script::{Act, Address, FirewallLine, HaState, Lock, Names, Place, Ports, Rule, RuleState, Scope, Service, Xml},
    world::DRAWBRIDGE,
    xml::Element,
};

/// What is wrong, and the remedy.
type Told = Result<(), String>;

const VSYS: &str = "/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']";
const RULES: &str = "rulebase/security/rules";

/// A place below the virtual system, unless the path is absolute.
fn below_vsys(xpath: &str) -> String {
    if xpath.starts_with('/') { xpath.to_owned() } else { format!("{VSYS}/{xpath}") }
}

/// Where the rule of that name is.
fn rule_at(name: &str) -> String {
    format!("{VSYS}/{RULES}/entry[@name='{name}']")
}

/// Does what a line of the set-up says, as if it had always been so.
pub(super) fn furnish(firewall: &mut Firewall, line: &FirewallLine, names: &Names) -> Told {
    match line {
        FirewallLine::Version(version) => firewall.settings.version.clone_from(version),
        FirewallLine::CommitTakes(span) => firewall.settings.commit_takes = *span,
        FirewallLine::Ha(HaState::Active) => firewall.settings.ha = Ha::pair("active"),
        FirewallLine::Ha(HaState::Passive) => firewall.settings.ha = Ha::pair("passive"),
        FirewallLine::Admin(name) => {
            firewall.add_admin(name);
        }
        FirewallLine::Zone(_) | FirewallLine::ProfileGroup(_) | FirewallLine::LogSetting(_) | FirewallLine::Tag(_) => {
            return load_named(firewall, line);
        }
        FirewallLine::Service { name, ports } => return load(firewall, "service", &service(name, ports)),
        FirewallLine::ServiceGroup { name, members } => {
            return load(firewall, "service-group", &Element::entry(name).with(list("members", members)));
        }
        FirewallLine::Address { name, value } => {
            return load(firewall, "address", &Element::entry(name).with(address(value)));
        }
        FirewallLine::AddressGroup { name, members } => {
            return load(firewall, "address-group", &Element::entry(name).with(list("static", members)));
        }
        FirewallLine::Rule(rule) => {
            if let Service::Inline(ports) = &rule.service {
                load(firewall, "service", &service(&service_name(ports), ports))?;
            }
            return load(firewall, RULES, &entry(rule, names));
        }
        FirewallLine::Xml(Xml { xpath, fragment }) => {
            return load_fragment(firewall, &below_vsys(&names.lengthen(xpath)), &names.lengthen(fragment));
        }
    }
    Ok(())
}

fn load_named(firewall: &mut Firewall, line: &FirewallLine) -> Told {
    if let FirewallLine::Zone(name) = line {
        load(firewall, "zone", &Element::entry(name).with(Element::new("network").with(Element::new("layer3"))))
    } else if let FirewallLine::ProfileGroup(name) = line {
        load(firewall, "profile-group", &Element::entry(name))
    } else if let FirewallLine::LogSetting(name) = line {
        load(firewall, "log-settings/profiles", &Element::entry(name))
    } else if let FirewallLine::Tag(name) = line {
        load(firewall, "tag", &Element::entry(name))
    } else {
        Ok(())
    }
}

fn load(firewall: &mut Firewall, place: &str, entry: &Element) -> Told {
    load_fragment(firewall, &below_vsys(place), &entry.to_string())
}

fn load_fragment(firewall: &mut Firewall, xpath: &str, fragment: &str) -> Told {
    firewall.load(xpath, fragment).map_err(|error| error.to_string())
}

/// `svc-tcp-80-8000-8010`
fn service_name(ports: &Ports) -> String {
    format!("svc-{}-{}", ports.protocol.name(), ports.ports.join("-"))
}

fn service(name: &str, ports: &Ports) -> Element {
    let protocol = Element::new(ports.protocol.name()).with(Element::text("port", ports.ports.join(",")));
    Element::entry(name).with(Element::new("protocol").with(protocol))
}

fn address(value: &Address) -> Element {
    match value {
        Address::Netmask(text) => Element::text("ip-netmask", text),
        Address::Range(text) => Element::text("ip-range", text),
        Address::Fqdn(host) => Element::text("fqdn", host),
    }
}

fn list(name: &str, members: &[String]) -> Element {
    Element::new(name).with_all(members.iter().map(|member| Element::text("member", member)))
}

/// A rule as the firewall has it. Its name may be that of a rule of Drawbridge's, with a short id in it.
fn entry(rule: &Rule, names: &Names) -> Element {
    let any = ["any".to_owned()];
    let services = match &rule.service {
        Service::Any => any.to_vec(),
        Service::ApplicationDefault => vec!["application-default".to_owned()],
        Service::Inline(ports) => vec![service_name(ports)],
        Service::Named(names) => names.clone(),
    };
    let extras = &rule.extras;
    let users = if extras.users.is_empty() { &any[..] } else { &extras.users };
    let mut entry = Element::entry(names.lengthen(&rule.name)).with_all([
        list("from", &rule.source.zones),
        list("to", &rule.destination.zones),
        list("source", &rule.source.addresses),
        list("destination", &rule.destination.addresses),
        list("source-user", users),
        list("category", &any),
        list("application", &rule.applications),
        list("service", &services),
        Element::text("action", rule.action.name()),
    ]);
    if extras.state == RuleState::Disabled {
        entry.children.push(Element::text("disabled", "yes"));
    }
    if !extras.tags.is_empty() {
        entry.children.push(list("tag", &extras.tags));
    }
    if let Some(group) = &extras.profile {
        entry.children.push(Element::new("profile-setting").with(list("group", std::slice::from_ref(group))));
    }
    let texts = [("schedule", &extras.schedule), ("log-setting", &extras.log), ("description", &extras.description)];
    entry.children.extend(texts.into_iter().filter_map(|(name, text)| Some(Element::text(name, text.as_ref()?))));
    entry
}

/// Does what an administrator does, and waits for their commit to end.
pub(super) fn act(firewall: &mut Firewall, admin: &str, act: &Act, names: &Names, now: &mut Moment) -> Told {
    if admin != DRAWBRIDGE && firewall.key_of(admin).is_none() {
        return Err(format!("there is no administrator `{admin}`; add `admin {admin}` to the firewall section"));
    }
    let mut desk = Desk { firewall, admin, now };
    match act {
        Act::Add(rule, place) => {
            if let Service::Inline(ports) = &rule.service {
                let service = service(&service_name(ports), ports);
                desk.set(&format!("{VSYS}/service/entry[@name='{}']", service_name(ports)), &service.children)?;
            }
            let name = names.lengthen(&rule.name);
            desk.set(&rule_at(&name), &entry(rule, names).children)?;
            if *place == Place::Bottom { Ok(()) } else { desk.place(&name, place, names) }
        }
        Act::Edit { rule, field, values } => desk.edit(&names.lengthen(rule), field, values),
        Act::Delete(rule) => desk.config("delete", &[("xpath", &rule_at(&names.lengthen(rule)))]),
        Act::Move(rule, place) => desk.place(&names.lengthen(rule), place, names),
        Act::Rename(rule, new) => {
            let (xpath, new) = (rule_at(&names.lengthen(rule)), names.lengthen(new));
            desk.config("rename", &[("xpath", &xpath), ("newname", &new)])
        }
        Act::Xml(Xml { xpath, fragment }) => {
            let (xpath, fragment) = (below_vsys(&names.lengthen(xpath)), names.lengthen(fragment));
            desk.config("set", &[("xpath", &xpath), ("element", &fragment)])
        }
        Act::Commit(scope) => desk.commit(*scope),
        Act::Revert => desk.op(&format!("<revert><config>{}</config></revert>", own(admin))),
        Act::Lock(lock, comment) => {
            let comment = Element::text("comment", comment);
            desk.op(&format!("<request><{0}><add>{comment}</add></{0}></request>", lock_word(*lock)))
        }
        Act::Unlock(lock) => desk.op(&format!("<request><{0}><remove/></{0}></request>", lock_word(*lock))),
    }
}

fn lock_word(lock: Lock) -> &'static str {
    match lock {
        Lock::Config => "config-lock",
        Lock::Commit => "commit-lock",
    }
}

/// What limits a commit or a revert to one administrator's changes.
fn own(admin: &str) -> Element {
    let admin = list("admin", &[admin.to_owned()]);
    Element::new("partial").with(admin)
}

/// Where an administrator sits.
struct Desk<'a> {
    firewall: &'a mut Firewall,
    admin: &'a str,
    now: &'a mut Moment,
}

impl Desk<'_> {
    fn set(&mut self, xpath: &str, children: &[Element]) -> Told {
        let element: String = children.iter().map(Element::to_string).collect();
        self.config("set", &[("xpath", xpath), ("element", &element)])
    }

    fn place(&mut self, name: &str, place: &Place, names: &Names) -> Told {
        let (word, other) = match place {
            Place::Before(other) => ("before", Some(other)),
            Place::After(other) => ("after", Some(other)),
            Place::Top => ("top", None),
            Place::Bottom => ("bottom", None),
        };
        let (xpath, other) = (rule_at(name), other.map(|other| names.lengthen(other)).unwrap_or_default());
        let mut parameters = vec![("xpath", xpath.as_str()), ("where", word)];
        if !other.is_empty() {
            parameters.push(("dst", &other));
        }
        self.config("move", &parameters)
    }

    fn edit(&mut self, rule: &str, field: &str, values: &[String]) -> Told {
        let element = match (field, values) {
            ("action" | "description" | "disabled" | "log-setting" | "rule-type" | "schedule", [value]) => {
                Element::text(field, value)
            }
            ("negate-source" | "negate-destination", [value]) => Element::text(field, value),
            _ => list(field, values),
        };
        let xpath = format!("{}/{field}", rule_at(rule));
        self.config("edit", &[("xpath", &xpath), ("element", &element.to_string())])
    }

    /// Asks for a commit and lets time pass until it has ended, well or not.
    fn commit(&mut self, scope: Scope) -> Told {
        let commit = Element::new("commit");
        let commit = match scope {
            Scope::Own => commit.with(own(self.admin)),
            Scope::All => commit,
        };
        let answer = self.ask(&[("type", "commit"), ("cmd", &commit.to_string())])?;
        let Some(job) = answer.at(&["result", "job"]) else { return Ok(()) };
        let question = format!("<show><jobs><id>{}</id></jobs></show>", job.text);
        for _ in 0..QUEUE_MAX {
            *self.now = *self.now + self.firewall.settings.commit_takes;
            let answer = self.ask(&[("type", "op"), ("cmd", &question)])?;
            let status = answer.at(&["result", "job"]).and_then(|job| job.child_text("status"));
            if status == Some("FIN") {
                return Ok(());
            }
        }
        Err(format!("the commit of `{}` does not come to its turn; wait before it", self.admin))
    }

    fn config(&mut self, action: &str, parameters: &[(&str, &str)]) -> Told {
        let mut all = vec![("type", "config"), ("action", action)];
        all.extend(parameters);
        let answer = self.ask(&all)?;
        match answer.attribute("code") {
            Some("7") => Err("the firewall has no such object; check the name".to_owned()),
            _ => Ok(()),
        }
    }

    fn op(&mut self, command: &str) -> Told {
        self.ask(&[("type", "op"), ("cmd", command)]).map(drop)
    }

    fn ask(&mut self, parameters: &[(&str, &str)]) -> Result<Element, String> {
        let text = self.firewall.as_admin(self.admin, parameters, *self.now).text();
        let answer = Element::parse(&text).map_err(|malformed| malformed.to_string())?;
        match answer.attribute("status") {
            Some("success") => Ok(answer),
            _ => Err(format!("the firewall refuses what `{}` wants: {}", self.admin, words(&answer))),
        }
    }
}

/// A commit that is further back in the queue than this is not waited for.
const QUEUE_MAX: usize = 20;

/// All text of an answer.
fn words(element: &Element) -> String {
    let own = element.text.trim().to_owned();
    let parts = std::iter::once(own).chain(element.children.iter().map(words)).filter(|text| !text.is_empty());
    parts.collect::<Vec<_>>().join("; ")
}
