//! Short ids, as stories have them, and the ids of the real form that each stands for.

use std::{collections::BTreeMap, fmt, ops::Bound};

/// What an id names; decides how the id begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `i-`
    Instance,
    /// `eni-`
    Interface,
    /// `sg-`
    Group,
    /// `subnet-`
    Subnet,
    /// `vpc-`
    Vpc,
    /// `rtb-`
    RouteTable,
    /// `pl-`
    PrefixList,
    /// `igw-`
    InternetGateway,
    /// `nat-`
    NatGateway,
    /// `tgw-`
    TransitGateway,
    /// `vpce-`
    Endpoint,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Instance,
        Self::Interface,
        Self::Group,
        Self::Subnet,
        Self::Vpc,
        Self::RouteTable,
        Self::PrefixList,
        Self::InternetGateway,
        Self::NatGateway,
        Self::TransitGateway,
        Self::Endpoint,
    ];

    /// How ids of this kind begin.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Instance => "i-",
            Self::Interface => "eni-",
            Self::Group => "sg-",
            Self::Subnet => "subnet-",
            Self::Vpc => "vpc-",
            Self::RouteTable => "rtb-",
            Self::PrefixList => "pl-",
            Self::InternetGateway => "igw-",
            Self::NatGateway => "nat-",
            Self::TransitGateway => "tgw-",
            Self::Endpoint => "vpce-",
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Instance => "an instance id",
            Self::Interface => "an interface id",
            Self::Group => "a security group id",
            Self::Subnet => "a subnet id",
            Self::Vpc => "a VPC id",
            Self::RouteTable => "a route table id",
            Self::PrefixList => "a prefix list id",
            Self::InternetGateway => "an internet gateway id",
            Self::NatGateway => "a NAT gateway id",
            Self::TransitGateway => "a transit gateway id",
            Self::Endpoint => "a VPC endpoint id",
        }
    }
}

/// An id as the story has it: short, or already of the real form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    kind: Kind,
    text: String,
}

impl Id {
    /// Reads an id of one kind.
    pub fn of(kind: Kind, text: &str) -> Result<Self, String> {
        match Self::parse(text) {
            Some(id) if id.kind == kind => Ok(id),
            _ => Err(format!("`{text}` is not {}: these begin with `{}`", kind.what(), kind.prefix())),
        }
    }

    /// Reads an id of whatever kind it begins like.
    pub fn parse(text: &str) -> Option<Self> {
        let named = |kind: &Kind| text.strip_prefix(kind.prefix()).is_some_and(is_name);
        Kind::ALL.into_iter().find(named).map(|kind| Self { kind, text: text.to_owned() })
    }

    /// What the id names.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The id as the story has it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The id of the same short name and another kind: `eni-web` beside `i-web`.
    #[must_use]
    pub fn sibling(&self, kind: Kind) -> Self {
        Self { kind, text: format!("{}{}", kind.prefix(), &self.text[self.kind.prefix().len()..]) }
    }

    /// The id of the real form: a fixed one for a short id, itself for a real one.
    pub fn real(&self) -> String {
        let prefix = self.kind.prefix();
        let name = &self.text[prefix.len()..];
        if is_real(name) { self.text.clone() } else { format!("{prefix}0{:016x}", hash(&self.text)) }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// AWS ids have 17 hexadecimal digits; those from before 2018 have 8.
fn is_real(name: &str) -> bool {
    matches!(name.len(), 8 | 17) && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// FNV-1a with a final mix, so that ids that differ in their last letter differ everywhere.
fn hash(text: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let folded = text.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    let mixed = (folded ^ (folded >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}

/// The ids of a world, both ways.
#[derive(Clone, Debug, Default)]
pub struct Names {
    real: BTreeMap<String, String>,
    short: BTreeMap<String, String>,
}

impl Names {
    /// Makes an id known under its fixed real form, unless it is known already or is the real form of a known one.
    pub fn add(&mut self, id: &Id) {
        if !self.real.contains_key(&id.text) && !self.short.contains_key(&id.text) {
            self.bind(id, &id.real());
        }
    }

    /// Makes an id known under a real form that was given to it elsewhere.
    pub fn bind(&mut self, id: &Id, real: &str) {
        if let Some(former) = self.real.insert(id.text.clone(), real.to_owned()) {
            self.short.remove(&former);
        }
        self.short.insert(real.to_owned(), id.text.clone());
    }

    /// Every real id that has a short one, with it.
    pub fn shortened(&self) -> impl Iterator<Item = (&str, &str)> {
        self.short.iter().map(|(real, short)| (real.as_str(), short.as_str()))
    }

    /// The real form of an id.
    pub fn real(&self, id: &Id) -> String {
        self.real.get(&id.text).cloned().unwrap_or_else(|| id.real())
    }

    /// The text with every known real id replaced by its short one, also inside of longer names.
    pub fn shorten(&self, text: &str) -> String {
        replaced(text, &self.short, |_| true)
    }

    /// The text with every known short id replaced by its real one: `i-web-1` becomes the name of a rule of `i-web`,
    /// unless `i-web-1` is an id itself.
    pub fn lengthen(&self, text: &str) -> String {
        let part = |character: char| character.is_ascii_alphanumeric();
        replaced(text, &self.real, |rest| !rest.starts_with(part))
    }
}

/// The text with the longest key at each place replaced by its value. A key begins where a word begins.
fn replaced(text: &str, table: &BTreeMap<String, String>, ends: impl Fn(&str) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut word = false;
    while let Some(character) = rest.chars().next() {
        let found = if word { None } else { longest(rest, table, &ends) };
        match found {
            Some((key, value)) => {
                out.push_str(value);
                rest = &rest[key.len()..];
            }
            None => {
                out.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
        word = found.is_some() || character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    }
    out
}

/// The longest key that `text` begins with. Keys that are prefixes of each other lie beside each other in the table, so
/// each step back either finds the key or the longest prefix that a shorter key can still have.
fn longest<'a>(
    text: &str,
    table: &'a BTreeMap<String, String>,
    ends: impl Fn(&str) -> bool,
) -> Option<(&'a String, &'a String)> {
    let part = |character: char| !(character.is_ascii_alphanumeric() || character == '-');
    let mut candidate = &text[..text.find(part).unwrap_or(text.len())];
    while !candidate.is_empty() {
        let (key, value) = table.range::<str, _>((Bound::Unbounded, Bound::Included(candidate))).next_back()?;
        if text.starts_with(key.as_str()) && ends(&text[key.len()..]) {
            return Some((key, value));
        }
        let common = key.bytes().zip(candidate.bytes()).take_while(|(left, right)| left == right).count();
        candidate = &candidate[..common.min(candidate.len() - 1)];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ids: &[&str]) -> Names {
        let mut names = Names::default();
        for id in ids {
            names.add(&Id::parse(id).unwrap());
        }
        names
    }

    #[test]
    fn a_short_id_always_stands_for_the_same_real_one() {
        let id = Id::of(Kind::Instance, "i-web").unwrap();
        assert_eq!(id.real(), id.real());
        assert_eq!(id.real().len(), "i-".len() + 17);
        assert_ne!(id.real()[2..], Id::parse("eni-web").unwrap().real()[4..]);
        assert_eq!(id.sibling(Kind::Interface).as_str(), "eni-web");
        for real in ["i-0123456789abcdef0", "i-0123abcd"] {
            assert_eq!(Id::parse(real).unwrap().real(), real);
        }
    }

    #[test]
    fn an_id_says_how_it_should_begin() {
        let error = Id::of(Kind::Subnet, "sub-1").unwrap_err();
        assert_eq!(error, "`sub-1` is not a subnet id: these begin with `subnet-`");
        assert_eq!(Id::parse("web"), None);
        assert_eq!(Id::parse("i-"), None);
    }

    #[test]
    fn texts_change_their_ids_both_ways() {
        let names = names(&["i-1", "i-1-2", "i-12", "sg-web", "eni-1"]);
        let short = "[i-1] i-1-2 i-1-3 i-12-1,sg-web-4 eni-1:i-1 multi-1 i-123 _i-1";
        let long = names.lengthen(short);
        assert!(!long.contains("[i-1]"), "{long}");
        assert!(long.contains(&format!("{}-3", Id::parse("i-1").unwrap().real())), "{long}");
        assert!(long.ends_with("multi-1 i-123 _i-1"), "{long}");
        assert_eq!(names.shorten(&long), short);
    }

    #[test]
    fn a_real_id_does_not_take_the_place_of_its_short_one() {
        let mut names = names(&["i-1"]);
        let real = Id::parse("i-1").unwrap().real();
        names.add(&Id::parse(&real).unwrap());
        assert_eq!(names.shorten(&real), "i-1");
        assert_eq!(names.real(&Id::parse(&real).unwrap()), real);
        assert_eq!(names.shortened().collect::<Vec<_>>(), [(real.as_str(), "i-1")]);
    }

    #[test]
    fn ids_that_nobody_knows_stay() {
        assert_eq!(names(&["i-1"]).shorten("i-0123456789abcdef0"), "i-0123456789abcdef0");
        assert_eq!(names(&[]).lengthen("ä i-1"), "ä i-1");
    }
}
