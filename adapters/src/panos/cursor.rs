//! A walk through a document, and small elements taken out of it whole.

use std::borrow::Cow;

use quick_xml::escape;

use super::xml::{DEPTH_MAX, Malformed, Node, Nodes, Tag, syntax};

/// A walk through a document: into elements and out of them again. What a visitor leaves unread is skipped.
pub struct Cursor<'a, N> {
    nodes: N,
    depth: usize,
    marks: Vec<Cow<'a, str>>,
    marked: bool,
}

impl<'a, N: Nodes<'a>> Cursor<'a, N> {
    /// At the beginning of a document, or of the nodes below some element.
    pub fn new(nodes: N) -> Self {
        Self { nodes, depth: 0, marks: Vec::new(), marked: false }
    }

    /// The next node, as it comes: taking it out of its wrappings and putting it in others would be half of the work.
    #[inline]
    fn next(&mut self) -> Option<Result<Node<'a>, Malformed>> {
        let node = self.nodes.next();
        let followed = match &node {
            Some(Ok(Node::Open(tag))) => self.enter(tag),
            Some(Ok(Node::Close)) => self.leave(),
            Some(Ok(Node::Text(_)) | Err(_)) | None => Ok(()),
        };
        match followed {
            Ok(()) => node,
            Err(malformed) => Some(Err(malformed)),
        }
    }

    fn enter(&mut self, tag: &Tag<'a>) -> Result<(), Malformed> {
        if self.depth >= DEPTH_MAX {
            return Err(Malformed::TooDeep);
        }
        self.depth += 1;
        if let Some(admin) = tag.attribute("admin") {
            self.marked = true;
            if self.marks.last() != Some(admin) {
                self.marks.push(admin.clone());
            }
        }
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Malformed> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| syntax("an element is closed twice"))?;
        Ok(())
    }

    /// Enters the document's root element.
    pub fn root(&mut self) -> Result<Tag<'a>, Malformed> {
        loop {
            match self.next() {
                Some(Ok(Node::Open(tag))) => return Ok(tag),
                Some(Ok(Node::Text(text))) if text.trim().is_empty() => {}
                Some(Ok(Node::Text(_) | Node::Close)) => return Err(syntax("text instead of an element")),
                Some(Err(malformed)) => return Err(malformed),
                None => return Err(Malformed::Cut),
            }
        }
    }

    /// Visits every child of the element that was entered last, and leaves it.
    pub fn children(
        &mut self,
        mut visit: impl FnMut(&mut Self, Tag<'a>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let level = self.depth;
        loop {
            match self.next() {
                Some(Ok(Node::Open(tag))) => {
                    visit(self, tag)?;
                    while self.depth > level {
                        self.next().ok_or(Malformed::Cut)??;
                    }
                }
                Some(Ok(Node::Text(_))) => {}
                Some(Ok(Node::Close)) => return Ok(()),
                Some(Err(malformed)) => return Err(malformed),
                None => return Err(Malformed::Cut),
            }
        }
    }

    /// Visits the `entry` children with their names.
    pub fn entries(
        &mut self,
        mut visit: impl FnMut(&mut Self, &Cow<'a, str>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.children(|cursor, tag| match tag.attribute("name") {
            Some(name) if tag.name == "entry" => {
                cursor.marks.clear();
                cursor.marks.extend(tag.attribute("admin").cloned());
                visit(cursor, name)
            }
            Some(_) | None => Ok(()),
        })
    }

    /// The `admin` attributes met since the last entry began, that one's own included: PAN-OS marks every node that has
    /// uncommitted work on it.
    pub fn marks(&self) -> &[Cow<'a, str>] {
        &self.marks
    }

    /// Whether any node so far bore such a mark.
    pub fn marked(&self) -> bool {
        self.marked
    }

    /// The text of the element that was entered last, trimmed; child elements are skipped.
    pub fn text(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let level = self.depth;
        let mut text = Cow::Borrowed("");
        loop {
            match self.next() {
                Some(Ok(Node::Text(piece))) if self.depth == level && text.is_empty() => text = piece,
                Some(Ok(Node::Text(piece))) if self.depth == level => text.to_mut().push_str(&piece),
                Some(Ok(Node::Close)) if self.depth < level => return Ok(trimmed(text)),
                Some(Ok(Node::Open(_) | Node::Text(_) | Node::Close)) => {}
                Some(Err(malformed)) => return Err(malformed),
                None => return Err(Malformed::Cut),
            }
        }
    }

    /// The texts of the `member` children.
    pub fn members(&mut self) -> Result<Vec<Cow<'a, str>>, Malformed> {
        let mut members = Vec::new();
        self.members_into(&mut members)?;
        Ok(members)
    }

    /// The same, put at the end of a list that holds more than one element's.
    pub(super) fn members_into(&mut self, members: &mut Vec<Cow<'a, str>>) -> Result<(), Malformed> {
        self.children(|cursor, tag| {
            if tag.name == "member" {
                members.push(cursor.text()?);
            }
            Ok(())
        })
    }

    /// The element that was entered last, whole.
    pub fn element(&mut self, tag: Tag<'a>) -> Result<Element<'a>, Malformed> {
        let mut element = Element { tag, text: Cow::Borrowed(""), children: Vec::new() };
        loop {
            match self.next() {
                Some(Ok(Node::Open(tag))) => element.children.push(self.element(tag)?),
                Some(Ok(Node::Text(piece))) if element.text.is_empty() => element.text = piece,
                Some(Ok(Node::Text(piece))) => element.text.to_mut().push_str(&piece),
                Some(Ok(Node::Close)) => {
                    element.text = trimmed(element.text);
                    return Ok(element);
                }
                Some(Err(malformed)) => return Err(malformed),
                None => return Err(Malformed::Cut),
            }
        }
    }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// A small element with everything below it: for answers, which are looked up rather than read through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its name and attributes.
    pub tag: Tag<'a>,
    /// Its own text, trimmed.
    pub text: Cow<'a, str>,
    /// Child elements in document order.
    pub children: Vec<Self>,
}

impl<'a> Element<'a> {
    /// The children of that name.
    pub fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.tag.name == name)
    }

    /// The element at the end of a path of child names.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.children.iter().find(|child| child.tag.name == *name))
    }

    /// The text at the end of a path of child names, unless there is none.
    pub fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path).map(|element| &*element.text).filter(|text| !text.is_empty())
    }

    /// The element as XML in one canonical form: without the marks of uncommitted work and of where a value was pushed from,
    /// which say nothing of its content and are not there in every answer.
    pub fn write_clean(&self, out: &mut String) {
        out.extend(["<", self.tag.name]);
        for (name, value) in &self.tag.attributes {
            if !matches!(&**name, "admin" | "dirtyId" | "time" | "src" | "ptemplate" | "loc") {
                out.extend([" ", &**name, "=\"", &*escape::escape(&**value), "\""]);
            }
        }
        if self.text.is_empty() && self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        out.extend([">", &*escape::partial_escape(&*self.text)]);
        for child in &self.children {
            child.write_clean(out);
        }
        out.extend(["</", self.tag.name, ">"]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::panos::xml::parse;

    fn element(text: &str) -> Result<Element<'_>, Malformed> {
        let mut cursor = Cursor::new(parse(text));
        let tag = cursor.root()?;
        cursor.element(tag)
    }

    #[test]
    fn a_document_is_read_with_entities_data_sections_and_either_quotes() {
        let text = "\u{feff}<?xml version='1.0'?><!-- c -->\n<response status = 'ok' n=\"a &quot;b&quot;\">\n <a/>\
                    <b>x &amp; y<![CDATA[ <z> ]]>&#65;</b>  </response>";
        let root = element(text).unwrap();
        assert_eq!(root.tag.attribute("status").map(|value| &**value), Some("ok"));
        assert_eq!(root.tag.attribute("n").map(|value| &**value), Some("a \"b\""));
        assert_eq!(root.text_at(&["b"]), Some("x & y <z> A"));
        assert_eq!(root.text_at(&["a"]), None);
    }

    #[test]
    fn unread_children_are_skipped() {
        let mut cursor = Cursor::new(parse(
            "<r><a><deep><er/></deep></a><m><member>1</member><x/><member/></m><t>z<a>no</a></t></r>",
        ));
        cursor.root().unwrap();
        let mut seen = Vec::new();
        cursor
            .children(|cursor, tag| {
                match tag.name {
                    "m" => seen.extend(cursor.members()?),
                    "t" => seen.push(cursor.text()?),
                    _ => {}
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, ["1", "", "z"]);
    }

    #[test]
    fn what_is_no_document_is_an_error() {
        for text in [
            "",
            "<a>",
            "<a><b/>",
            "<a",
            "<a b='",
            "<a><![CDATA[x",
            "<a><!-- ",
            "<a>&",
            "<a>x&am",
            "<a>&#x4",
            "<a b='&am",
            "<",
            "<a><!",
            "<a><![",
            "<a><![CD",
            "<a><!-",
        ] {
            assert_eq!(element(text), Err(Malformed::Cut), "{text}");
        }
        for text in [
            "text",
            "<a></b>",
            "</a>",
            "<a b=c/>",
            "<a>&nope;</a>",
            "<a>&am</a>",
            "<a>&</a>",
            "<a><!></a>",
            "<a><!x",
            "< a/>",
            "<a b='1' b='2'/>",
        ] {
            assert!(matches!(element(text), Err(Malformed::Syntax(_))), "{text}: {:?}", element(text));
        }
        let deep = "<a>".repeat(DEPTH_MAX + 1) + &"</a>".repeat(DEPTH_MAX + 1);
        assert_eq!(element(&deep), Err(Malformed::TooDeep));
    }

    #[test]
    fn the_clean_form_has_no_marks_and_no_white_space() {
        let text = "<qos admin=\"bob\" dirtyId=\"3\" time=\"t\">\n <marking><ip-dscp admin='bob'>a&lt;f</ip-dscp></marking><e x='1'/></qos>";
        let mut out = String::new();
        element(text).unwrap().write_clean(&mut out);
        assert_eq!(out, "<qos><marking><ip-dscp>a&lt;f</ip-dscp></marking><e x=\"1\"/></qos>");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[<>/a-c &;'\"=!\\[\\]\\-?\u{feff}é]{0,60}") {
            let _ = element(&text);
        }

        #[test]
        fn no_piece_of_a_document_panics(cut in 0..200usize) {
            let text = "<response status='é'><result><a n=\"é\">&amp;é<![CDATA[é]]></a><b/></result></response>";
            let _ = element(text.get(..cut).unwrap_or(text));
        }
    }
}
