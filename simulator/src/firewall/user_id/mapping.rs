//! Which user is behind an address, and which users a group has.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use super::{
    super::answer::{result, result_text},
    Complaint,
};
use crate::{clock::Moment, xml::Element};

#[derive(Clone, Debug)]
struct Mapping {
    user: String,
    until: Option<Moment>,
}

/// Users by virtual system and address.
#[derive(Clone, Debug, Default)]
pub(super) struct Mappings(BTreeMap<(String, IpAddr), Mapping>);

impl Mappings {
    /// Maps an address to a user, for so many minutes if the entry says so.
    pub(super) fn login(&mut self, vsys: &str, entry: &Element, now: Moment) -> Option<Complaint> {
        let (text, user) = (entry.attribute("ip").unwrap_or_default(), entry.attribute("name").unwrap_or_default());
        let Ok(ip) = text.parse() else {
            return Some(("ip", text.to_owned(), format!("{text} is an invalid IP address")));
        };
        let minutes = entry.attribute("timeout").and_then(|minutes| minutes.parse::<u64>().ok()).filter(|&n| n > 0);
        let until = minutes.map(|minutes| now + Duration::from_secs(minutes * 60));
        self.0.insert((vsys.to_owned(), ip), Mapping { user: user.to_owned(), until });
        None
    }

    /// Ends what `login` began.
    pub(super) fn logout(&mut self, vsys: &str, entry: &Element) {
        let ip = entry.attribute("ip").and_then(|ip| ip.parse::<IpAddr>().ok());
        let user = entry.attribute("name");
        self.0.retain(|(home, address), mapping| {
            home != vsys || Some(*address) != ip || user.is_some_and(|user| user != mapping.user)
        });
    }

    /// Forgets what has timed out, and tells whether there was any.
    pub(super) fn expire(&mut self, now: Moment) -> bool {
        let before = self.0.len();
        self.0.retain(|_, mapping| mapping.until.is_none_or(|until| until > now));
        self.0.len() < before
    }

    /// The answer to `show user ip-user-mapping`, for all or one address.
    pub(super) fn to_xml(&self, vsys: &str, ip: Option<&str>, now: Moment) -> Element {
        let is_meant = |((home, address), _): &(&(String, IpAddr), &Mapping)| {
            home == vsys && ip.is_none_or(|ip| ip.parse() == Ok(*address))
        };
        let entries: Vec<_> =
            self.0.iter().filter(is_meant).map(|((_, ip), mapping)| mapping.entry(vsys, ip, now)).collect();
        let count = Element::text("count", entries.len().to_string());
        result(entries.into_iter().chain([count]))
    }
}

impl Mapping {
    fn entry(&self, vsys: &str, ip: &IpAddr, now: Moment) -> Element {
        let left = self.until.map(|until| until.elapsed().saturating_sub(now.elapsed()).as_secs());
        let left = left.map_or_else(|| "Never".to_owned(), |seconds| seconds.to_string());
        Element::new("entry").with_all([
            Element::text("ip", ip.to_string()),
            Element::text("vsys", vsys),
            Element::text("type", "XMLAPI"),
            Element::text("user", &self.user),
            Element::text("idle_timeout", &left),
            Element::text("timeout", &left),
        ])
    }
}

/// Users by virtual system and group.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups(BTreeMap<(String, String), Vec<String>>);

impl Groups {
    /// Says who is in a group; nobody else is.
    pub(super) fn set(&mut self, vsys: &str, entry: &Element) {
        let name = entry.attribute("name").unwrap_or_default().to_owned();
        let members = entry.child("members").map(|members| members.children.as_slice()).unwrap_or_default();
        let members = members.iter().filter_map(|member| member.attribute("name")).map(str::to_owned).collect();
        self.0.insert((vsys.to_owned(), name), members);
    }

    /// The answer to `show user group list`, a text in lines.
    pub(super) fn list(&self, vsys: &str) -> Element {
        let names: Vec<_> =
            self.0.keys().filter(|(home, _)| home == vsys).map(|(_, name)| format!("{name} \n")).collect();
        result_text(format!("\n{}\nTotal: {}\n* : Custom Group\n\n", names.concat(), names.len()))
    }

    /// The answer to `show user group name`, a text in lines.
    pub(super) fn members(&self, vsys: &str, name: &str) -> Element {
        match self.0.get(&(vsys.to_owned(), name.to_owned())) {
            Some(members) if !members.is_empty() => {
                let lines: Vec<_> = members.iter().zip(1..).map(|(user, n)| format!("[{n:<6}] {user}\n")).collect();
                result_text(format!("\n\nsource type: xmlapi\n\n{}\n", lines.concat()))
            }
            Some(_) | None => result_text(format!("\nUser group '{name}' does not exist or does not have members\n")),
        }
    }
}
