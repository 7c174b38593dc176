//! What a run may do to the firewall. A change can hold no name but an owned one: that we never touch an administrator's
//! rule is a matter of types.

use std::{collections::BTreeSet, fmt};

use crate::{
    address::{AddressRange, Family},
    firewall::{Carried, Profiles, Status},
    id::{FormerName, OwnedName, ProfileName, RuleName, ServiceName, TagName, ZoneName},
    rulebase::ObjectNames,
    service::Service,
    translate::ServicePorts,
    wanted::Atom,
};

/// One change to the candidate configuration, however many operations of the API it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Create the tag that marks our rules and objects.
    Tag(TagName),
    /// Create a service object of ours.
    Service(ServiceObject),
    /// Write a rule of ours, whole.
    Put(Box<OwnedRule>, Position),
    /// Move a rule of ours directly above the bottom rule.
    Lift(OwnedName, RuleName),
    /// Delete a rule of ours.
    Delete(OwnedName),
    /// Delete an object of ours, when drawbridge leaves the firewall.
    Drop(OwnObject),
    /// Make a rule ours that the Lambda function of 2016 made.
    Adopt(Adopted),
}

/// A rule that becomes ours: it gets our tag, and a name of our form if it has only the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// Its name so far.
    pub from: FormerName,
    /// Its name from now on.
    pub to: OwnedName,
    /// Our tag.
    pub owner: TagName,
}

/// An object that is ours: a service object that carries our tag, or the tag itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnObject {
    /// A service object.
    Service(ServiceName),
    /// Our tag.
    Tag(TagName),
}

/// `service tcp_8443`, `tag drawbridge`.
impl fmt::Display for OwnObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => write!(f, "service {name}"),
            Self::Tag(name) => write!(f, "tag {name}"),
        }
    }
}

/// A service object of ours: it carries our tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceObject {
    /// Its name.
    pub name: ServiceName,
    /// What it holds.
    pub ports: ServicePorts,
    /// Our tag.
    pub owner: TagName,
}

/// Where a rule of ours that is written stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// It exists, and stays where it is.
    InPlace,
    /// It is new, and is moved directly above this rule.
    Above(RuleName),
}

/// Which way the traffic of a rule begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the internet to the instance.
    Ingress,
    /// From the instance to the internet.
    Egress,
}

impl Direction {
    /// The other way.
    pub fn opposite(self) -> Self {
        match self {
            Self::Ingress => Self::Egress,
            Self::Egress => Self::Ingress,
        }
    }
}

/// What a rule of ours says: the product of its addresses and peers, for one service. Pairs of different families say
/// nothing: no packet has an address of each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spelling {
    /// Which way.
    pub direction: Direction,
    /// The instances' side.
    pub locals: BTreeSet<AddressRange>,
    /// The internet's side.
    pub peers: BTreeSet<AddressRange>,
    /// What is let through.
    pub service: Service,
}

impl Spelling {
    /// Source and destination columns.
    pub fn columns(&self) -> (&BTreeSet<AddressRange>, &BTreeSet<AddressRange>) {
        match self.direction {
            Direction::Ingress => (&self.peers, &self.locals),
            Direction::Egress => (&self.locals, &self.peers),
        }
    }

    /// Whether everything that `other` says is said by this.
    pub fn holds(&self, other: &Self) -> bool {
        let within = |ours: &BTreeSet<AddressRange>, theirs: &BTreeSet<AddressRange>| {
            theirs.iter().all(|range| ours.iter().any(|held| held.contains(*range)))
        };
        self.direction == other.direction
            && self.service.contains(&other.service)
            && within(&self.locals, &other.locals)
            && within(&self.peers, &other.peers)
    }

    /// Whether it says this of an address and a peer.
    pub(crate) fn says_pair(&self, local: AddressRange, peer: AddressRange) -> bool {
        let holds = |ranges: &BTreeSet<AddressRange>, one| {
            ranges.contains(&one) || ranges.iter().any(|held| held.contains(one))
        };
        holds(&self.locals, local) && holds(&self.peers, peer)
    }

    /// Whether the other says something of this as well, whatever the application.
    pub(crate) fn is_respelled_by(&self, other: &Self) -> bool {
        let meet = |ours: &BTreeSet<AddressRange>, theirs: &BTreeSet<AddressRange>| {
            ours.iter().any(|one| theirs.contains(one) || theirs.iter().any(|held| held.contains(*one)))
        };
        self.direction == other.direction
            && other.service.l4.contains(self.service.l4)
            && meet(&self.locals, &other.locals)
            && meet(&self.peers, &other.peers)
    }

    /// Whether it spells this atom out.
    pub(crate) fn says(&self, atom: &Atom) -> bool {
        self.direction == atom.direction
            && self.service == atom.service
            && self.locals.contains(&atom.local)
            && self.peers.contains(&atom.peer)
    }

    /// The same columns, read the other way round.
    pub fn mirrored(&self) -> Self {
        Self {
            direction: self.direction.opposite(),
            locals: self.peers.clone(),
            peers: self.locals.clone(),
            service: self.service.clone(),
        }
    }
}

/// `any -> 10.0.1.10  ssl on tcp 443`.
impl fmt::Display for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (source, destination) = self.columns();
        write!(f, "{} -> {}  {}", List(source), List(destination), self.service)
    }
}

/// A few of many, separated by commas.
struct List<'a>(&'a BTreeSet<AddressRange>);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 4;
        for (index, range) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{range}", if index == 0 { "" } else { "," })?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// The address columns of a rule, as members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The `source` column.
    pub source: Vec<String>,
    /// The `destination` column.
    pub destination: Vec<String>,
}

impl Columns {
    /// What says `spelling` where these names are taken: a member that is the name of an object means the object.
    pub fn of(spelling: &Spelling, taken: &BTreeSet<String>) -> Self {
        let (source, destination) = spelling.columns();
        Self { source: members(source, taken), destination: members(destination, taken) }
    }
}

/// A whole family is `any`, which stands alone; only beside addresses of the other family is it written out, because there
/// `any` would mean more.
fn members(ranges: &BTreeSet<AddressRange>, taken: &BTreeSet<String>) -> Vec<String> {
    let is_whole = |range: &AddressRange| *range == range.family().whole();
    let wholes: Vec<_> = ranges.iter().filter(|range| is_whole(range)).collect();
    if ranges.iter().all(|range| wholes.iter().any(|whole| whole.family() == range.family())) {
        return vec!["any".to_owned()];
    }
    let written = |range: &AddressRange| match (is_whole(range), range.family()) {
        (false, _) => range.written_beside(taken),
        (true, Family::Ipv4) => vec!["0.0.0.0/0".to_owned()],
        (true, Family::Ipv6) => vec!["::/0".to_owned()],
    };
    ranges.iter().flat_map(written).collect()
}

/// A whole rule of ours, as it is to be written. What is not listed here is written as the rule means it: any user,
/// category and HIP, universal, no negation, no schedule, action allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRule {
    /// Its name.
    pub name: OwnedName,
    /// What it says.
    pub spelling: Spelling,
    /// The address columns that say so.
    pub columns: Columns,
    /// Source zone.
    pub from: ZoneName,
    /// Destination zone.
    pub to: ZoneName,
    /// The service column.
    pub service: WrittenService,
    /// Disabled rules are shrunk as well, and stay disabled.
    pub status: Status,
    /// The security profile group.
    pub profile_group: Option<ProfileName>,
    /// Our tag and those that administrators added.
    pub tags: BTreeSet<TagName>,
    /// Whose it is and why it is there, or what an administrator wrote instead.
    pub description: String,
    /// The rest.
    pub extras: Extras,
}

impl OwnedRule {
    /// Its security profiles.
    pub(crate) fn profiles(&self) -> Profiles {
        self.profile_group.clone().map_or(Profiles::None, Profiles::Group)
    }

    /// Whether the firewall would read this rule in another way than it is meant: an application group or filter bears the
    /// name of an application in it, or an address object that of a range, which no other text says in one piece.
    pub(crate) fn is_misread_beside(&self, names: &ObjectNames<'_>) -> bool {
        let taken = &*names.addresses;
        let is_split = |range: &AddressRange| match range.written_beside(taken).as_slice() {
            [one] => taken.contains(one),
            _ => true,
        };
        let ranges = || self.spelling.locals.iter().chain(&self.spelling.peers);
        let is_whole = |range: &AddressRange| *range == range.family().whole();
        names.misread(&self.spelling.service) || ranges().any(|range| !is_whole(range) && is_split(range))
    }
}

/// The service column of a rule of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrittenService {
    /// `any`.
    Any,
    /// `application-default`.
    ApplicationDefault,
    /// A service object of ours.
    Object(ServiceName),
}

impl fmt::Display for WrittenService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::ApplicationDefault => f.write_str("application-default"),
            Self::Object(name) => name.fmt(f),
        }
    }
}

/// Elements of a rule of ours that decide nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extras {
    /// Of a new rule: the log forwarding profile of the settings.
    Fresh {
        /// Log at session end, to this profile.
        log_setting: Option<ProfileName>,
    },
    /// Of a rule that exists: what it has, verbatim.
    Kept(Carried),
}

impl Change {
    /// The rule that the change is about.
    pub fn rule(&self) -> Option<&OwnedName> {
        match self {
            Self::Put(rule, _) => Some(&rule.name),
            Self::Lift(name, _) | Self::Delete(name) => Some(name),
            Self::Adopt(adopted) => Some(&adopted.to),
            Self::Tag(_) | Self::Service(_) | Self::Drop(_) => None,
        }
    }
}

impl Change {
    /// About how many bytes the change takes in a request, rather more than less.
    pub fn weight(&self) -> usize {
        match self {
            Self::Put(rule, _) => {
                let members = rule.spelling.locals.len() + rule.spelling.peers.len() + rule.tags.len();
                let carried = match &rule.extras {
                    Extras::Kept(carried) => carried.0.len() * 2,
                    Extras::Fresh { .. } => 0,
                };
                // A member is an address range of IPv6 at most, in tags; everything is escaped once more for the form.
                2000 + members * 150 + rule.description.len() * 3 + carried
            }
            Self::Tag(_) | Self::Service(_) | Self::Lift(..) | Self::Delete(_) | Self::Drop(_) | Self::Adopt(_) => 1000,
        }
    }
}

/// One line, as transcripts, logs and reports have it.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(name) => write!(f, "+ tag {name}"),
            Self::Service(object) => write!(f, "+ service {}", object.name),
            Self::Put(rule, Position::Above(bottom)) => {
                write!(f, "+ {}  {}, above `{bottom}`", rule.name, rule.spelling)
            }
            Self::Put(rule, Position::InPlace) => write!(f, "~ {}  {}", rule.name, rule.spelling),
            Self::Lift(name, bottom) => write!(f, "^ {name}, above `{bottom}`"),
            Self::Delete(name) => write!(f, "- {name}"),
            Self::Drop(object) => write!(f, "- {object}"),
            Self::Adopt(Adopted { from, to, owner }) if from.number.is_some() => write!(f, "~ {to}, tagged {owner}"),
            Self::Adopt(Adopted { from, to, owner }) => write!(f, "~ {from}, renamed {to} and tagged {owner}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(ranges: &[&str], taken: &[&str]) -> Vec<String> {
        let taken = taken.iter().map(|&name| name.to_owned()).collect();
        members(&ranges.iter().map(|text| text.parse().unwrap()).collect(), &taken)
    }

    #[test]
    fn any_never_means_more_than_the_ranges() {
        assert_eq!(written(&["0.0.0.0/0"], &[]), ["any"]);
        assert_eq!(written(&["0.0.0.0/0", "10.0.0.0/8"], &[]), ["any"]);
        assert_eq!(written(&["::/0", "0.0.0.0/0"], &[]), ["any"]);
        assert_eq!(written(&["::/0", "10.0.0.0/8"], &[]), ["10.0.0.0/8", "::/0"]);
        assert_eq!(written(&["10.0.0.1", "10.0.0.5-10.0.0.6"], &[]), ["10.0.0.1", "10.0.0.5-10.0.0.6"]);
    }

    #[test]
    fn an_address_is_never_written_as_the_name_of_an_object() {
        let taken = ["10.0.0.1", "10.0.0.5-10.0.0.7", "2001:db8::1", "10.0.0.9", "10.0.0.9/32"];
        assert_eq!(written(&["10.0.0.1", "10.0.0.2"], &taken), ["10.0.0.1/32", "10.0.0.2"]);
        assert_eq!(written(&["10.0.0.5-10.0.0.7"], &taken), ["10.0.0.5/32", "10.0.0.6/31"]);
        assert_eq!(written(&["2001:db8::1"], &taken), ["2001:db8::1/128"]);
        assert_eq!(written(&["10.0.0.9"], &taken), ["10.0.0.9-10.0.0.9"]);
    }
}
