//! Plain XML trees: what a configuration is made of, and what answers are written from.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use quick_xml::{Reader, escape, events::BytesStart, events::Event};

/// An element: attributes in document order, and either text or child elements.
///
/// Mixed content does not occur in PAN-OS configurations or EC2 answers; text beside children is dropped when it is only
/// white space and kept in front of them otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// The tag.
    pub name: String,
    /// Attributes in document order.
    pub attributes: Vec<(String, String)>,
    /// Character data, unescaped.
    pub text: String,
    /// Child elements in document order.
    pub children: Children,
}

/// Child elements: a list that copies share until one of them is changed.
///
/// A firewall keeps a candidate, a running configuration and older ones that differ in a rule or two, and hands out parts of
/// them with every answer. Copies of whole trees were a third of what a simulated run took.
#[derive(Clone, Default)]
pub struct Children(Option<Arc<Vec<Element>>>);

impl Children {
    /// Whether both are one list still. Lists that were made apart may be equal all the same.
    pub fn is_shared_with(&self, other: &Self) -> bool {
        std::ptr::eq::<Vec<Element>>(&**self, &**other)
    }
}

impl Deref for Children {
    type Target = Vec<Element>;

    fn deref(&self) -> &Vec<Element> {
        static NONE: Vec<Element> = Vec::new();
        self.0.as_deref().unwrap_or(&NONE)
    }
}

/// To change the list makes it one's own.
impl DerefMut for Children {
    fn deref_mut(&mut self) -> &mut Vec<Element> {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl From<Vec<Element>> for Children {
    fn from(elements: Vec<Element>) -> Self {
        Self((!elements.is_empty()).then(|| Arc::new(elements)))
    }
}

impl From<Children> for Vec<Element> {
    fn from(children: Children) -> Self {
        children.0.map(Arc::unwrap_or_clone).unwrap_or_default()
    }
}

impl<'a> IntoIterator for &'a Children {
    type Item = &'a Element;
    type IntoIter = std::slice::Iter<'a, Element>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Children {
    type Item = &'a mut Element;
    type IntoIter = std::slice::IterMut<'a, Element>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

/// What is shared is equal without a look at it.
impl PartialEq for Children {
    fn eq(&self, other: &Self) -> bool {
        self.is_shared_with(other) || **self == **other
    }
}

impl Eq for Children {}

impl fmt::Debug for Children {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Why a text is not a list of XML elements.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not well-formed XML: {0}")]
pub struct Malformed(String);

/// How deep elements may be nested. PAN-OS configurations stay below 40.
const DEPTH_MAX: usize = 200;

impl Element {
    /// An empty element.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// An element that holds text.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), ..Self::default() }
    }

    /// `<entry name="…"/>`, the form of everything that has a name in PAN-OS.
    pub fn entry(name: impl Into<String>) -> Self {
        Self::new("entry").with_attribute("name", name)
    }

    /// This element with one more attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.push((name.into(), value.into()));
        self
    }

    /// This element with one more child.
    #[must_use]
    pub fn with(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// This element with more children.
    #[must_use]
    pub fn with_all(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Gives an attribute a value, adding it if need be.
    pub fn set_attribute(&mut self, name: &str, value: impl Into<String>) {
        match self.attributes.iter_mut().find(|(key, _)| key == name) {
            Some((_, present)) => *present = value.into(),
            None => self.attributes.push((name.to_owned(), value.into())),
        }
    }

    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first child of that name, to change.
    pub fn child_mut(&mut self, name: &str) -> Option<&mut Self> {
        self.children.iter_mut().find(|child| child.name == name)
    }

    /// The text of the first child of that name.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// The element at the end of a path of child names.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The `entry` child with that name.
    pub fn entry_named(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == "entry" && child.attribute("name") == Some(name))
    }

    /// The texts of the `member` children.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.children.iter().filter(|child| child.name == "member").map(|child| child.text.as_str())
    }

    /// Parses exactly one element. A leading XML declaration is allowed.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut elements = Self::parse_fragments(text)?;
        match (elements.pop(), elements.is_empty()) {
            (Some(element), true) => Ok(element),
            (Some(_), false) => Err(Malformed("more than one root element".into())),
            (None, _) => Err(Malformed("no element".into())),
        }
    }

    /// Parses a list of elements beside each other, as PAN-OS takes them in `element` parameters.
    pub fn parse_fragments(text: &str) -> Result<Vec<Self>, Malformed> {
        let malformed = |error: &dyn fmt::Display| Malformed(error.to_string());
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().map_err(|error| malformed(&error))? {
                Event::Start(start) => {
                    if open.len() > DEPTH_MAX {
                        return Err(Malformed(format!("nested deeper than {DEPTH_MAX} elements")));
                    }
                    open.push(Self::opened(&start).map_err(|error| malformed(&error))?);
                }
                Event::Empty(start) => {
                    let element = Self::opened(&start).map_err(|error| malformed(&error))?;
                    Self::innermost(&mut open).children.push(element);
                }
                Event::End(_) => {
                    let mut element = open.pop().unwrap_or_default();
                    if !element.children.is_empty() && element.text.trim().is_empty() {
                        element.text.clear();
                    }
                    Self::innermost(&mut open).children.push(element);
                }
                Event::Text(text) => {
                    Self::innermost(&mut open).text.push_str(&text);
                }
                Event::CData(data) => {
                    Self::innermost(&mut open).text.push_str(&data);
                }
                Event::GeneralRef(reference) => {
                    let text = escape::unescape(&format!("&{};", &*reference))
                        .map_err(|error| malformed(&error))?
                        .into_owned();
                    Self::innermost(&mut open).text.push_str(&text);
                }
                Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        match open.pop() {
            Some(root) if open.is_empty() && root.text.trim().is_empty() => Ok(root.children.into()),
            Some(root) if open.is_empty() => {
                Err(Malformed(format!("text outside of elements: {:?}", root.text.trim())))
            }
            Some(unclosed) => Err(Malformed(format!("`{}` is not closed", unclosed.name))),
            None => Err(Malformed("an element is closed that was not opened".into())),
        }
    }

    fn opened(start: &BytesStart<'_>) -> Result<Self, quick_xml::Error> {
        let mut element = Self::new(start.name().as_ref());
        for attribute in start.attributes() {
            let attribute = attribute?;
            let value = escape::unescape(&attribute.value)?.into_owned();
            element.attributes.push((attribute.key.as_ref().to_owned(), value));
        }
        Ok(element)
    }

    fn innermost(open: &mut [Self]) -> &mut Self {
        open.last_mut().expect("the list begins with the document itself, which no end tag closes")
    }
}

/// Writes the element without a declaration, on one line.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}", self.name)?;
        for (name, value) in &self.attributes {
            write!(f, " {name}=\"{}\"", escape::escape(value.as_str()))?;
        }
        if self.text.is_empty() && self.children.is_empty() {
            return f.write_str("/>");
        }
        write!(f, ">{}", escape::partial_escape(self.text.as_str()))?;
        for child in &self.children {
            write!(f, "{child}")?;
        }
        write!(f, "</{}>", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let text =
            r#"<entry name="a &quot;b&quot; &lt;c&gt;"><to><member>trust &amp; more</member></to><empty/></entry>"#;
        let element = Element::parse(text).unwrap();
        assert_eq!(element.attribute("name"), Some("a \"b\" <c>"));
        assert_eq!(element.child("to").unwrap().members().collect::<Vec<_>>(), ["trust & more"]);
        assert_eq!(Element::parse(&element.to_string()).unwrap(), element);
    }

    #[test]
    fn fragments_and_declarations_are_taken() {
        let fragments = Element::parse_fragments("<?xml version='1.0'?>\n<from/> <to>x</to>").unwrap();
        assert_eq!(fragments.len(), 2);
        assert_eq!(fragments[1].text, "x");
    }

    #[test]
    fn what_is_not_xml_is_refused() {
        for text in ["<a>", "<a></b>", "text", "</a>", "<a/><b/>", "<a b=c/>", "<a>&nope;</a>", ""] {
            assert!(Element::parse(text).is_err(), "{text}");
        }
        let deep = "<a>".repeat(DEPTH_MAX + 2) + &"</a>".repeat(DEPTH_MAX + 2);
        assert!(Element::parse(&deep).is_err());
    }
}
