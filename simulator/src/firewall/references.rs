//! Names by which one part of a configuration refers to another, and whether they lead anywhere.

use std::net::IpAddr;

use super::{path::Path, path::Step, predefined, problem::Problem, schema::Node};
use crate::xml::Element;

/// What kind of object a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A zone of the virtual system.
    Zone,
    /// An address, an address group, an external list, a region, or a literal.
    Address,
    /// An application, a group or a filter of applications.
    Application,
    /// A service or a group of services.
    Service,
    /// A tag.
    Tag,
    /// A group of security profiles.
    ProfileGroup,
    /// A single security profile.
    Profile(Profile),
    /// A log forwarding profile.
    LogProfile,
    /// A schedule.
    Schedule,
}

/// The kinds of security profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Profile {
    Virus,
    Spyware,
    Vulnerability,
    UrlFiltering,
    FileBlocking,
    WildfireAnalysis,
    DataFiltering,
    Gtp,
    Sctp,
}

impl Profile {
    /// Where profiles of this kind stand.
    fn collections(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Virus => &[&["profiles", "virus"]],
            Self::Spyware => &[&["profiles", "spyware"]],
            Self::Vulnerability => &[&["profiles", "vulnerability"]],
            Self::UrlFiltering => &[&["profiles", "url-filtering"]],
            Self::FileBlocking => &[&["profiles", "file-blocking"]],
            Self::WildfireAnalysis => &[&["profiles", "wildfire-analysis"]],
            Self::DataFiltering => &[&["profiles", "data-filtering"]],
            Self::Gtp => &[&["profiles", "gtp"]],
            Self::Sctp => &[&["profiles", "sctp"]],
        }
    }

    /// The profiles that every firewall comes with.
    fn predefined(self) -> &'static [&'static str] {
        match self {
            Self::Virus | Self::UrlFiltering | Self::WildfireAnalysis => &["default"],
            Self::Spyware | Self::Vulnerability => &["default", "strict"],
            Self::FileBlocking => &["basic file blocking", "strict file blocking"],
            Self::DataFiltering | Self::Gtp | Self::Sctp => &[],
        }
    }
}

impl Kind {
    const ALL: [Self; 17] = [
        Self::Zone,
        Self::Address,
        Self::Application,
        Self::Service,
        Self::Tag,
        Self::ProfileGroup,
        Self::LogProfile,
        Self::Schedule,
        Self::Profile(Profile::Virus),
        Self::Profile(Profile::Spyware),
        Self::Profile(Profile::Vulnerability),
        Self::Profile(Profile::UrlFiltering),
        Self::Profile(Profile::FileBlocking),
        Self::Profile(Profile::WildfireAnalysis),
        Self::Profile(Profile::DataFiltering),
        Self::Profile(Profile::Gtp),
        Self::Profile(Profile::Sctp),
    ];

    /// Where objects of this kind stand, below a virtual system or `shared`.
    fn collections(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Zone => &[&["zone"]],
            Self::Address => &[&["address"], &["address-group"], &["external-list"], &["region"]],
            Self::Application => &[&["application"], &["application-group"], &["application-filter"]],
            Self::Service => &[&["service"], &["service-group"]],
            Self::Tag => &[&["tag"]],
            Self::ProfileGroup => &[&["profile-group"]],
            Self::Profile(profile) => profile.collections(),
            Self::LogProfile => &[&["log-settings", "profiles"]],
            Self::Schedule => &[&["schedule"]],
        }
    }

    /// The kind of object that stands at this path, if others can refer to it.
    fn of(path: &Path) -> Option<Self> {
        let (Step::Entry(_), parents) = path.steps().split_last()? else { return None };
        let start = match parents {
            [_, Step::Child(shared), ..] if shared == "shared" => 2,
            _ if path.vsys().is_some() && parents.len() > 5 => 5,
            _ => return None,
        };
        let tags: Vec<&str> = parents[start..].iter().map(Step::label).collect();
        Self::ALL.into_iter().find(|kind| kind.collections().contains(&tags.as_slice()))
    }

    fn is_predefined(self, name: &str) -> bool {
        match self {
            Self::Application => predefined::object("application", name).is_some(),
            Self::Service => predefined::object("service", name).is_some(),
            Self::Address => is_literal_address(name) || is_region(name),
            Self::Profile(profile) => profile.predefined().contains(&name),
            Self::Zone | Self::Tag | Self::ProfileGroup | Self::LogProfile | Self::Schedule => false,
        }
    }
}

/// One place that names an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    /// The element that holds the name, or the list in which it is a member.
    pub(super) place: Path,
    /// What it names.
    pub(super) kind: Kind,
    /// The name.
    pub(super) name: String,
}

/// The configuration tree in which names are looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    root: &'a Element,
}

impl<'a> Names<'a> {
    /// Look-ups in a whole configuration.
    pub(super) fn of(root: &'a Element) -> Self {
        Self { root }
    }

    /// Whether the name that stands in `used.place` leads to an object: in the same virtual system, shared, pushed by
    /// Panorama or predefined.
    pub(super) fn resolves(self, used: &Use) -> bool {
        let vsys = used.place.vsys();
        let own = vsys.and_then(|vsys| self.vsys(vsys));
        let scopes = [own, self.root.child("shared"), vsys.and_then(|vsys| self.pushed(vsys))];
        let exists = |scope: &Element| {
            let mut collections = used.kind.collections().iter().filter_map(|path| scope.at(path));
            collections.any(|collection| collection.entry_named(&used.name).is_some())
        };
        used.kind.is_predefined(&used.name) || scopes.into_iter().flatten().any(exists)
    }

    /// A virtual system by its name.
    pub(super) fn vsys(self, name: &str) -> Option<&'a Element> {
        let devices = self.root.child("devices")?;
        devices.children.iter().find_map(|device| device.child("vsys")?.entry_named(name))
    }

    /// What Panorama has pushed to a virtual system.
    pub(super) fn pushed(self, vsys: &str) -> Option<&'a Element> {
        self.root.at(&["panorama", "vsys"])?.entry_named(vsys)
    }

    /// What is wrong with the names at and below `place`.
    pub(super) fn problems(self, place: &Path) -> Vec<Problem> {
        let mut problems = Vec::new();
        for used in uses(self.root, place).into_iter().filter(|used| !self.resolves(used)) {
            let words = format!("'{}' is not a valid reference", used.name);
            problems.push(Problem { place: used.place.clone(), words });
            problems.push(Problem { place: used.place, words: "is invalid".into() });
        }
        problems
    }

    /// The places that name an object by the name it has at `path`.
    pub(super) fn referrers(self, path: &Path) -> Vec<Use> {
        let (Some(kind), Some(Step::Entry(name))) = (Kind::of(path), path.last()) else { return Vec::new() };
        let sees = |used: &Use| path.vsys().is_none() || path.vsys() == used.place.vsys();
        let mut uses = uses(self.root, &Path::of([Step::to(self.root)]));
        uses.retain(|used| used.kind == kind && used.name == *name && sees(used));
        uses
    }
}

/// Every object at or below `place` that others can refer to.
pub(super) fn objects(root: &Element, place: &Path) -> Vec<Path> {
    let mut found = Vec::new();
    visit(root, place, &mut |_, path, _| {
        if Kind::of(path).is_some() {
            found.push(path.clone());
        }
    });
    found
}

/// Every name in use at or below `place`.
fn uses(root: &Element, place: &Path) -> Vec<Use> {
    let mut found = Vec::new();
    visit(root, place, &mut |element, path, node| {
        let is_any = matches!(node, Node::ReferenceOrAny(_)) && element.text == "any";
        if let (Node::Reference(kind) | Node::ReferenceOrAny(kind), false) = (node, is_any) {
            found.push(Use { place: path.clone(), kind: *kind, name: element.text.clone() });
        } else if let Node::Members { of: Some(kind), alone } = node {
            let names = element.members().filter(|name| !alone.contains(name));
            found.extend(names.map(|name| Use { place: path.clone(), kind: *kind, name: name.to_owned() }));
        }
    });
    found
}

/// Shows every modelled element at and below `place`.
fn visit(root: &Element, place: &Path, show: &mut impl FnMut(&Element, &Path, &Node)) {
    if let Some(element) = place.find(root) {
        visit_element(element, &mut place.clone(), Node::at(place), show);
    }
}

fn visit_element(element: &Element, path: &mut Path, node: &Node, show: &mut impl FnMut(&Element, &Path, &Node)) {
    show(element, path, node);
    if matches!(node, Node::Anything | Node::Members { .. }) {
        return;
    }
    for child in &element.children {
        let step = Step::to(child);
        let node = node.below(&step);
        path.push(step);
        visit_element(child, path, node, show);
        path.pop();
    }
}

/// `10.0.0.1`, `10.0.0.0/8` or `10.0.0.1-10.0.0.9`, of either family.
pub(super) fn is_literal_address(text: &str) -> bool {
    parse_range(text).is_some()
}

/// The first and last address of a literal.
pub(super) fn parse_range(text: &str) -> Option<(IpAddr, IpAddr)> {
    if let Some((first, last)) = text.split_once('-') {
        let (first, last): (IpAddr, IpAddr) = (first.parse().ok()?, last.parse().ok()?);
        return (first.is_ipv4() == last.is_ipv4() && first <= last).then_some((first, last));
    }
    if let Ok(net) = text.parse::<ipnet::IpNet>() {
        return Some((net.network(), net.broadcast()));
    }
    text.parse::<IpAddr>().ok().map(|address| (address, address))
}

/// The device knows countries by their two-letter codes.
fn is_region(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
