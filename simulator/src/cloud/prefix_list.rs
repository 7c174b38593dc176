//! Prefix lists and their versions.

use ipnet::IpNet;

use super::{
    Tags,
    ids::PrefixListId,
    network::tags,
    shape::{Record, Shape},
};

/// A list of networks under one name.
#[derive(Clone, Debug)]
pub struct PrefixList {
    /// Its id.
    pub id: PrefixListId,
    /// Its name.
    pub name: String,
    /// Of which family its networks are.
    pub family: Family,
    /// Its networks in order, each with its description.
    pub entries: Vec<Entry>,
    /// Rises with every change of the entries.
    pub version: i64,
    /// The entries of earlier versions, the first one first.
    pub earlier: Vec<Vec<Entry>>,
    /// How many entries it may have.
    pub entries_max: u32,
    /// The account that owns it; `AWS` for the vendor's own. None is this account.
    pub owner: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// A network of a prefix list, and what somebody wrote about it.
pub type Entry = (IpNet, Option<String>);

/// The family of the networks of a prefix list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `IPv4`
    V4,
    /// `IPv6`
    V6,
}

impl Family {
    /// The family of a list with those entries; IPv4 without any.
    pub fn of(entries: &[Entry]) -> Self {
        if matches!(entries.first(), Some((IpNet::V6(_), _))) { Self::V6 } else { Self::V4 }
    }

    /// EC2's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    pub(super) fn holds(self, cidr: &IpNet) -> bool {
        matches!((self, cidr), (Self::V4, IpNet::V4(_)) | (Self::V6, IpNet::V6(_)))
    }
}

impl PrefixList {
    pub(super) fn shape(&self, account: &str, region: &str) -> Record {
        self.shape_in_state(account, region, if self.version == 1 { "create-complete" } else { "modify-complete" })
    }

    /// The same in a state that passes before anybody can look.
    pub(super) fn shape_in_state(&self, account: &str, region: &str, state: &str) -> Record {
        let owner = self.owner.as_deref().unwrap_or(account);
        let arn_owner = if owner == "AWS" { "aws" } else { owner };
        Record::new()
            .with("prefixListId", &self.id)
            .with("prefixListName", &self.name)
            .with("addressFamily", self.family.name())
            .with("state", state)
            .with("maxEntries", self.entries_max)
            .with("version", self.version)
            .with("ownerId", owner)
            .with("prefixListArn", format!("arn:aws:ec2:{region}:{arn_owner}:prefix-list/{}", self.id))
            .renamed("tagSet", "Tags", tags(&self.tags))
    }

    /// The entries of a version, if there has been one of that number.
    pub(super) fn entries_of(&self, version: i64) -> Option<&[Entry]> {
        if version == self.version {
            return Some(&self.entries);
        }
        self.earlier.get(usize::try_from(version.checked_sub(1)?).ok()?).map(Vec::as_slice)
    }

    /// Puts other entries in force, as a new version.
    pub(super) fn replace(&mut self, entries: Vec<Entry>) {
        self.earlier.push(std::mem::replace(&mut self.entries, entries));
        self.version += 1;
    }
}

pub(super) fn entry_shapes(entries: &[Entry]) -> Vec<Record> {
    let entry =
        |(cidr, description): &Entry| Record::new().with("cidr", *cidr).maybe("description", description.as_ref());
    entries.iter().map(entry).collect()
}

/// What DescribePrefixLists, the older action, says of a list.
pub(super) fn older_shape(list: &PrefixList) -> Record {
    let cidrs = list.entries.iter().map(|(cidr, _)| *cidr);
    Record::new().with("prefixListId", &list.id).with("prefixListName", &list.name).renamed(
        "cidrSet",
        "Cidrs",
        Shape::from_iter(cidrs),
    )
}
