//! `type=user-id`: who is behind an address, and the tags of addresses and users. It acts at once, without any commit.
//!
//! Shapes are those that `pan-os-python panos/userid.py` and `pan-python lib/pan/xapi.py` read.

mod mapping;
mod show;
mod tags;

use std::{collections::BTreeMap, time::Duration};

use super::{
    Call, Firewall,
    answer::{Refusal, response, result},
    references::parse_range,
};
use crate::{clock::Moment, xml::Element};
use mapping::{Groups, Mappings};

use tags::{Keeping, Refused};
pub(super) use tags::{Named, Range, TagStore};

/// Everything that the User-ID agent knows.
#[derive(Clone, Debug, Default)]
pub(super) struct UserId {
    pub(super) addresses: TagStore<Range>,
    users: TagStore<String>,
    mappings: Mappings,
    groups: Groups,
}

impl UserId {
    /// Forgets what has timed out, and tells whether there was any.
    pub(super) fn expire(&mut self, now: Moment) -> bool {
        // Each has to look, whatever the others have found.
        let expired = [self.addresses.expire(now), self.users.expire(now), self.mappings.expire(now)];
        expired.contains(&true)
    }

    /// Forgets what does not survive a restart.
    pub(super) fn restart(&mut self) {
        self.addresses.forget_volatile();
        self.mappings = Mappings::default();
    }
}

/// What the device had to say about one entry of a message: the entry's identity, and the message.
type Complaint = (&'static str, String, String);

/// The longest time-out of a tag: 30 days.
const TIMEOUT_MAX: u64 = 2_592_000;

impl Firewall {
    pub(super) fn user_id(&mut self, call: &Call<'_>) -> Result<Element, Refusal> {
        let message = call.message()?;
        let unexpected = |name: &str| Refusal::new(12, format!(" {name} unexpected here"));
        if message.name != "uid-message" {
            return Err(unexpected(&message.name));
        }
        if message.child_text("type") != Some("update") {
            return Err(Refusal::new(12, " uid-message -> type is invalid"));
        }
        // The device takes the payload within the type as well: pan-python's tests put it there.
        let payload = message.child("payload").or_else(|| message.at(&["type", "payload"]));
        let sections = payload.map(|payload| payload.children.as_slice()).unwrap_or_default();
        let known = ["register", "unregister", "register-user", "unregister-user", "login", "logout", "groups"];
        if let Some(unknown) = sections.iter().find(|section| !known.contains(&section.name.as_str())) {
            return Err(unexpected(&unknown.name));
        }
        let answers: Vec<_> = sections.iter().map(|section| (section, self.take_section(section, call))).collect();
        Ok(uid_response(&answers))
    }

    /// Does what a section says, entry by entry. What is wrong with one entry does not keep others from taking effect.
    fn take_section(&mut self, section: &Element, call: &Call<'_>) -> Vec<Complaint> {
        let vsys = call.vsys();
        let mut complaints = Vec::new();
        for entry in section.children.iter().filter(|child| child.name == "entry") {
            match section.name.as_str() {
                "register" | "unregister" => self.tag_address(section, entry, vsys, call.now, &mut complaints),
                "register-user" | "unregister-user" => self.tag_user(section, entry, vsys, call.now, &mut complaints),
                "login" => complaints.extend(self.user_id.mappings.login(vsys, entry, call.now)),
                "logout" => self.user_id.mappings.logout(vsys, entry),
                _ => self.user_id.groups.set(vsys, entry),
            }
        }
        complaints
    }

    fn tag_address(&mut self, section: &Element, entry: &Element, vsys: &str, now: Moment, told: &mut Vec<Complaint>) {
        let text = entry.attribute("ip").unwrap_or_default();
        let Some(range) = self.address(text) else {
            told.push(("ip", text.to_owned(), format!("{text} is an invalid IP address")));
            return;
        };
        let complaints = change(&mut self.user_id.addresses, section, entry, (vsys, &range), now);
        told.extend(complaints.into_iter().map(|words| ("ip", text.to_owned(), words)));
    }

    fn tag_user(&mut self, section: &Element, entry: &Element, vsys: &str, now: Moment, told: &mut Vec<Complaint>) {
        let user = entry.attribute("user").unwrap_or_default().to_owned();
        let complaints = change(&mut self.user_id.users, section, entry, (vsys, &user), now);
        told.extend(complaints.into_iter().map(|words| ("user", user.clone(), words)));
    }

    /// Single addresses; since 11.0 a subnet or a range is one entry as well.
    fn address(&self, text: &str) -> Option<Range> {
        let (first, last) = parse_range(text)?;
        let is_one = !text.contains(['-', '/']);
        (is_one || self.settings.release() >= (11, 0)).then(|| Range::new(first, last, text))
    }

    pub(super) fn show_registered_ips(&mut self, call: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let Some(query) = command.at(&["object", "registered-ip"]) else { return Ok(result([])) };
        Ok(show::registered(&self.user_id.addresses, call.vsys(), query, "ip"))
    }

    pub(super) fn show_registered_users(&mut self, call: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let Some(query) = command.at(&["object", "registered-user"]) else { return Ok(result([])) };
        Ok(show::registered(&self.user_id.users, call.vsys(), query, "user"))
    }

    pub(super) fn show_mappings(&mut self, call: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let mapping = command.child("user").and_then(|user| user.children.first());
        let ip = mapping.and_then(|mapping| mapping.child_text("ip"));
        Ok(self.user_id.mappings.to_xml(call.vsys(), ip, call.now))
    }

    pub(super) fn show_user_groups(&mut self, call: &Call<'_>, _: &Element) -> Result<Element, Refusal> {
        Ok(self.user_id.groups.list(call.vsys()))
    }

    pub(super) fn show_user_group(&mut self, call: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let name = command.at(&["user", "group", "name"]).map(|name| name.text.as_str()).unwrap_or_default();
        Ok(self.user_id.groups.members(call.vsys(), name))
    }
}

/// Gives an address or a user its tags, or takes them away.
fn change<K: Ord + Clone>(
    store: &mut TagStore<K>,
    section: &Element,
    entry: &Element,
    owner: (&str, &K),
    now: Moment,
) -> Vec<String> {
    let tags: Option<Vec<&Element>> = entry.child("tag").map(|tag| tag.children.iter().collect());
    let mut complaints = Vec::new();
    if section.name.starts_with("unregister") {
        let names = tags.map(|tags| tags.into_iter().map(|tag| tag.text.as_str()).collect::<Vec<_>>());
        complaints
            .extend(store.unregister(owner, names.as_deref()).into_iter().map(|tag| words(Refused::Absent, &tag)));
        return complaints;
    }
    // Tags survive a restart unless told otherwise.
    let keeping = if entry.attribute("persistent") == Some("0") { Keeping::Volatile } else { Keeping::Persistent };
    for tag in tags.unwrap_or_default() {
        match timeout(tag) {
            Ok(span) => {
                let until = span.map(|span| now + span);
                complaints
                    .extend(store.register(owner, keeping, &tag.text, until).err().map(|why| words(why, &tag.text)));
            }
            Err(()) => complaints.push(format!("tag {} has an invalid timeout", tag.text)),
        }
    }
    complaints
}

/// The time-out of a tag in seconds; 0 is none.
fn timeout(tag: &Element) -> Result<Option<Duration>, ()> {
    match tag.attribute("timeout").map(str::parse::<u64>) {
        None | Some(Ok(0)) => Ok(None),
        Some(Ok(seconds)) if seconds <= TIMEOUT_MAX => Ok(Some(Duration::from_secs(seconds))),
        Some(_) => Err(()),
    }
}

/// The words by whose end pan-os-python tells what it may ignore.
fn words(refused: Refused, tag: &str) -> String {
    match refused {
        Refused::Present => format!("tag {tag} already exists, ignore"),
        Refused::Absent => format!("tag {tag} does not exist, ignore unreg"),
        Refused::TooMany => format!("tag {tag} exceeds the maximum number of tags"),
    }
}

/// The same structure for good and bad ends; only where it stands differs.
fn uid_response(answers: &[(&Element, Vec<Complaint>)]) -> Element {
    let mut sections: BTreeMap<&str, Element> = BTreeMap::new();
    for (section, complaints) in answers {
        let entry = |(key, name, message): &Complaint| {
            Element::new("entry").with_attribute(*key, name).with_attribute("message", message)
        };
        let shown = sections.entry(&section.name).or_insert_with(|| Element::new(&section.name));
        shown.children.extend(complaints.iter().map(entry));
    }
    let is_bad = sections.values().any(|section| !section.children.is_empty());
    let payload = Element::new("payload").with_all(sections.into_values());
    let told = Element::new("uid-response").with(Element::text("version", "2.0")).with(payload);
    if is_bad {
        let line = Element::new("line").with(told);
        return response("error", None).with(Element::new("msg").with(line));
    }
    result([told])
}
