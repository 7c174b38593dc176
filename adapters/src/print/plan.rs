//! A plan, as a table that people can read.

use std::fmt::{self, Write as _};

use anstyle::Style;
use drawbridge_core::{
    change::{Change, OwnObject, OwnedRule, Position},
    firewall::{Addresses, Applications, RuleFacts, Services, Zones},
    id::OwnedName,
    limits::Hindrance,
    plan::Plan,
    rulebase::Rulebase,
    service::Apps,
};

use super::{
    Detail,
    columns::{COLUMNS, Mark, Row, columns},
    counted,
    left_out::{is_cut, left_out},
    wrapped,
};

/// How many rules that limits hold back are shown in brief.
const WITHHELD: usize = 20;

/// What would change and why, what is held back, and what leads to no rule.
pub fn plan(plan: &Plan, rulebase: &Rulebase<'_>, detail: Detail) -> String {
    let wanted = counted(plan.wanted.atoms.len(), "atom");
    let exposed = counted(plan.wanted.exposed, "interface");
    let counts = format!("{wanted} wanted, {exposed} exposed, {}", ours(plan));
    told(&counts, plan, rulebase, detail)
}

/// The same of a plan for which AWS was not asked, and which says nothing about it: to leave, or to adopt rules.
pub fn plan_without_aws(plan: &Plan, rulebase: &Rulebase<'_>) -> String {
    told(&ours(plan), plan, rulebase, Detail::Whole)
}

fn told(counts: &str, plan: &Plan, rulebase: &Rulebase<'_>, detail: Detail) -> String {
    let mut text = String::new();
    headline(&mut text, plan, counts);
    let changes: Vec<_> = plan.changes.iter().collect();
    let sheet = Sheet { plan, rulebase, detail };
    sheet.objects(&mut text, &changes);
    Sheet::adopted(&mut text, &changes);
    if let Some(rules) = sheet.rules(&changes) {
        title(&mut text, &heading(&changes));
        text.push_str(&rules);
    }
    let mut is_whole = true;
    for (why, changes) in by_hindrance(plan) {
        let shown = match (why, detail) {
            (Hindrance::Mode(_), _) | (_, Detail::Whole) => changes.len(),
            (_, Detail::Brief) => changes.len().min(WITHHELD),
        };
        title(&mut text, &format!("withheld, {}: {why}", counted(changes.len(), "change")));
        text.extend(sheet.rules(&changes[..shown]));
        if shown < changes.len() {
            let _ = writeln!(text, "  and {} more", changes.len() - shown);
            is_whole = false;
        }
    }
    if !plan.notes.is_empty() {
        title(&mut text, "notes");
        for note in &plan.notes {
            let _ = writeln!(text, "{}", wrapped(&note.to_string(), 2, 6));
        }
    }
    if !plan.wanted.left_out.is_empty() {
        title(&mut text, "left out");
        let dim = Style::new().dimmed();
        for paragraph in left_out(&plan.wanted.left_out, detail) {
            let _ = writeln!(text, "{dim}{paragraph}{dim:#}");
        }
        is_whole &= detail == Detail::Whole || !is_cut(&plan.wanted.left_out);
    }
    if !is_whole {
        text.push_str("\n`--all` prints what is cut short here\n");
    }
    text
}

fn title(text: &mut String, title: &str) {
    let bold = Style::new().bold();
    let _ = writeln!(text, "\n{bold}{}{bold:#}", wrapped(title, 0, 4));
}

/// What all of it comes to.
fn headline(text: &mut String, plan: &Plan, counts: &str) {
    let bold = Style::new().bold();
    let _ = writeln!(text, "{bold}{}{bold:#}\n{counts}", wrapped(&summary(plan), 0, 4));
}

fn ours(plan: &Plan) -> String {
    let rules = if plan.rules == 1 { "1 rule is".to_owned() } else { format!("{} rules are", plan.rules) };
    format!("{} of {rules} ours", plan.owned)
}

fn summary(plan: &Plan) -> String {
    let made = if plan.changes.is_empty() {
        None
    } else {
        Some(format!("{}: {}", counted(plan.changes.len(), "change"), kinds(plan.changes.iter())))
    };
    let withheld = || kinds(plan.withheld.iter().map(|withheld| &withheld.change));
    match (made, plan.withheld.is_empty(), plan.commit) {
        (Some(made), true, _) => made,
        (Some(made), false, _) => format!("{made}; withheld: {}", withheld()),
        (None, false, true) => format!("nothing to change but to commit; withheld: {}", withheld()),
        (None, false, false) => format!("nothing is changed; withheld: {}", withheld()),
        (None, true, true) => {
            "the candidate is as wanted; the running configuration is not: `drawbridge apply` commits".to_owned()
        }
        (None, true, false) => "nothing to change".to_owned(),
    }
}

/// `1 tag to create, 2 rules to add`.
fn kinds<'c>(changes: impl Iterator<Item = &'c Change>) -> String {
    let mut counts = [0; 9];
    for change in changes {
        counts[match change {
            Change::Tag(_) => 0,
            Change::Service(_) => 1,
            Change::Put(_, Position::Above(_)) => 2,
            Change::Put(_, Position::InPlace) => 3,
            Change::Lift(..) => 4,
            Change::Delete(_) => 5,
            Change::Drop(OwnObject::Service(_)) => 6,
            Change::Drop(OwnObject::Tag(_)) => 7,
            Change::Adopt(_) => 8,
        }] += 1;
    }
    let words = [
        ("tag", "create"),
        ("service", "create"),
        ("rule", "add"),
        ("rule", "rewrite"),
        ("rule", "move"),
        ("rule", "delete"),
        ("service", "delete"),
        ("tag", "delete"),
        ("rule", "adopt"),
    ];
    let said = counts.into_iter().zip(words).filter(|(count, _)| *count > 0);
    said.map(|(count, (thing, deed))| format!("{} to {deed}", counted(count, thing))).collect::<Vec<_>>().join(", ")
}

/// Withheld changes by what is in their way.
fn by_hindrance(plan: &Plan) -> Vec<(&Hindrance, Vec<&Change>)> {
    let mut groups: Vec<(&Hindrance, Vec<&Change>)> = Vec::new();
    for withheld in &plan.withheld {
        match groups.iter_mut().find(|(why, _)| **why == withheld.why) {
            Some((_, changes)) => changes.push(&withheld.change),
            None => groups.push((&withheld.why, vec![&withheld.change])),
        }
    }
    groups
}

/// What stands above the rules to change, and where those stand that are put somewhere.
fn heading(changes: &[&Change]) -> String {
    let bottom = changes.iter().find_map(|change| match change {
        Change::Put(_, Position::Above(bottom)) | Change::Lift(_, bottom) => Some(bottom),
        Change::Put(_, Position::InPlace)
        | Change::Tag(_)
        | Change::Service(_)
        | Change::Delete(_)
        | Change::Drop(_)
        | Change::Adopt(_) => None,
    });
    bottom.map_or_else(|| "rules".to_owned(), |bottom| format!("rules, new and moved ones directly above `{bottom}`"))
}

struct Sheet<'p> {
    plan: &'p Plan,
    rulebase: &'p Rulebase<'p>,
    detail: Detail,
}

impl Sheet<'_> {
    fn objects(&self, text: &mut String, changes: &[&Change]) {
        let objects =
            changes.iter().filter(|change| matches!(change, Change::Tag(_) | Change::Service(_) | Change::Drop(_)));
        for (index, object) in objects.enumerate() {
            if index == 0 {
                title(text, "objects");
            }
            let mark = if let Change::Drop(_) = object { Mark::Deleted } else { Mark::Added };
            let (_, colour) = mark.sign();
            let _ = writeln!(text, "  {colour}{object}{colour:#}");
        }
    }

    /// Rules that are adopted: nothing about them changes but the tag, and perhaps the name.
    fn adopted(text: &mut String, changes: &[&Change]) {
        let adopted = changes.iter().filter(|change| matches!(change, Change::Adopt(_)));
        let (_, colour) = Mark::Rewritten.sign();
        for (index, change) in adopted.enumerate() {
            if index == 0 {
                title(text, "rules to adopt");
            }
            let _ = writeln!(text, "  {colour}{change}{colour:#}");
        }
    }

    fn rules(&self, changes: &[&Change]) -> Option<String> {
        let rows: Vec<_> = changes.iter().filter_map(|change| self.row(change)).collect();
        (!rows.is_empty()).then(|| columns(&rows, self.detail))
    }

    fn row(&self, change: &Change) -> Option<Row> {
        let row = |mark, cells| {
            let reason = change.rule().and_then(|name| self.plan.reasons.get(name));
            Some(Row { mark, cells, reason: reason.map(ToString::to_string) })
        };
        match change {
            Change::Put(rule, Position::Above(_)) => row(Mark::Added, written(rule)),
            Change::Put(rule, Position::InPlace) => row(Mark::Rewritten, written(rule)),
            Change::Lift(name, _) => row(Mark::Moved, self.held(name)),
            Change::Delete(name) => row(Mark::Deleted, self.held(name)),
            Change::Tag(_) | Change::Service(_) | Change::Drop(_) | Change::Adopt(_) => None,
        }
    }

    /// The columns of a rule as it stands.
    fn held(&self, name: &OwnedName) -> [Vec<String>; COLUMNS] {
        let facts = self.rulebase.candidate.owned().find(|rule| rule.name == *name).map(|rule| rule.facts);
        let blank = || [vec![name.to_string()], vec![], vec![], vec![], vec![], vec![], vec![]];
        facts.map_or_else(blank, standing)
    }
}

fn written(rule: &OwnedRule) -> [Vec<String>; COLUMNS] {
    let (source, destination) = rule.spelling.columns();
    let applications = match &rule.spelling.service.apps {
        Apps::Any => any(),
        Apps::Named(names) => texts(names),
    };
    [
        vec![rule.name.to_string()],
        vec![rule.from.to_string()],
        vec![rule.to.to_string()],
        texts(source),
        texts(destination),
        applications,
        vec![rule.service.to_string()],
    ]
}

fn standing(rule: &RuleFacts) -> [Vec<String>; COLUMNS] {
    let zones = |zones: &Zones| match zones {
        Zones::Any => any(),
        Zones::Named(names) => texts(names),
    };
    let addresses = |addresses: &Addresses| match addresses {
        everything if everything.is_any() => any(),
        Addresses::Known { listed, .. } => texts(listed),
        Addresses::Unknown => unresolved(),
    };
    let applications = match &rule.applications {
        Applications::Any => any(),
        Applications::Named(names) => texts(names),
        Applications::Unknown => unresolved(),
    };
    let service = match &rule.service {
        Services::Any => any(),
        Services::ApplicationDefault => vec!["application-default".to_owned()],
        Services::Ports { objects, .. } => texts(objects),
        Services::Unknown => unresolved(),
    };
    let (from, to) = (zones(&rule.from), zones(&rule.to));
    [
        vec![rule.name.to_string()],
        from,
        to,
        addresses(&rule.source),
        addresses(&rule.destination),
        applications,
        service,
    ]
}

fn any() -> Vec<String> {
    vec!["any".to_owned()]
}

/// What configuration alone cannot tell.
fn unresolved() -> Vec<String> {
    vec!["(unresolved)".to_owned()]
}

fn texts<T: fmt::Display>(things: impl IntoIterator<Item = T>) -> Vec<String> {
    things.into_iter().map(|thing| thing.to_string()).collect()
}
