//! Where something stands in a configuration: a path of which every step names exactly one element.

use std::fmt;

use crate::xml::Element;

/// One step down: which child of an element is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// The child of that tag.
    Child(String),
    /// `entry[@name='…']`
    Entry(String),
    /// `member[text()='…']`
    Member(String),
}

impl Step {
    /// The step that leads to this element from its parent.
    pub(super) fn to(element: &Element) -> Self {
        match (element.name.as_str(), element.attribute("name")) {
            ("entry", Some(name)) => Self::Entry(name.to_owned()),
            ("member", _) => Self::Member(element.text.clone()),
            _ => Self::Child(element.name.clone()),
        }
    }

    /// What tells an element from its neighbours: the same for two of them if one step leads to both.
    pub(super) fn key(element: &Element) -> (&str, Option<&str>) {
        match (element.name.as_str(), element.attribute("name")) {
            ("entry", name @ Some(_)) => ("entry", name),
            ("member", _) => ("member", Some(&element.text)),
            (tag, _) => (tag, None),
        }
    }

    /// Whether this step leads to that element.
    pub(super) fn leads_to(&self, element: &Element) -> bool {
        match self {
            Self::Child(tag) => element.name == *tag,
            Self::Entry(name) => element.name == "entry" && element.attribute("name") == Some(name),
            Self::Member(text) => element.name == "member" && element.text == *text,
        }
    }

    /// The empty element that this step would lead to.
    fn shell(&self) -> Element {
        match self {
            Self::Child(tag) => Element::new(tag),
            Self::Entry(name) => Element::entry(name),
            Self::Member(text) => Element::text("member", text),
        }
    }

    /// What PAN-OS calls this step in its messages.
    pub(super) fn label(&self) -> &str {
        match self {
            Self::Child(label) | Self::Entry(label) | Self::Member(label) => label,
        }
    }
}

/// A path from the root, whose first step is the root element itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path(Vec<Step>);

impl Path {
    /// The path that consists of these steps.
    pub(super) fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        Self(steps.into_iter().collect())
    }

    /// Its steps, the root first.
    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The path one step further down.
    pub(super) fn then(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// Goes one step further down.
    pub(super) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    /// Goes one step back up.
    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    /// The path to the parent, unless this is the root.
    pub(super) fn parent(&self) -> Option<Self> {
        match self.0.split_last()? {
            (_, []) => None,
            (_, parents) => Some(Self(parents.to_vec())),
        }
    }

    /// The last step.
    pub(super) fn last(&self) -> Option<&Step> {
        self.0.last()
    }

    /// Whether this is `other` or stands below it.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The virtual system that this path leads into.
    pub(super) fn vsys(&self) -> Option<&str> {
        match self.0.as_slice() {
            [_, Step::Child(devices), _, Step::Child(vsys), Step::Entry(name), ..]
                if devices == "devices" && vsys == "vsys" =>
            {
                Some(name)
            }
            _ => None,
        }
    }

    /// The element at this path.
    pub(super) fn find<'a>(&self, root: &'a Element) -> Option<&'a Element> {
        let (first, rest) = self.0.split_first()?;
        let root = first.leads_to(root).then_some(root)?;
        rest.iter().try_fold(root, |element, step| element.children.iter().find(|child| step.leads_to(child)))
    }

    /// The element at this path, to change.
    pub(super) fn find_mut<'a>(&self, root: &'a mut Element) -> Option<&'a mut Element> {
        let (first, rest) = self.0.split_first()?;
        let root = first.leads_to(root).then_some(root)?;
        rest.iter().try_fold(root, |element, step| element.children.iter_mut().find(|child| step.leads_to(child)))
    }

    /// The element at this path, created with all its missing parents if need be. `None` when the root is another.
    pub(super) fn find_or_create<'a>(&self, root: &'a mut Element) -> Option<&'a mut Element> {
        let (first, rest) = self.0.split_first()?;
        let root = first.leads_to(root).then_some(root)?;
        Some(rest.iter().fold(root, |element, step| {
            let index = element.children.iter().position(|child| step.leads_to(child)).unwrap_or_else(|| {
                element.children.push(step.shell());
                element.children.len() - 1
            });
            &mut element.children[index]
        }))
    }

    /// Takes the element at this path out of the tree.
    pub(super) fn remove(&self, root: &mut Element) -> Option<Element> {
        let siblings = &mut self.parent()?.find_mut(root)?.children;
        let index = siblings.iter().position(|child| self.0.last().is_some_and(|last| last.leads_to(child)))?;
        Some(siblings.remove(index))
    }
}

/// Writes the path as the XPath that PAN-OS would show.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| match step {
            Step::Child(tag) => write!(f, "/{tag}"),
            Step::Entry(name) => write!(f, "/entry[@name={}]", quoted(name)),
            Step::Member(text) => write!(f, "/member[text()={}]", quoted(text)),
        })
    }
}

/// XPath 1.0 has no escapes inside a literal, only two kinds of quotes and `concat`.
fn quoted(text: &str) -> String {
    match (text.contains('\''), text.contains('"')) {
        (false, _) => format!("'{text}'"),
        (true, false) => format!("\"{text}\""),
        (true, true) => format!("concat('{}')", text.replace('\'', "',\"'\",'")),
    }
}
