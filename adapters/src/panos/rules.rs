//! Security rules as the configuration writes them, and what they mean.

use std::borrow::Cow;

use drawbridge_core::{
    firewall::{Action, Carried, Narrowing, Place, Profiles, RuleFacts, RuleType, Status, TouchedBy, Zones},
    id::{RuleName, ZoneName},
};

use super::{
    cursor::{Cursor, Element},
    read::{admins, tag_names},
    resolve::{Negation, Resolver},
    text::clean,
    xml::{Malformed, Nodes},
};

/// A member list; absent where the rule has none.
pub(super) type Column<'a> = Option<Vec<Cow<'a, str>>>;

/// A rule as it was read, names not yet resolved.
#[derive(Default)]
pub(super) struct Entry<'a> {
    name: Cow<'a, str>,
    from: Column<'a>,
    to: Column<'a>,
    source: Column<'a>,
    destination: Column<'a>,
    application: Column<'a>,
    service: Column<'a>,
    negate_source: Negation,
    negate_destination: Negation,
    action: Option<Action>,
    disabled: bool,
    rule_type: Option<RuleType>,
    profiles: Option<Profiles>,
    tags: Vec<Cow<'a, str>>,
    description: String,
    narrowed_by: Vec<Narrowing>,
    carried: Vec<(&'a str, String)>,
    touched_by: TouchedBy,
}

impl<'a> Entry<'a> {
    /// Reads a rule, the cursor standing in its entry. Children as in `PaloAltoNetworks/pan-os-codegen`,
    /// `specs/policies/security-policy-rule.yaml`.
    pub(super) fn read<N: Nodes<'a>>(name: &Cow<'a, str>, cursor: &mut Cursor<'a, N>) -> Result<Self, Malformed> {
        let mut entry = Self { name: name.clone(), ..Self::default() };
        cursor.children(|cursor, tag| {
            match tag.name {
                "from" => entry.from = Some(cursor.members()?),
                "to" => entry.to = Some(cursor.members()?),
                "source" => entry.source = Some(cursor.members()?),
                "destination" => entry.destination = Some(cursor.members()?),
                "application" => entry.application = Some(cursor.members()?),
                "service" => entry.service = Some(cursor.members()?),
                "negate-source" => entry.negate_source = negation(&cursor.text()?),
                "negate-destination" => entry.negate_destination = negation(&cursor.text()?),
                "action" => entry.action = Some(action(&cursor.text()?)),
                "disabled" => entry.disabled = cursor.text()? == "yes",
                "rule-type" => entry.read_rule_type(&cursor.text()?),
                "profile-setting" => entry.profiles = Some(profiles(&cursor.element(tag)?)),
                "tag" => entry.tags = cursor.members()?,
                "description" => entry.description = cursor.text()?.into_owned(),
                "source-user" => entry.narrow_unless_any(&cursor.members()?, Narrowing::User),
                "category" => entry.narrow_unless_any(&cursor.members()?, Narrowing::Category),
                "source-hip" | "destination-hip" | "hip-profiles" => {
                    entry.narrow_unless_any(&cursor.members()?, Narrowing::Hip);
                }
                "schedule" => {
                    let schedule = cursor.text()?;
                    entry.narrowed_by.extend((!schedule.is_empty()).then(|| Narrowing::Schedule(clean(&schedule))));
                }
                // Nothing here decides whether a packet is let through.
                "log-start" | "log-end" | "log-setting" | "option" | "qos" | "group-tag" | "icmp-unreachable"
                | "disable-inspect" | "target" => {
                    let name = tag.name;
                    let mut text = String::new();
                    cursor.element(tag)?.write_clean(&mut text);
                    entry.carried.push((name, text));
                }
                unknown => {
                    if decides(&cursor.element(tag)?) {
                        entry.narrowed_by.push(Narrowing::Element(unknown.to_owned()));
                    }
                }
            }
            Ok(())
        })?;
        // The order of children says nothing; two configurations may have different ones.
        entry.carried.sort_unstable();
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

    fn narrow_unless_any(&mut self, members: &[Cow<'a, str>], narrowing: Narrowing) {
        if !members.is_empty() && members.iter().all(|member| member != "any") {
            self.narrowed_by.push(narrowing);
        }
    }

    /// The rule's name as it was read.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What the rule means.
    pub(super) fn resolve(mut self, place: Place, resolver: &mut Resolver<'_, 'a>) -> Result<RuleFacts, Malformed> {
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
        let missing = required.into_iter().filter(|(_, column)| column.as_ref().is_none_or(Vec::is_empty));
        self.narrowed_by.extend(missing.map(|(name, _)| Narrowing::Element(name.to_owned())).collect::<Vec<_>>());
        self.into_facts(place, rule_type, Action::Deny, resolver)
    }

    /// What a default rule means: its columns are fixed, and administrators may override its action.
    pub(super) fn resolve_default(
        self,
        rule_type: RuleType,
        action: Action,
        resolver: &mut Resolver<'_, 'a>,
    ) -> Result<RuleFacts, Malformed> {
        self.into_facts(Place::Local, rule_type, action, resolver)
    }

    fn into_facts(
        mut self,
        place: Place,
        rule_type: RuleType,
        default_action: Action,
        resolver: &mut Resolver<'_, 'a>,
    ) -> Result<RuleFacts, Malformed> {
        let name: RuleName = self.name.parse().map_err(|error| Malformed::Content(clean(&format!("{error}"))))?;
        let mut narrowed_by = std::mem::take(&mut self.narrowed_by);
        let source = resolver.addresses(&or_any(self.source), self.negate_source, &mut narrowed_by);
        let destination = resolver.addresses(&or_any(self.destination), self.negate_destination, &mut narrowed_by);
        let applications = resolver.applications(&or_any(self.application), &mut narrowed_by);
        let service = resolver.services(&or_any(self.service), &mut narrowed_by);
        let (from, to) = (zones("from", self.from, &mut narrowed_by), zones("to", self.to, &mut narrowed_by));
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
            tags: tag_names(&self.tags),
            profiles: self.profiles.unwrap_or(Profiles::None),
            description: self.description,
            touched_by: self.touched_by,
            carried: Carried(self.carried.into_iter().map(|(_, text)| text).collect()),
        })
    }
}

/// A default rule that nobody has touched.
pub(super) fn untouched(name: &'static str) -> Entry<'static> {
    Entry { name: Cow::Borrowed(name), ..Entry::default() }
}

pub(super) fn or_any(column: Column<'_>) -> Vec<Cow<'_, str>> {
    column.filter(|members| !members.is_empty()).unwrap_or_else(|| vec![Cow::Borrowed("any")])
}

pub(super) fn zones(element: &str, column: Column<'_>, narrowed_by: &mut Vec<Narrowing>) -> Zones {
    let names = or_any(column);
    if names.iter().any(|name| name == "any") {
        return Zones::Any;
    }
    let parsed: Vec<Result<ZoneName, _>> = names.iter().map(|name| name.parse()).collect();
    if parsed.iter().any(Result::is_err) {
        narrowed_by.push(Narrowing::Element(element.to_owned()));
    }
    Zones::Named(parsed.into_iter().flatten().collect())
}

fn negation(text: &str) -> Negation {
    if text == "yes" { Negation::Negated } else { Negation::Plain }
}

fn action(text: &str) -> Action {
    if text == "allow" { Action::Allow } else { Action::Deny }
}

fn profiles(setting: &Element<'_>) -> Profiles {
    let group = setting.text_at(&["group", "member"]).and_then(|name| name.parse().ok());
    let single = setting.at(&["profiles"]).is_some_and(|profiles| !profiles.children.is_empty());
    match group {
        Some(group) => Profiles::Group(group),
        None if single => Profiles::Single,
        None => Profiles::None,
    }
}

/// Whether an element that we do not know may decide: one that is empty or says `any` does not.
pub(super) fn decides(element: &Element<'_>) -> bool {
    let any = |child: &Element<'_>| child.tag.name == "member" && child.text == "any";
    !matches!(&*element.text, "" | "any") || !element.children.iter().all(any)
}
