//! Security rules as the configuration writes them, and what they mean.

use std::{borrow::Cow, collections::BTreeSet, ops::Range};

use drawbridge_core::{
    firewall::{Action, Carried, Narrowing, Place, Profiles, RuleFacts, RuleType, Status, TouchedBy, Zones},
    id::{RuleName, ZoneName},
};

use super::{
    cursor::{Cursor, Element},
    read::{admins, names_of, tag_names},
    resolve::{Negation, Resolver},
    text::clean,
    xml::{Malformed, Nodes},
};

/// What the rules of a section hold, all in one place: a large rulebase would otherwise be some hundred thousand small lists.
#[derive(Default)]
pub(super) struct Lists<'a> {
    members: Vec<Cow<'a, str>>,
    /// What the rule that is being read carries.
    carried: String,
    /// Which elements those are, and where in `carried` each of them stands.
    pieces: Vec<(&'a str, Range<usize>)>,
}

/// Where in the list of members those of one column stand; absent where the rule has no such column.
type Column = Option<Range<usize>>;

/// A rule as it was read, names not yet resolved.
#[derive(Default)]
pub(super) struct Entry<'a> {
    name: Cow<'a, str>,
    from: Column,
    to: Column,
    source: Column,
    destination: Column,
    application: Column,
    service: Column,
    tags: Column,
    negate_source: Negation,
    negate_destination: Negation,
    action: Option<Action>,
    disabled: bool,
    rule_type: Option<RuleType>,
    profiles: Option<Profiles>,
    description: String,
    narrowed_by: Vec<Narrowing>,
    carried: Carried,
    touched_by: TouchedBy,
}

impl<'a> Entry<'a> {
    /// Reads a rule, the cursor standing in its entry. Children as in `PaloAltoNetworks/pan-os-codegen`,
    /// `specs/policies/security-policy-rule.yaml`.
    pub(super) fn read<N: Nodes<'a>>(
        name: &Cow<'a, str>,
        cursor: &mut Cursor<'a, N>,
        lists: &mut Lists<'a>,
    ) -> Result<Self, Malformed> {
        let mut entry = Self { name: name.clone(), ..Self::default() };
        cursor.children(|cursor, tag| {
            match tag.name {
                "from" => entry.from = lists.column(cursor)?,
                "to" => entry.to = lists.column(cursor)?,
                "source" => entry.source = lists.column(cursor)?,
                "destination" => entry.destination = lists.column(cursor)?,
                "application" => entry.application = lists.column(cursor)?,
                "service" => entry.service = lists.column(cursor)?,
                "negate-source" => entry.negate_source = negation(&cursor.text()?),
                "negate-destination" => entry.negate_destination = negation(&cursor.text()?),
                "action" => entry.action = Some(action(&cursor.text()?)),
                "disabled" => entry.disabled = cursor.text()? == "yes",
                "rule-type" => entry.read_rule_type(&cursor.text()?),
                "profile-setting" => entry.profiles = Some(profiles(cursor)?),
                "tag" => entry.tags = lists.column(cursor)?,
                "description" => entry.description = cursor.text()?.into_owned(),
                "source-user" => entry.narrow_unless_any(cursor, lists, Narrowing::User)?,
                "category" => entry.narrow_unless_any(cursor, lists, Narrowing::Category)?,
                "source-hip" | "destination-hip" | "hip-profiles" => {
                    entry.narrow_unless_any(cursor, lists, Narrowing::Hip)?;
                }
                "schedule" => {
                    let schedule = cursor.text()?;
                    entry.narrowed_by.extend((!schedule.is_empty()).then(|| Narrowing::Schedule(clean(&schedule))));
                }
                // Nothing here decides whether a packet is let through.
                "log-start" | "log-end" | "log-setting" | "option" | "qos" | "group-tag" | "icmp-unreachable"
                | "disable-inspect" | "target" => {
                    lists.carry(&cursor.element(tag)?);
                }
                unknown => {
                    if decides(&cursor.element(tag)?) {
                        entry.narrowed_by.push(Narrowing::Element(unknown.to_owned()));
                    }
                }
            }
            Ok(())
        })?;
        entry.carried = lists.take_carried();
        entry.touched_by = admins(cursor.marks());
        Ok(entry)
    }

    fn read_rule_type(&mut self, text: &str) {
        self.rule_type = match text {
            "universal" | "" => Some(RuleType::Universal),
            "intrazone" => Some(RuleType::Intrazone),
            "interzone" => Some(RuleType::Interzone),
            _ => {
                self.narrowed_by.push(Narrowing::Element("rule-type".to_owned()));
                None
            }
        };
    }

    fn narrow_unless_any<N: Nodes<'a>>(
        &mut self,
        cursor: &mut Cursor<'a, N>,
        lists: &mut Lists<'a>,
        narrowing: Narrowing,
    ) -> Result<(), Malformed> {
        let first = lists.members.len();
        cursor.members_into(&mut lists.members)?;
        // Nobody asks for these again.
        let mut members = lists.members.drain(first..).peekable();
        if members.peek().is_some() && members.all(|member| member != "any") {
            self.narrowed_by.push(narrowing);
        }
        Ok(())
    }

    /// The rule's name as it was read.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What the rule means.
    pub(super) fn resolve(
        mut self,
        lists: &Lists<'a>,
        place: Place,
        resolver: &mut Resolver<'_, 'a>,
    ) -> Result<RuleFacts, Malformed> {
        let rule_type = self.rule_type.unwrap_or(RuleType::Universal);
        let required = [
            ("from", &self.from),
            ("to", if rule_type == RuleType::Intrazone { &self.from } else { &self.to }),
            ("source", &self.source),
            ("destination", &self.destination),
            ("application", &self.application),
            ("service", &self.service),
        ];
        // Half a rule, as it can stand in a candidate, lets nothing through for certain.
        let missing = required.into_iter().filter(|(_, column)| column.as_ref().is_none_or(Range::is_empty));
        self.narrowed_by.extend(missing.map(|(name, _)| Narrowing::Element(name.to_owned())));
        self.into_facts(lists, place, rule_type, Action::Deny, resolver)
    }

    /// What a default rule means: its columns are fixed, and administrators may override its action.
    pub(super) fn resolve_default(
        self,
        lists: &Lists<'a>,
        rule_type: RuleType,
        action: Action,
        resolver: &mut Resolver<'_, 'a>,
    ) -> Result<RuleFacts, Malformed> {
        self.into_facts(lists, Place::Local, rule_type, action, resolver)
    }

    fn into_facts(
        mut self,
        lists: &Lists<'a>,
        place: Place,
        rule_type: RuleType,
        default_action: Action,
        resolver: &mut Resolver<'_, 'a>,
    ) -> Result<RuleFacts, Malformed> {
        let name: RuleName = self.name.parse().map_err(|error| Malformed::Content(clean(&format!("{error}"))))?;
        let mut narrowed_by = std::mem::take(&mut self.narrowed_by);
        let column = |column| lists.members_or_any(column);
        let source = resolver.addresses(column(&self.source), self.negate_source, &mut narrowed_by);
        let destination = resolver.addresses(column(&self.destination), self.negate_destination, &mut narrowed_by);
        let applications = resolver.applications(column(&self.application), &mut narrowed_by);
        let service = resolver.services(column(&self.service), &mut narrowed_by);
        let from = zones("from", column(&self.from), &mut narrowed_by);
        let to = zones("to", column(&self.to), &mut narrowed_by);
        narrowed_by.sort_unstable();
        narrowed_by.dedup();
        Ok(RuleFacts {
            name,
            place,
            rule_type,
            from,
            to,
            source,
            destination,
            applications,
            service,
            action: self.action.unwrap_or(default_action),
            status: if self.disabled { Status::Disabled } else { Status::Enabled },
            narrowed_by,
            tags: tag_names(lists.members(&self.tags)),
            profiles: self.profiles.unwrap_or(Profiles::None),
            description: self.description,
            touched_by: self.touched_by,
            carried: self.carried,
        })
    }
}

impl<'a> Lists<'a> {
    /// Reads a column, the cursor standing in its element.
    fn column<N: Nodes<'a>>(&mut self, cursor: &mut Cursor<'a, N>) -> Result<Column, Malformed> {
        let first = self.members.len();
        cursor.members_into(&mut self.members)?;
        Ok(Some(first..self.members.len()))
    }

    /// The members of a column, none if the rule does not have it.
    fn members(&self, column: &Column) -> &[Cow<'a, str>] {
        column.as_ref().map(|range| &self.members[range.clone()]).unwrap_or_default()
    }

    /// The same, with what an absent or empty column means.
    fn members_or_any(&self, column: &Column) -> &[Cow<'a, str>] {
        match self.members(column) {
            [] => const { &[Cow::Borrowed("any")] },
            members => members,
        }
    }

    fn carry(&mut self, element: &Element<'a>) {
        let begin = self.carried.len();
        element.write_clean(&mut self.carried);
        self.pieces.push((element.tag.name, begin..self.carried.len()));
    }

    /// Ends a rule: all that it carries. Sorted, because the order of children says nothing: two configurations may
    /// have different ones.
    fn take_carried(&mut self) -> Carried {
        let whole = |piece: &(&'a str, Range<usize>)| (piece.0, &self.carried[piece.1.clone()]);
        self.pieces.sort_unstable_by(|a, b| whole(a).cmp(&whole(b)));
        let mut sorted = String::with_capacity(self.carried.len());
        sorted.extend(self.pieces.iter().map(|piece| whole(piece).1));
        self.pieces.clear();
        self.carried.clear();
        Carried(sorted)
    }
}

/// A default rule that nobody has touched.
pub(super) fn untouched(name: &'static str) -> Entry<'static> {
    Entry { name: Cow::Borrowed(name), ..Entry::default() }
}

pub(super) fn zones(element: &str, names: &[Cow<'_, str>], narrowed_by: &mut Vec<Narrowing>) -> Zones {
    if names.iter().any(|name| name == "any") {
        return Zones::Any;
    }
    let parsed: BTreeSet<ZoneName> = names_of(names);
    if !names.iter().all(|name| parsed.iter().any(|zone| zone.as_str() == name)) {
        narrowed_by.push(Narrowing::Element(element.to_owned()));
    }
    Zones::Named(parsed)
}

fn negation(text: &str) -> Negation {
    if text == "yes" { Negation::Negated } else { Negation::Plain }
}

fn action(text: &str) -> Action {
    if text == "allow" { Action::Allow } else { Action::Deny }
}

/// A group, or single ones; the cursor stands in the setting.
fn profiles<'a, N: Nodes<'a>>(cursor: &mut Cursor<'a, N>) -> Result<Profiles, Malformed> {
    let (mut group, mut single) = (None, false);
    cursor.children(|cursor, tag| match tag.name {
        "group" => {
            group = cursor.members()?.first().and_then(|name| name.parse().ok());
            Ok(())
        }
        "profiles" => cursor.children(|_, _| {
            single = true;
            Ok(())
        }),
        _ => Ok(()),
    })?;
    Ok(match group {
        Some(group) => Profiles::Group(group),
        None if single => Profiles::Single,
        None => Profiles::None,
    })
}

/// Whether an element that we do not know may decide: one that is empty or says `any` does not.
pub(super) fn decides(element: &Element<'_>) -> bool {
    let any = |child: &Element<'_>| child.tag.name == "member" && child.text == "any";
    !matches!(&*element.text, "" | "any") || !element.children.iter().all(any)
}
