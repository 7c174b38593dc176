//! The requests that change the candidate, parsed.

use super::{
    answer::Refusal,
    path::{Path, Step},
    xpath::{Unclear, XPath},
};
use crate::xml::Element;

/// One change of the candidate, as a single request or as an item of `multi-config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// Merge elements into a place, which is created if need be.
    Set { place: Path, content: Vec<Element> },
    /// Replace a place, which is created if need be.
    Edit { place: Path, content: Element },
    /// Remove whatever is selected.
    Delete { selection: XPath },
    /// Give an entry another name.
    Rename { place: Path, name: String },
    /// Copy an entry into a collection under a new name.
    Clone { collection: Path, from: Path, name: String },
    /// Put an entry elsewhere among its siblings.
    Move { place: Path, to: Destination },
}

/// Where a moved entry goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    Top,
    Bottom,
    Before(String),
    After(String),
}

impl Write {
    /// Parses a change of the tree `root` from the action's name, its other parameters and its content.
    pub(super) fn parse<'a>(
        root: &Element,
        action: &str,
        parameter: impl Fn(&str) -> Option<&'a str>,
        content: impl FnOnce() -> Result<Vec<Element>, Refusal>,
    ) -> Result<Self, Refusal> {
        let required = |name| parameter(name).ok_or_else(|| Refusal::missing_parameter(name));
        let place = || place(required("xpath")?, root);
        Ok(match action {
            "set" => Self::Set { place: place()?, content: cleaned(content()?) },
            "override" => Self::Set { place: overridden(place()?)?, content: cleaned(content()?) },
            "edit" => Self::edit(place()?, cleaned(content()?))?,
            "delete" => Self::Delete { selection: parse(required("xpath")?)? },
            "rename" => Self::Rename { place: place()?, name: required("newname")?.to_owned() },
            "clone" => Self::Clone {
                collection: place()?,
                from: self::place(required("from")?, root)?,
                name: required("newname")?.to_owned(),
            },
            "move" => {
                Self::Move { place: place()?, to: Destination::parse(required("where")?, parameter("dst"), root)? }
            }
            unknown => return Err(Refusal::illegal_parameter("action", unknown)),
        })
    }

    fn edit(place: Path, content: Vec<Element>) -> Result<Self, Refusal> {
        match <[Element; 1]>::try_from(content) {
            Ok([content]) if place.last().is_some_and(|step| step.leads_to(&content)) => {
                Ok(Self::Edit { place, content })
            }
            _ => Err(Refusal::new(12, "Edit breaks config validity")),
        }
    }

    /// The virtual system whose configuration changes, for locks; `None` is the shared one.
    pub(super) fn vsys(&self, root: &Element) -> Option<String> {
        let place = match self {
            Self::Set { place, .. } | Self::Edit { place, .. } => place.clone(),
            Self::Rename { place, .. } | Self::Move { place, .. } => place.clone(),
            Self::Clone { collection, .. } => collection.clone(),
            Self::Delete { selection } => selection.places(root).into_iter().next()?,
        };
        place.vsys().map(str::to_owned)
    }
}

impl Destination {
    /// `dst` is the bare name of a sibling, as all clients send it, or its XPath, as the documentation has it.
    fn parse(word: &str, dst: Option<&str>, root: &Element) -> Result<Self, Refusal> {
        let sibling = || match dst {
            None | Some("") => Err(Refusal::new(7, "no target specified in move")),
            Some(xpath) if xpath.starts_with('/') => match place(xpath, root)?.last() {
                Some(Step::Entry(name)) => Ok(name.clone()),
                _ => Err(bad_xpath()),
            },
            Some(name) => Ok(name.to_owned()),
        };
        match word {
            "top" => Ok(Self::Top),
            "bottom" => Ok(Self::Bottom),
            "before" => sibling().map(Self::Before),
            "after" => sibling().map(Self::After),
            unknown => Err(Refusal::illegal_parameter("where", unknown)),
        }
    }
}

/// What can be overridden is what somebody else has set: here the default rules. Nothing comes from a template.
fn overridden(place: Path) -> Result<Path, Refusal> {
    match place.steps().get(6) {
        Some(Step::Child(tag)) if place.vsys().is_some() && tag == "default-security-rules" => Ok(place),
        Some(_) | None => Err(Refusal::new(14, "Operation not possible")),
    }
}

/// Parses an XPath of a request.
pub(super) fn parse(xpath: &str) -> Result<XPath, Refusal> {
    XPath::parse(xpath).map_err(|_| bad_xpath())
}

/// The one place that is meant; an `entry` without a name is the only one of its collection, as the documentation writes it.
fn place(xpath: &str, root: &Element) -> Result<Path, Refusal> {
    parse(xpath)?.place_in(root).map_err(|unclear| match unclear {
        Unclear::Several => Refusal::new(8, "Object not unique"),
        Unclear::NoPlace => bad_xpath(),
    })
}

fn bad_xpath() -> Refusal {
    Refusal::new(6, "Bad XPath")
}

/// What clients send back of an earlier answer, the device's own attributes, is not theirs to set.
fn cleaned(mut content: Vec<Element>) -> Vec<Element> {
    for element in &mut content {
        element.attributes.retain(|(name, _)| !["uuid", "admin", "dirtyId", "time", "loc"].contains(&name.as_str()));
        element.children = cleaned(std::mem::take(&mut element.children).into()).into();
    }
    content
}
