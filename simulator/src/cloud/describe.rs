//! Reading: one table per Describe action says what it lists, how it filters and how it pages.

mod gateways;
mod looks;
mod sharing;
mod views;

use std::{collections::BTreeMap, ops::RangeInclusive};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Cloud, Visibility,
    answer::Refusal,
    ids::PrefixListId,
    parameters::Parameters,
    prefix_list::entry_shapes,
    shape::{Record, Shape},
};

/// A Describe action.
pub(super) struct View {
    action: &'static str,
    /// The list in the answer: on the wire, and in the API.
    list: (&'static str, &'static str),
    /// The parameter that lists ids, and the element in which a row has its id.
    id: (&'static str, &'static str),
    /// Filters, and where in a row they look: wire names from outside in.
    filters: &'static [(&'static str, &'static [&'static str])],
    page: RangeInclusive<usize>,
    /// Whether paging and a list of ids exclude each other.
    ids: Ids,
    rows: fn(&Cloud, &Parameters) -> Vec<Record>,
    check_id: fn(&Cloud, &str) -> Result<(), Refusal>,
}

#[derive(Clone, Copy, PartialEq)]
enum Ids {
    Paged,
    NeverPaged,
}

/// The view of that action.
pub(super) fn view(action: &str) -> Option<&'static View> {
    views::VIEWS.iter().chain(&gateways::VIEWS).chain(&sharing::VIEWS).find(|view| view.action == action)
}

/// A reading action that lists no resources.
pub(super) type Look = fn(&Cloud, &Parameters) -> Result<Record, Refusal>;

/// What answers that action.
pub(super) fn look(action: &str) -> Option<Look> {
    looks::LOOKS.iter().find(|(name, _)| *name == action).map(|(_, look)| *look)
}

impl Cloud {
    /// Fails for the first id that is wrong; of instances that are not there, all are told.
    fn check_ids(&self, view: &View, ids: &[&str]) -> Result<(), Refusal> {
        let wrong: Vec<_> = ids.iter().filter_map(|id| Some((*id, (view.check_id)(self, id).err()?))).collect();
        let is_absent = |(_, refusal): &(&str, Refusal)| refusal.code == "InvalidInstanceID.NotFound";
        match wrong.iter().find(|wrong| !is_absent(wrong)).or(wrong.first()) {
            None => Ok(()),
            Some(first) if is_absent(first) => {
                let ids: Vec<_> = wrong.iter().map(|(id, _)| *id).collect();
                Err(Refusal::instances_not_found(&ids))
            }
            Some((_, refusal)) => Err(refusal.clone()),
        }
    }

    /// The answer of a Describe action.
    pub(super) fn described(&self, view: &View, parameters: &Parameters) -> Result<Record, Refusal> {
        let ids = parameters.texts(view.id.0);
        if !ids.is_empty() && view.ids == Ids::NeverPaged && parameters.text("MaxResults").is_some() {
            let message = format!("The parameter {} cannot be used with the parameter MaxResults", view.id.0);
            return Err(Refusal::combination(message));
        }
        self.check_ids(view, &ids)?;
        let filters = filters(view, parameters)?;
        let names = parameters.texts("GroupName");
        self.check_group_names(&names)?;
        let shows_managed =
            self.settings.managed_resources == Visibility::Visible || parameters.flag("IncludeManagedResources")?;
        let mut rows = self.sorted_rows(view, parameters);
        rows.retain(|(id, row)| {
            (ids.is_empty() || ids.contains(&id.as_str()))
                && (names.is_empty() || names.contains(&first(row, "groupName").as_str()))
                && (shows_managed || row.texts_at(&["operator", "managed"]) != ["true"])
                && filters.iter().all(|filter| filter.matches(row))
        });
        let (rows, token) = self.page(view.action, &view.page, rows, parameters)?;
        Ok(self.listed(view, rows).maybe("nextToken", token))
    }

    /// Groups go by name in the default VPC; a filter finds them anywhere.
    fn check_group_names(&self, names: &[&str]) -> Result<(), Refusal> {
        let known = |name: &str| self.resources.groups.values().any(|group| group.name == name);
        match names.iter().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => {
                let message = format!("The security group '{name}' does not exist");
                Err(Refusal::new("InvalidGroup.NotFound", message))
            }
        }
    }

    /// The whole answer of a Describe action, on one page and with nothing hidden.
    pub(super) fn described_whole(&self, action: &str) -> Record {
        let whole = |view| {
            self.listed(view, self.sorted_rows(view, &Parameters::default()).into_iter().map(|(_, row)| row).collect())
        };
        view(action).map_or_else(Record::new, whole)
    }

    /// Rows with their ids, in the order of the ids.
    fn sorted_rows(&self, view: &View, parameters: &Parameters) -> Vec<(String, Record)> {
        let mut rows: Vec<_> = (view.rows)(self, parameters).into_iter().map(|row| (place(view, &row), row)).collect();
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        rows
    }

    fn listed(&self, view: &View, rows: Vec<Record>) -> Record {
        let (wire, api) = view.list;
        let rows = if view.action == "DescribeInstances" { self.reservations(rows) } else { rows };
        Record::new().renamed(wire, api, Shape::from_iter(rows))
    }

    /// Instances grouped by the launch that they came from.
    fn reservations(&self, instances: Vec<Record>) -> Vec<Record> {
        let mut reservations: Vec<(String, Vec<Record>)> = vec![];
        let mut places = BTreeMap::new();
        for row in instances {
            let id = first(&row, "instanceId").parse().ok();
            let instance = id.and_then(|id| self.resources.instances.get(&id));
            let reservation = instance.map(|instance| instance.reservation.to_string()).unwrap_or_default();
            let place = *places.entry(reservation.clone()).or_insert(reservations.len());
            if place == reservations.len() {
                reservations.push((reservation, vec![]));
            }
            reservations[place].1.push(row);
        }
        let reservation = |(id, instances): (String, Vec<Record>)| {
            Record::new()
                .with("reservationId", id)
                .with("ownerId", &self.account)
                .renamed("groupSet", "Groups", Shape::List(vec![]))
                .renamed("instancesSet", "Instances", Shape::from_iter(instances))
        };
        reservations.into_iter().map(reservation).collect()
    }

    /// All entries of a prefix list, as an answer without pages.
    pub(super) fn entries_whole(&self, id: &PrefixListId) -> Record {
        let list = self.resources.prefix_lists.get(id);
        entry_list(list.map(|list| entry_shapes(&list.entries)).unwrap_or_default())
    }

    /// One page of sorted rows, and the token of the next. A token names the last row seen, so that rows that come or go
    /// between two pages move no others.
    fn page(
        &self,
        action: &str,
        allowed: &RangeInclusive<usize>,
        mut rows: Vec<(String, Record)>,
        parameters: &Parameters,
    ) -> Result<(Vec<Record>, Option<String>), Refusal> {
        let asked: Option<usize> = parameters.parsed("MaxResults")?;
        if let Some(asked) = asked.filter(|asked| !allowed.contains(asked)) {
            return Err(Refusal::value("MaxResults", &asked.to_string()));
        }
        if let Some(token) = parameters.text("NextToken") {
            let seen = seen_last(action, token).ok_or_else(|| {
                // Which of the two codes of the API reference real EC2 uses here is not documented.
                Refusal::new("InvalidNextToken", "The token is not valid for this call.")
            })?;
            rows.retain(|(key, _)| *key > seen);
        }
        let size = asked.into_iter().chain(self.settings.page_max).min().unwrap_or(usize::MAX).max(1);
        let more = rows.len() > size;
        rows.truncate(size);
        let token = rows.last().filter(|_| more).map(|(key, _)| STANDARD.encode(format!("{action}/{key}")));
        Ok((rows.into_iter().map(|(_, row)| row).collect(), token))
    }
}

/// What rows are sorted by: their ids, which of tags only the keys make unique.
fn place(view: &View, row: &Record) -> String {
    let id = first(row, view.id.1);
    // Of these, several rows have the same id.
    match view.action {
        "DescribeTags" => format!("{id}/{}", first(row, "key")),
        "DescribeSecurityGroupVpcAssociations" => format!("{id}/{}", first(row, "vpcId")),
        _ => id,
    }
}

fn entry_list(entries: Vec<Record>) -> Record {
    Record::new().renamed("entrySet", "Entries", Shape::from_iter(entries))
}

fn seen_last(action: &str, token: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    text.strip_prefix(action)?.strip_prefix('/').map(str::to_owned)
}

fn first(row: &Record, name: &str) -> String {
    row.texts_at(&[name]).into_iter().next().unwrap_or_default()
}

/// What a row must have: one of the patterns somewhere.
struct Filter<'a> {
    place: Place<'a>,
    patterns: Vec<&'a str>,
}

enum Place<'a> {
    Path(&'static [&'static str]),
    Tag(&'a str),
}

impl Filter<'_> {
    fn matches(&self, row: &Record) -> bool {
        let found = match self.place {
            Place::Path(path) => row.texts_at(path),
            Place::Tag(key) => row.texts_where("tagSet", ("key", key), "value"),
        };
        found.iter().any(|text| self.patterns.iter().any(|pattern| is_like(text, pattern)))
    }
}

fn filters<'a>(view: &View, parameters: &'a Parameters) -> Result<Vec<Filter<'a>>, Refusal> {
    let filter = |filter: &'a Parameters| {
        let name = filter.required("Name")?;
        let path = view.filters.iter().find(|(known, _)| *known == name).map(|(_, path)| Place::Path(path));
        let path = path.or_else(|| (name == "tag-key").then_some(Place::Path(&["tagSet", "key"])));
        let place = path.or_else(|| name.strip_prefix("tag:").map(Place::Tag));
        let place =
            place.ok_or_else(|| Refusal::new("InvalidParameterValue", format!("The filter '{name}' is invalid")))?;
        Ok(Filter { place, patterns: filter.texts("Value") })
    };
    parameters.list("Filter").map(filter).collect()
}

/// Whether a text fits a pattern with `*`, `?` and `\`.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut t, mut p) = (0, 0);
    // Where to go on if the last `*` has to take one more character.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let (literal, width) = match pattern.get(p) {
            Some('\\') if p + 1 < pattern.len() => (pattern.get(p + 1), 2),
            other => (other, 1),
        };
        match (literal, text.get(t)) {
            (Some('*'), _) if width == 1 => {
                p += 1;
                retry = Some((t, p));
            }
            (None, None) => return true,
            (Some('?'), Some(_)) if width == 1 => (t, p) = (t + 1, p + 1),
            (Some(wanted), Some(found)) if wanted == found => (t, p) = (t + 1, p + width),
            _ => match retry {
                Some((from, after)) if from < text.len() => {
                    (t, p) = (from + 1, after);
                    retry = Some((from + 1, after));
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_know_wildcards_and_their_escapes() {
        for (text, pattern) in
            [("web-1", "web-?"), ("web-1", "*"), ("a*b", r"a\*b"), ("", "*"), ("abcbd", "a*b?"), ("x", "x")]
        {
            assert!(is_like(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [("web-10", "web-?"), ("axb", r"a\*b"), ("x", ""), ("", "?"), ("abc", "a*d")] {
            assert!(!is_like(text, pattern), "{text} {pattern}");
        }
    }
}
