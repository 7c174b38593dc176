//! Prefix lists.

use ipnet::IpNet;

use super::{find, tags_for};
use crate::{
    clock::Moment,
    cloud::{
        Cloud, Destination, Entry, Family, Peer, PrefixList, PrefixListId, answer::Refusal, parameters::Parameters,
        shape::Record,
    },
};

pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let name = parameters.required("PrefixListName")?.to_owned();
    if name.starts_with("com.amazonaws") {
        return Err(Refusal::value("PrefixListName", &name));
    }
    let family = match parameters.required("AddressFamily")? {
        "IPv4" => Family::V4,
        "IPv6" => Family::V6,
        other => return Err(Refusal::value("AddressFamily", other)),
    };
    let entries_max = parameters.parsed("MaxEntries")?.ok_or_else(|| Refusal::missing("MaxEntries"))?;
    let tags = tags_for(parameters, "prefix-list")?;
    let mut entries = vec![];
    for entry in parameters.list("Entry") {
        add(&mut entries, entry, family)?;
    }
    let (id, version, earlier, owner) = (cloud.resource_ids.id(), 1, vec![], None);
    let list = PrefixList { id, name, family, entries, version, earlier, entries_max, owner, tags };
    check_size(&list)?;
    let answer = list.shape_in_state(&cloud.account, &cloud.region, "create-in-progress");
    cloud.resources.prefix_lists.insert(list.id.clone(), list);
    Ok(Record::new().with("prefixList", answer))
}

pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let list = own(cloud, parameters)?;
    if !cloud.users(&list.id).is_empty() {
        let message = format!("The prefix list '{}' is currently in use.", list.id);
        return Err(Refusal::new("DependencyViolation", message));
    }
    cloud.resources.prefix_lists.remove(&list.id);
    let answer = list.shape_in_state(&cloud.account, &cloud.region, "delete-in-progress");
    Ok(Record::new().with("prefixList", answer))
}

/// The change is in force at once; what the answer says of it is over before anybody can look.
pub(super) fn modify(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let mut list = own(cloud, parameters)?;
    let mut entries = list.entries.clone();
    let (added, removed) = (parameters.list("AddEntry").count(), parameters.list("RemoveEntry").count());
    if added + removed > 0 {
        check_version(&list, parameters)?;
    }
    for entry in parameters.list("RemoveEntry") {
        let cidr = cidr(entry)?;
        let place = entries.iter().position(|(known, _)| *known == cidr);
        entries.remove(place.ok_or_else(|| Refusal::value("RemoveEntry", &cidr.to_string()))?);
    }
    for entry in parameters.list("AddEntry") {
        add(&mut entries, entry, list.family)?;
    }
    list.entries_max = parameters.parsed("MaxEntries")?.unwrap_or(list.entries_max);
    list.name = parameters.text("PrefixListName").map_or(list.name, str::to_owned);
    if added + removed > 0 {
        list.replace(entries);
    }
    changed(cloud, list, "modify-in-progress")
}

/// An earlier version's entries become a new version.
pub(super) fn restore(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let mut list = own(cloud, parameters)?;
    check_version(&list, parameters)?;
    let previous: i64 = parameters.parsed("PreviousVersion")?.ok_or_else(|| Refusal::missing("PreviousVersion"))?;
    let entries = list.entries_of(previous).ok_or_else(|| Refusal::value("PreviousVersion", &previous.to_string()))?;
    list.replace(entries.to_vec());
    changed(cloud, list, "restore-in-progress")
}

fn changed(cloud: &mut Cloud, list: PrefixList, state: &str) -> Result<Record, Refusal> {
    check_size(&list)?;
    let answer = list.shape_in_state(&cloud.account, &cloud.region, state);
    cloud.resources.prefix_lists.insert(list.id.clone(), list);
    Ok(Record::new().with("prefixList", answer))
}

/// The list that a call is about, which must not be one of AWS's.
fn own(cloud: &Cloud, parameters: &Parameters) -> Result<PrefixList, Refusal> {
    let id: PrefixListId = parameters.required_id("PrefixListId")?;
    let list = find(&cloud.resources.prefix_lists, &id)?;
    match &list.owner {
        None => Ok(list.clone()),
        Some(owner) => {
            let message = format!("The prefix list '{id}' is owned by {owner} and cannot be changed.");
            Err(Refusal { status: 403, ..Refusal::new("UnauthorizedOperation", message) })
        }
    }
}

fn check_version(list: &PrefixList, parameters: &Parameters) -> Result<(), Refusal> {
    let current: Option<i64> = parameters.parsed("CurrentVersion")?;
    if current.is_some_and(|current| current != list.version) {
        let message = format!("The prefix list '{}' has the version {}", list.id, list.version);
        return Err(Refusal::new("PrefixListVersionMismatch", message));
    }
    Ok(())
}

fn check_size(list: &PrefixList) -> Result<(), Refusal> {
    if u32::try_from(list.entries.len()).is_ok_and(|count| count > list.entries_max) {
        let message = format!("The prefix list '{}' has room for {} entries", list.id, list.entries_max);
        return Err(Refusal::new("PrefixListMaxEntriesExceeded", message));
    }
    Ok(())
}

/// One more entry, or new words for one that is there.
fn add(entries: &mut Vec<Entry>, entry: &Parameters, family: Family) -> Result<(), Refusal> {
    let (cidr, description) = (cidr(entry)?, entry.text("Description").map(str::to_owned));
    if !family.holds(&cidr) {
        return Err(Refusal::value("Cidr", &cidr.to_string()));
    }
    match entries.iter_mut().find(|(known, _)| *known == cidr) {
        Some((_, known)) => *known = description,
        None => entries.push((cidr, description)),
    }
    Ok(())
}

fn cidr(entry: &Parameters) -> Result<IpNet, Refusal> {
    let text = entry.required("Cidr")?;
    text.parse::<IpNet>().map(|cidr| cidr.trunc()).map_err(|_| Refusal::value("Cidr", text))
}

impl Cloud {
    /// The groups and route tables that refer to a prefix list.
    pub(in crate::cloud) fn users(&self, id: &PrefixListId) -> Vec<String> {
        let peer = Peer::PrefixList(id.clone());
        let groups = self.resources.groups.values().filter(|group| group.rules.iter().any(|rule| rule.peer == peer));
        let destination = Destination::PrefixList(id.clone());
        let leads = |route: &crate::cloud::Route| route.destination == destination;
        let tables = self.resources.route_tables.values().filter(|table| table.routes.iter().any(leads));
        groups.map(|group| group.id.to_string()).chain(tables.map(|table| table.id.to_string())).collect()
    }
}
