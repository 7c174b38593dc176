//! XML as a stream of nodes. Readers walk it with a [`Cursor`](super::cursor::Cursor) and never see where it came from:
//! bytes of an answer, or somebody's tree in memory.

use std::{borrow::Cow, fmt};

use quick_xml::{
    Reader,
    errors::{Error, IllFormedError, SyntaxError},
    escape,
    events::{
        BytesStart, Event,
        attributes::{self, AttrError, Attributes},
    },
};

use super::text::clean;

/// A step through a document, in document order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node<'a> {
    /// An element begins.
    Open(Tag<'a>),
    /// Character data, unescaped; long texts may come in pieces.
    Text(Cow<'a, str>),
    /// The innermost element ends.
    Close,
}

/// The beginning of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Its name.
    pub name: &'a str,
    /// Names and unescaped values.
    pub attributes: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Tag<'a> {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&Cow<'a, str>> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// Why a text is not the document it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It ends too early.
    #[error("the XML document ends early")]
    Cut,
    /// It is no XML.
    #[error("not well-formed XML ({0})")]
    Syntax(String),
    /// Elements are nested too deeply.
    #[error("XML nested deeper than {DEPTH_MAX} elements")]
    TooDeep,
    /// It is XML, and does not say what it should.
    #[error("{0}")]
    Content(String),
}

/// How deep elements may be nested. Configurations stay below 40.
pub(super) const DEPTH_MAX: usize = 200;

/// A document, step by step. Whatever yields it may stop after the first error.
pub trait Nodes<'a>: Iterator<Item = Result<Node<'a>, Malformed>> {}

impl<'a, T: Iterator<Item = Result<Node<'a>, Malformed>>> Nodes<'a> for T {}

/// The nodes of a text.
pub fn parse(text: &str) -> impl Nodes<'_> {
    let text = text.trim_start_matches('\u{feff}');
    TextNodes { text, reader: Reader::from_str(text), close: Pending::None, depth: 0 }
}

struct TextNodes<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    close: Pending,
    depth: usize,
}

/// Whether an empty element (`<a/>`) has still to be closed.
#[derive(PartialEq, Eq)]
enum Pending {
    None,
    Close,
}

impl<'a> Iterator for TextNodes<'a> {
    type Item = Result<Node<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.close == Pending::Close {
            self.close = Pending::None;
            return Some(Ok(Node::Close));
        }
        self.step()
    }
}

impl<'a> TextNodes<'a> {
    /// Millions of these make a large configuration: each is made where it is returned, and not moved from wrapping to wrapping.
    #[inline]
    fn step(&mut self) -> Option<Result<Node<'a>, Malformed>> {
        loop {
            let position = self.reader.buffer_position();
            return Some(match self.reader.read_event() {
                Ok(Event::Start(start)) => {
                    self.depth += 1;
                    self.tag(position, &start).map(Node::Open)
                }
                Ok(Event::Empty(start)) => {
                    self.close = Pending::Close;
                    self.tag(position, &start).map(Node::Open)
                }
                Ok(Event::End(_)) => {
                    self.depth = self.depth.saturating_sub(1);
                    Ok(Node::Close)
                }
                Ok(Event::Text(text)) => Ok(Node::Text(text.into_inner())),
                Ok(Event::CData(data)) => Ok(Node::Text(data.into_inner())),
                Ok(Event::GeneralRef(reference)) => referred(&reference),
                Ok(Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_)) => continue,
                Ok(Event::Eof) if self.depth > 0 => Err(Malformed::Cut),
                Ok(Event::Eof) => return None,
                // A reference without an end is no XML, unless nothing more has come.
                Err(Error::IllFormed(IllFormedError::UnclosedReference)) if self.is_at_the_end() => Err(Malformed::Cut),
                // Nor is a `<!` alone.
                Err(Error::Syntax(SyntaxError::InvalidBangMarkup)) if self.text.ends_with("<!") => Err(Malformed::Cut),
                Err(error) => Err(error.into()),
            });
        }
    }

    fn is_at_the_end(&self) -> bool {
        usize::try_from(self.reader.buffer_position()).is_ok_and(|position| position >= self.text.len())
    }

    /// The tag that begins at `position`. It borrows from the text itself, because what the event lends does not outlive it.
    #[inline]
    fn tag(&self, position: u64, start: &BytesStart<'_>) -> Result<Tag<'a>, Malformed> {
        let begin = usize::try_from(position).ok().and_then(|position| position.checked_add(1));
        let content = begin
            .and_then(|begin| self.text.get(begin..)?.get(..start.len()))
            .ok_or_else(|| syntax("a tag without a name"))?;
        let name = &content[..start.name().as_ref().len()];
        debug_assert_eq!(content, &**start, "a tag stands where its event began");
        // Most elements have none.
        let attributes = match name.len() == content.len() {
            true => Vec::new(),
            false => Attributes::new(content, name.len()).map(attribute).collect::<Result<_, _>>()?,
        };
        Ok(Tag { name, attributes })
    }
}

/// The character that a reference stands for.
fn referred<'a>(reference: &str) -> Result<Node<'a>, Malformed> {
    let text = escape::unescape(&format!("&{reference};")).map_err(syntax)?.into_owned();
    Ok(Node::Text(text.into()))
}

/// A name and a value, unescaped.
type Attribute<'a> = (Cow<'a, str>, Cow<'a, str>);

fn attribute<'a>(attribute: Result<attributes::Attribute<'a>, AttrError>) -> Result<Attribute<'a>, Malformed> {
    let attribute = attribute.map_err(syntax)?;
    let value = match attribute.value {
        Cow::Borrowed(raw) => escape::unescape(raw).map_err(syntax)?,
        Cow::Owned(raw) => escape::unescape(&raw).map_err(syntax)?.into_owned().into(),
    };
    Ok((attribute.key.into_inner().into(), value))
}

pub(super) fn syntax(error: impl fmt::Display) -> Malformed {
    Malformed::Syntax(clean(&error.to_string()))
}

impl From<Error> for Malformed {
    fn from(error: Error) -> Self {
        match error {
            Error::Syntax(SyntaxError::InvalidBangMarkup) => syntax(error),
            Error::Syntax(_) | Error::IllFormed(IllFormedError::MissingEndTag(_)) => Self::Cut,
            Error::IllFormed(_)
            | Error::InvalidAttr(_)
            | Error::Escape(_)
            | Error::Encoding(_)
            | Error::Namespace(_)
            | Error::Io(_) => syntax(error),
        }
    }
}
