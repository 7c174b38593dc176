//! The parameters of an EC2 Query request: `IpPermissions.1.IpRanges.2.CidrIp=…`, read as a tree.

use std::{collections::BTreeMap, str::FromStr};

use super::{answer::Refusal, ids::ResourceId};

/// How many dots a name may have. The deepest in use has seven.
const DEPTH_MAX: usize = 16;

/// A node of the tree: a value, members by name, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    text: Option<String>,
    members: BTreeMap<Key, Self>,
}

/// List positions sort as numbers, in front of names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Position(u32),
    Name(String),
}

impl Parameters {
    /// Reads a request's form fields.
    pub(super) fn parse(fields: &[(String, String)]) -> Result<Self, Refusal> {
        let mut root = Self::default();
        for (name, value) in fields {
            if name.split('.').count() > DEPTH_MAX {
                return Err(Refusal::new("InvalidParameter", "A parameter is nested too deeply."));
            }
            let node = name.split('.').fold(&mut root, |node, part| {
                let key = part.parse().map_or_else(|_| Key::Name(part.to_owned()), Key::Position);
                node.members.entry(key).or_default()
            });
            node.text = Some(value.clone());
        }
        Ok(root)
    }

    /// This node with only those of its members.
    pub(super) fn only(&self, names: &[&str]) -> Self {
        let kept = names.iter().filter_map(|name| self.members.get_key_value(&Key::Name((*name).to_owned())));
        Self { text: None, members: kept.map(|(key, node)| (key.clone(), node.clone())).collect() }
    }

    /// Gives a member a value.
    pub(super) fn put(&mut self, name: &str, value: &str) {
        self.members.entry(Key::Name(name.to_owned())).or_default().text = Some(value.to_owned());
    }

    /// Gives an element of a list a value.
    pub(super) fn put_element(&mut self, list: &str, position: u32, value: &str) {
        let list = self.members.entry(Key::Name(list.to_owned())).or_default();
        list.members.entry(Key::Position(position)).or_default().text = Some(value.to_owned());
    }

    /// This node's own value.
    pub(super) fn value(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// All members, positions first.
    pub(super) fn members(&self) -> impl Iterator<Item = (&Key, &Self)> {
        self.members.iter()
    }

    /// Whether this node is a list.
    pub(super) fn is_list(&self) -> bool {
        self.members.keys().next().is_some_and(|key| matches!(key, Key::Position(_)))
    }

    /// The member of that name.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        self.members.get(&Key::Name(name.to_owned()))
    }

    /// The value of a member, unless absent or empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.member(name)?.value().filter(|text| !text.is_empty())
    }

    /// The value of a member that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(|| Refusal::missing(name))
    }

    /// The value of a member in its own type.
    pub(super) fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        self.text(name).map(|text| text.parse().map_err(|_| Refusal::value(name, text))).transpose()
    }

    /// Whether a switch is on.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        Ok(self.parsed(name)?.unwrap_or(false))
    }

    /// The elements of a list.
    pub(super) fn list(&self, name: &str) -> impl Iterator<Item = &Self> {
        let positions = |(key, node)| matches!(key, &Key::Position(_)).then_some(node);
        self.member(name).into_iter().flat_map(move |list| list.members.iter().filter_map(positions))
    }

    /// The elements of a list of values.
    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        self.list(name).filter_map(Self::value).collect()
    }

    /// The id in a member, if there is one.
    pub(super) fn id<I: ResourceId>(&self, name: &str) -> Result<Option<I>, Refusal> {
        self.text(name).map(parse_id).transpose()
    }

    /// The id in a member that must be there.
    pub(super) fn required_id<I: ResourceId>(&self, name: &str) -> Result<I, Refusal> {
        parse_id(self.required(name)?)
    }

    /// A list of ids.
    pub(super) fn ids<I: ResourceId>(&self, name: &str) -> Result<Vec<I>, Refusal> {
        self.texts(name).into_iter().map(parse_id).collect()
    }
}

fn parse_id<I: ResourceId>(text: &str) -> Result<I, Refusal> {
    text.parse().map_err(|_| Refusal::malformed::<I>(text))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Form fields from `name=value` texts.
    pub(in crate::cloud) fn fields(texts: &[&str]) -> Vec<(String, String)> {
        let split =
            |text: &&str| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
        texts.iter().map(split).collect()
    }

    #[test]
    fn lists_are_read_by_their_numbers() {
        let texts: Vec<_> = (1..=11).map(|n| format!("InstanceId.{n}=i-{n:08x}")).collect();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let parameters = Parameters::parse(&fields(&texts)).unwrap();
        assert_eq!(parameters.texts("InstanceId")[9..], ["i-0000000a", "i-0000000b"]);
        assert!(parameters.member("InstanceId").unwrap().is_list());
    }

    #[test]
    fn nested_members_are_reached_and_nonsense_is_refused() {
        let parameters =
            Parameters::parse(&fields(&["IpPermissions.1.FromPort=22", "DryRun=maybe", "GroupId=x"])).unwrap();
        let permission = parameters.list("IpPermissions").next().unwrap();
        assert_eq!(permission.parsed::<i64>("FromPort").unwrap(), Some(22));
        assert_eq!(parameters.flag("DryRun").unwrap_err().code, "InvalidParameterValue");
        assert_eq!(parameters.required("VpcId").unwrap_err().code, "MissingParameter");
        let malformed = parameters.required_id::<crate::cloud::GroupId>("GroupId").unwrap_err();
        assert_eq!(malformed.code, "InvalidGroupId.Malformed");
        assert!(Parameters::parse(&[(".".repeat(100_000), String::new())]).is_err());
    }
}
