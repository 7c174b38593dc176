//! "Already allowed" is a proof, not a probe: is every packet of an atom matched by a certain allow above the bottom rule?
//!
//! The question is about boxes (addresses × peers × ports); applications and protocol only filter. To prove a box, take a
//! rule that meets it: if it holds the whole box, done; otherwise cut the box along an edge of that rule and prove the
//! pieces. A piece that no rule meets is a gap, and any packet of it is the evidence. Denies do not enter above the bottom
//! rule: our rule would stand below them and cannot change their verdict.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    address::{Address, AddressRange},
    change::{Direction, Spelling},
    config::Config,
    firewall::{Action, Addresses, Applications, Configuration, RuleFacts, RuleType, Services, Status},
    id::{AppName, RuleName, ZoneName},
    range::{Range, Set},
    rulebase::{Policy, Rule},
    service::{Apps, L4, Service},
    translate::{APPS_WITHOUT_PORTS, STANDARD_PORT},
    wanted::Atom,
};

/// One packet, as evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Which way.
    pub direction: Direction,
    /// The instance's address.
    pub local: Address,
    /// The address on the internet.
    pub peer: Address,
    /// Protocol and port.
    pub l4: L4,
    /// The application, or any.
    pub app: Option<AppName>,
}

/// `198.51.100.7 -> 10.0.1.10 tcp 22 (ssh)`.
impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (source, destination) = match self.direction {
            Direction::Ingress => (self.peer, self.local),
            Direction::Egress => (self.local, self.peer),
        };
        write!(f, "{source} -> {destination} {}", self.l4)?;
        match &self.app {
            Some(app) => write!(f, " ({app})"),
            None => Ok(()),
        }
    }
}

/// The answer for one atom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every packet is allowed, by these rules together. Rules of the same run that are not written yet have no name.
    Allowed(BTreeSet<RuleName>),
    /// This packet, among others, is not.
    Gap(Packet),
}

/// The steps that the proof of one atom may take. An atom cut into more slivers counts as not covered, the safe side.
const STEPS_MAX: usize = 4096;

/// What of a configuration allows for certain, ready to be asked about many atoms.
pub struct Cover {
    above: Vec<Allow>,
    /// From the bottom rule down to the default rules.
    below: Vec<Lower>,
    by_service: BTreeMap<(Direction, Service), Filtered>,
    by_peer: BTreeMap<(Direction, AddressRange), Bits>,
}

/// The rules that an atom of one service has to be compared with: one list for each application it names.
type Filtered = Vec<(Option<AppName>, Bits)>;

/// A rule that allows for certain, as boxes.
#[derive(Clone)]
struct Allow {
    rule: Option<RuleName>,
    directions: [bool; 2],
    apps: Apps,
    source: Set<Address>,
    destination: Set<Address>,
    l4: Vec<L4>,
}

/// A rule at or below the bottom rule.
enum Lower {
    Allows(Vec<Allow>),
    Denies(Box<MayDeny>),
}

/// A rule that might deny: everything that configuration alone cannot exclude.
struct MayDeny {
    directions: [bool; 2],
    source: Addresses,
    destination: Addresses,
    applications: Applications,
    service: Services,
}

/// A set of rule numbers.
#[derive(Clone, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn of(flags: impl Iterator<Item = bool>) -> Self {
        let mut words = Vec::new();
        for (index, flag) in flags.enumerate() {
            if index % 64 == 0 {
                words.push(0);
            }
            if let (true, Some(word)) = (flag, words.last_mut()) {
                *word |= 1 << (index % 64);
            }
        }
        Self(words)
    }

    /// Numbers that are in both.
    fn common<'b>(&'b self, other: &'b Self) -> impl Iterator<Item = usize> + 'b {
        self.0.iter().zip(&other.0).enumerate().flat_map(|(index, (ours, theirs))| {
            let mut word = ours & theirs;
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
                word &= word - 1;
                Some(index * 64 + bit)
            })
        })
    }
}

impl Cover {
    /// Prepares a configuration. Rules of ours do not count as they stand here: those that are kept are given apart.
    pub fn of(policy: &Policy<'_>, kept: &[(RuleName, Spelling)], config: &Config) -> Self {
        let ports = StandardPorts(policy.configuration);
        let allows = |facts: &RuleFacts| certain(facts, config, &ports);
        let above = policy.rules[..policy.bottom]
            .iter()
            .filter_map(Rule::as_it_stands)
            .chain(policy.deleted.iter().copied())
            .flat_map(allows)
            .chain(kept.iter().map(|(name, spelling)| Allow::owned(Some(name.clone()), spelling)))
            .collect();
        let below = policy.rules[policy.bottom..]
            .iter()
            .filter_map(Rule::as_it_stands)
            .chain(&policy.configuration.default_rules)
            .filter_map(|facts| lower(facts, config, &ports))
            .collect();
        Self { above, below, by_service: BTreeMap::new(), by_peer: BTreeMap::new() }
    }

    /// Is every packet of the atom allowed for certain?
    pub fn verdict(&mut self, atom: &Atom) -> Verdict {
        self.verdict_beside(atom, &[])
    }

    /// The same question, when these rules will stand there too.
    pub(crate) fn verdict_beside(&mut self, atom: &Atom, beside: &[&Spelling]) -> Verdict {
        let key = (atom.direction, atom.service.clone());
        let above = &self.above;
        let filtered = self.by_service.entry(key).or_insert_with(|| filter(above, atom));
        let meets_peer = self.by_peer.entry((atom.direction, atom.peer)).or_insert_with(|| {
            Bits::of(above.iter().map(|allow| allow.side(atom.direction, Side::Peer).meets(atom.peer)))
        });
        let beside: Vec<_> = beside.iter().map(|spelling| Allow::owned(None, spelling)).collect();
        let lower = allows_below(&self.below, atom);
        let mut evidence = BTreeSet::new();
        for (app, service) in filtered.iter() {
            let more = beside.iter().chain(lower.iter().copied()).filter(|allow| allow.admits(atom, app.as_ref()));
            let rules: Vec<_> = service
                .common(meets_peer)
                .map(|index| &above[index])
                .chain(more)
                .filter(|allow| allow.side(atom.direction, Side::Local).meets(atom.local))
                .collect();
            let proof = Proof { atom, app: app.as_ref(), rules };
            if let Some(packet) = proof.gap(&mut evidence) {
                return Verdict::Gap(packet);
            }
        }
        Verdict::Allowed(evidence)
    }
}

/// For each application that the atom names (or for any), the rules that admit it on the atom's protocol.
fn filter(rules: &[Allow], atom: &Atom) -> Filtered {
    let apps: Vec<_> = match &atom.service.apps {
        Apps::Any => vec![None],
        Apps::Named(names) => names.iter().cloned().map(Some).collect(),
    };
    apps.into_iter()
        .map(|app| {
            let bits = Bits::of(rules.iter().map(|allow| allow.admits(atom, app.as_ref())));
            (app, bits)
        })
        .collect()
}

/// Below the bottom rule allows count only until the first rule that might deny any packet of the atom.
fn allows_below<'c>(below: &'c [Lower], atom: &Atom) -> Vec<&'c Allow> {
    let mut found = Vec::new();
    for lower in below {
        match lower {
            Lower::Allows(allows) => found.extend(allows),
            Lower::Denies(deny) if deny.might_deny(atom) => break,
            Lower::Denies(_) => {}
        }
    }
    found
}

/// The two sides of an atom.
#[derive(Clone, Copy)]
enum Side {
    Local,
    Peer,
}

impl Allow {
    /// A rule as we write it.
    fn owned(rule: Option<RuleName>, spelling: &Spelling) -> Self {
        let (source, destination) = spelling.columns();
        Self {
            rule,
            directions: [spelling.direction == Direction::Ingress, spelling.direction == Direction::Egress],
            apps: spelling.service.apps.clone(),
            source: source.iter().copied().collect(),
            destination: destination.iter().copied().collect(),
            l4: vec![spelling.service.l4],
        }
    }

    fn side(&self, direction: Direction, side: Side) -> &Set<Address> {
        match (direction, side) {
            (Direction::Ingress, Side::Peer) | (Direction::Egress, Side::Local) => &self.source,
            (Direction::Ingress, Side::Local) | (Direction::Egress, Side::Peer) => &self.destination,
        }
    }

    /// Whether some packets of the atom's service and this application of it may be let through.
    fn admits(&self, atom: &Atom, app: Option<&AppName>) -> bool {
        let by_app = match (&self.apps, app) {
            (Apps::Any, _) => true,
            (Apps::Named(names), Some(app)) => names.contains(app),
            (Apps::Named(_), None) => false,
        };
        self.directions[atom.direction as usize]
            && by_app
            && self.l4.iter().any(|l4| match atom.service.l4 {
                L4::Any => *l4 == L4::Any,
                wanted @ (L4::Tcp(_) | L4::Udp(_) | L4::Ip(_)) => l4.meets(wanted),
            })
    }

    /// The ports of the atom's protocol that are let through.
    fn ports(&self, of: L4) -> Set<u16> {
        let all = Range::unchecked(0, u16::MAX);
        self.l4
            .iter()
            .filter_map(|l4| match (l4, of) {
                (L4::Any, _) => Some(all),
                (L4::Tcp(ports), L4::Tcp(_)) | (L4::Udp(ports), L4::Udp(_)) => Some(*ports),
                (L4::Ip(held), L4::Ip(wanted)) if *held == wanted => Some(all),
                (L4::Tcp(_) | L4::Udp(_) | L4::Ip(_), _) => None,
            })
            .collect()
    }
}

/// A box of packets: one range for each dimension.
#[derive(Clone, Copy)]
struct Cube {
    local: AddressRange,
    peer: AddressRange,
    ports: Range<u16>,
}

impl Cube {
    fn of(atom: &Atom) -> Self {
        let ports = match atom.service.l4 {
            L4::Tcp(ports) | L4::Udp(ports) => ports,
            L4::Any | L4::Ip(_) => Range::unchecked(0, u16::MAX),
        };
        Self { local: atom.local, peer: atom.peer, ports }
    }
}

/// The proof of one atom and one application of it.
struct Proof<'p> {
    atom: &'p Atom,
    app: Option<&'p AppName>,
    rules: Vec<&'p Allow>,
}

/// How a cube stands to the rules.
enum Step {
    /// A rule lets all of it through.
    Held(Option<RuleName>),
    /// This rule is the first to let some of it through: the pieces are to be proved from there on.
    Cut(usize, Vec<Cube>),
    /// No rule lets any of it through.
    Bare,
}

impl Proof<'_> {
    /// A packet of the atom that none of the rules lets through. Rules that let some of it through become evidence.
    fn gap(&self, evidence: &mut BTreeSet<RuleName>) -> Option<Packet> {
        let mut open = vec![(0, Cube::of(self.atom))];
        let mut steps = STEPS_MAX;
        while let Some((first, cube)) = open.pop() {
            match self.step(first, cube) {
                Step::Held(rule) => evidence.extend(rule),
                Step::Cut(index, pieces) if steps > 0 => open.extend(pieces.into_iter().map(|piece| (index, piece))),
                Step::Cut(..) | Step::Bare => return Some(self.packet(cube)),
            }
            steps = steps.saturating_sub(1);
        }
        None
    }

    /// Rules before the first are known not to meet the cube.
    fn step(&self, first: usize, cube: Cube) -> Step {
        let mut meeting = None;
        for (index, allow) in self.rules.iter().enumerate().skip(first) {
            let local = allow.side(self.atom.direction, Side::Local);
            let peer = allow.side(self.atom.direction, Side::Peer);
            if !local.meets(cube.local) || !peer.meets(cube.peer) {
                continue;
            }
            let ports = allow.ports(self.atom.service.l4);
            if !ports.meets(cube.ports) {
                continue;
            }
            if local.contains(cube.local) && peer.contains(cube.peer) && ports.contains(cube.ports) {
                return Step::Held(allow.rule.clone());
            }
            meeting.get_or_insert_with(|| (index, cut(cube, local, peer, &ports)));
        }
        meeting.map_or(Step::Bare, |(index, pieces)| Step::Cut(index, pieces))
    }

    fn packet(&self, cube: Cube) -> Packet {
        let port = Range::single(cube.ports.first());
        let l4 = match self.atom.service.l4 {
            L4::Tcp(_) => L4::Tcp(port),
            L4::Udp(_) => L4::Udp(port),
            other @ (L4::Any | L4::Ip(_)) => other,
        };
        Packet {
            direction: self.atom.direction,
            local: cube.local.first(),
            peer: cube.peer.first(),
            l4,
            app: self.app.cloned(),
        }
    }
}

/// Cuts a cube along the edges of a rule that meets it but does not hold it, in the first dimension that reaches beyond.
fn cut(cube: Cube, local: &Set<Address>, peer: &Set<Address>, ports: &Set<u16>) -> Vec<Cube> {
    if !local.contains(cube.local) {
        slices(cube.local, local).into_iter().map(|local| Cube { local, ..cube }).collect()
    } else if !peer.contains(cube.peer) {
        slices(cube.peer, peer).into_iter().map(|peer| Cube { peer, ..cube }).collect()
    } else {
        slices(cube.ports, ports).into_iter().map(|ports| Cube { ports, ..cube }).collect()
    }
}

/// A range, cut at the edges of the first range of the set that it meets.
fn slices<T: crate::range::Countable>(range: Range<T>, set: &Set<T>) -> Vec<Range<T>> {
    let Some(edge) = set.meeting(range).next() else { return vec![range] };
    let [below, above] = range.minus(edge);
    [below, above, range.intersection(edge)].into_iter().flatten().collect()
}

/// Standard ports of applications: the device's where it was asked, else the few that mean exactly one port everywhere, and
/// those that have none because they are protocols.
struct StandardPorts<'a>(&'a Configuration);

impl StandardPorts<'_> {
    fn of(&self, app: &AppName) -> Option<Vec<L4>> {
        let by_device = self.0.standard_ports.get(app).cloned();
        let by_port = || {
            let (_, port) = STANDARD_PORT.iter().find(|(name, _)| *name == app.as_str())?;
            Some(vec![L4::Tcp(Range::single(*port))])
        };
        let by_protocol = || Some(vec![L4::Ip(Service::protocol_of(&BTreeSet::from([app.clone()]))?)]);
        by_device.or_else(by_port).or_else(by_protocol)
    }

    fn known(&self) -> BTreeSet<AppName> {
        let everywhere = STANDARD_PORT.iter().map(|(name, _)| name).chain(APPS_WITHOUT_PORTS);
        self.0.standard_ports.keys().cloned().chain(everywhere.filter_map(|name| name.parse().ok())).collect()
    }
}

/// Which directions a rule speaks of: ingress, egress.
fn directions(facts: &RuleFacts, config: &Config) -> [bool; 2] {
    let speaks = |from: &ZoneName, to: &ZoneName| {
        let by_type = match facts.rule_type {
            RuleType::Universal => true,
            RuleType::Intrazone => from == to,
            RuleType::Interzone => from != to,
        };
        // An intrazone rule has no destination zones of its own.
        let to = if facts.rule_type == RuleType::Intrazone { facts.from.include(to) } else { facts.to.include(to) };
        by_type && facts.from.include(from) && to
    };
    [speaks(&config.untrust, &config.trust), speaks(&config.trust, &config.untrust)]
}

/// The boxes that a foreign rule allows for certain: none if anything narrows it.
fn certain(facts: &RuleFacts, config: &Config, ports: &StandardPorts<'_>) -> Vec<Allow> {
    let directions = directions(facts, config);
    let (Addresses::Known { set: source, .. }, Addresses::Known { set: destination, .. }) =
        (&facts.source, &facts.destination)
    else {
        return Vec::new();
    };
    let counts = facts.status == Status::Enabled
        && facts.action == Action::Allow
        && facts.narrowed_by.is_empty()
        && directions.contains(&true);
    if !counts {
        return Vec::new();
    }
    services(&facts.applications, &facts.service, ports)
        .into_iter()
        .map(|(apps, l4)| Allow {
            rule: Some(facts.name.clone()),
            directions,
            apps,
            source: source.clone(),
            destination: destination.clone(),
            l4,
        })
        .collect()
}

/// What the application and service columns let through together. `application-default` ties each application to its own
/// ports; applications whose ports nobody told us are left out.
fn services(applications: &Applications, service: &Services, ports: &StandardPorts<'_>) -> Vec<(Apps, Vec<L4>)> {
    let apps = match applications {
        Applications::Any => Apps::Any,
        Applications::Named(names) => Apps::Named(names.clone()),
        Applications::Unknown => return Vec::new(),
    };
    let by_default = |names: BTreeSet<AppName>| {
        names
            .into_iter()
            .filter_map(|name| {
                let l4 = ports.of(&name)?;
                Some((Apps::Named(BTreeSet::from([name])), l4))
            })
            .collect()
    };
    match (service, apps) {
        (Services::Any, apps) => vec![(apps, vec![L4::Any])],
        (Services::Ports { l4, .. }, apps) => vec![(apps, l4.clone())],
        (Services::ApplicationDefault, Apps::Named(names)) => by_default(names),
        (Services::ApplicationDefault, Apps::Any) => by_default(ports.known()),
        (Services::Unknown, _) => Vec::new(),
    }
}

fn lower(facts: &RuleFacts, config: &Config, ports: &StandardPorts<'_>) -> Option<Lower> {
    match (facts.status, facts.action) {
        (Status::Disabled, _) => None,
        (Status::Enabled, Action::Allow) => Some(Lower::Allows(certain(facts, config, ports))),
        (Status::Enabled, Action::Deny) => Some(Lower::Denies(Box::new(MayDeny::of(facts, config)))),
    }
}

impl MayDeny {
    fn of(facts: &RuleFacts, config: &Config) -> Self {
        Self {
            directions: directions(facts, config),
            source: facts.source.clone(),
            destination: facts.destination.clone(),
            applications: facts.applications.clone(),
            service: facts.service.clone(),
        }
    }

    fn might_deny(&self, atom: &Atom) -> bool {
        let meets = |addresses: &Addresses, range| match addresses {
            Addresses::Known { set, .. } => set.meets(range),
            Addresses::Unknown => true,
        };
        let (source, destination) = match atom.direction {
            Direction::Ingress => (atom.peer, atom.local),
            Direction::Egress => (atom.local, atom.peer),
        };
        let apps = match (&self.applications, &atom.service.apps) {
            (Applications::Named(names), Apps::Named(wanted)) => !names.is_disjoint(wanted),
            (Applications::Any | Applications::Unknown | Applications::Named(_), _) => true,
        };
        let ports = match &self.service {
            Services::Ports { l4, .. } => l4.iter().any(|l4| l4.meets(atom.service.l4)),
            Services::Any | Services::ApplicationDefault | Services::Unknown => true,
        };
        self.directions[atom.direction as usize]
            && meets(&self.source, source)
            && meets(&self.destination, destination)
            && apps
            && ports
    }
}

/// Foreign rules above the bottom rule that may block packets of ours, for the report: our rule takes effect when the
/// administrator lifts them.
pub struct Overrides<'a>(Vec<(&'a RuleName, MayDeny)>);

impl<'a> Overrides<'a> {
    /// Finds them once for all atoms.
    pub fn of(policy: &Policy<'a>, config: &Config) -> Self {
        let denies = |facts: &RuleFacts| {
            facts.status == Status::Enabled && facts.action == Action::Deny && facts.narrowed_by.is_empty()
        };
        let above = policy.foreign().take_while(|(index, _)| *index < policy.bottom).map(|(_, facts)| facts);
        Self(above.filter(|facts| denies(facts)).map(|facts| (&facts.name, MayDeny::of(facts, config))).collect())
    }

    /// Those that block packets of this atom.
    pub fn of_atom(&self, atom: &Atom) -> impl Iterator<Item = &'a RuleName> {
        self.0.iter().filter(|(_, deny)| deny.might_deny(atom)).map(|(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rulebase::Rulebase, sample};

    #[track_caller]
    fn check(rules: &str, atom: &str, expected: &str) {
        let (config, firewall) = (sample::config(), sample::quiet(sample::configuration(rules)));
        let rulebase = Rulebase::read(&firewall, &config).unwrap();
        let said = match Cover::of(&rulebase.candidate, &[], &config).verdict(&sample::atom(atom)) {
            Verdict::Allowed(by) => by.iter().map(RuleName::as_str).collect::<Vec<_>>().join(" "),
            Verdict::Gap(packet) => format!("gap: {packet}"),
        };
        assert_eq!(said, expected, "{rules}");
    }

    const SSH: &str = "8.8.8.0/24 -> 10.0.1.10 ssh@tcp/22";
    const GAP: &str = "gap: 8.8.8.0 -> 10.0.1.10 tcp 22 (ssh)";

    #[test]
    fn a_certain_allow_above_the_bottom_rule_is_enough() {
        check("web any -> any", SSH, "web");
        check("web any -> 10.0.0.0/8 tcp/22 app:ssh,ssl", SSH, "web");
        check("web any -> any from:any to:any app-default", SSH, "web");
        check("web any -> any app-default app:ssh", SSH, "web");
        // A deny above does not enter: ours would stand below it as well.
        check("no any -> any deny\n web any -> any", SSH, "web");
    }

    #[test]
    fn whatever_narrows_a_rule_or_is_not_known_for_certain_makes_it_count_for_nothing() {
        for rule in [
            "web any -> any disabled",
            "web any -> any deny",
            "web any -> any user",
            "web any -> any fqdn",
            "web any -> any app:ssl",
            "web any -> any tcp/23",
            "web any -> any udp/22",
            "web any -> any from:dmz",
            "web any -> any intrazone",
            "web any -> any app:telnet app-default",
            "web any -> 10.0.1.11",
            "web 2001:db8::/32 -> any",
        ] {
            check(rule, SSH, GAP);
        }
    }

    #[test]
    fn several_rules_may_allow_together_and_a_gap_is_shown() {
        check("a 8.8.8.0/25 -> any\n b 8.8.8.128/25 -> any", SSH, "a b");
        check("a 8.8.8.0/25 -> any\n b 8.8.8.129-8.8.8.255 -> any", SSH, "gap: 8.8.8.128 -> 10.0.1.10 tcp 22 (ssh)");
        check("a any -> any tcp/1-100\n b any -> any tcp/101-200", "8.8.8.0/24 -> 10.0.1.10 tcp/50-150", "a b");
        check(
            "a any -> any tcp/1-100\n b any -> any tcp/102-200",
            "8.8.8.0/24 -> 10.0.1.10 tcp/50-150",
            "gap: 8.8.8.0 -> 10.0.1.10 tcp 101",
        );
    }

    #[test]
    fn a_service_of_several_applications_is_covered_when_each_of_them_is() {
        let icmp = "8.8.8.0/24 -> 10.0.1.10 icmp,ping@ip/1";
        check("a any -> any app:ping app-default\n b any -> any app:icmp app-default", icmp, "a b");
        check("a any -> any app-default", icmp, "a");
        check("a any -> any app:ping app-default", icmp, "gap: 8.8.8.0 -> 10.0.1.10 protocol 1 (icmp)");
        check("a any -> any app:ping app-default", "8.8.8.0/24 -> 10.0.1.10 all", "gap: 8.8.8.0 -> 10.0.1.10 any");
    }

    #[test]
    fn below_the_bottom_rule_allows_count_until_something_might_deny() {
        check("clean-up any -> any deny tcp/23\n web any -> any", SSH, "web");
        check("clean-up any -> any deny tcp/23\n no 8.8.8.8 -> any deny user\n web any -> any", SSH, GAP);
        check("clean-up any -> any deny tcp/23\n no 9.9.9.9 -> any deny user\n web any -> any", SSH, "web");
        check("clean-up any -> any deny tcp/23\n no any -> any deny app:ssl\n web any -> any", SSH, "web");
        check("clean-up any -> any deny\n web any -> any post", SSH, GAP);
    }

    #[test]
    fn an_atom_cut_into_thousands_of_slivers_is_not_covered() {
        let slivers = |number: u16| {
            let lines = (0..number).map(|n| format!("r{n} 8.8.{}.{} -> any\n", n / 256, n % 256));
            lines.collect::<String>()
        };
        let (config, firewall) = (sample::config(), sample::quiet(sample::configuration(&slivers(4096))));
        let rulebase = Rulebase::read(&firewall, &config).unwrap();
        let mut cover = Cover::of(&rulebase.candidate, &[], &config);
        let atom = |peer: &str| sample::atom(&format!("{peer} -> 10.0.1.10 ssh@tcp/22"));
        assert!(matches!(cover.verdict(&atom("8.8.0.0/21")), Verdict::Allowed(by) if by.len() == 2048));
        assert!(matches!(cover.verdict(&atom("8.8.0.0/20")), Verdict::Gap(_)));
    }

    #[test]
    fn denies_above_the_bottom_rule_that_meet_an_atom_override_it() {
        let rules = "no 8.8.8.8 -> any deny\n other 9.9.9.9 -> any deny\n by-app any -> any deny app:ssl\n \
                     some any -> any deny user\n off any -> any deny disabled\n ssh any -> any deny tcp/22\n web any -> any\n \
                     clean-up any -> any deny\n late any -> any deny";
        let (config, firewall) = (sample::config(), sample::quiet(sample::configuration(rules)));
        let rulebase = Rulebase::read(&firewall, &config).unwrap();
        let overrides = Overrides::of(&rulebase.candidate, &config);
        let names: Vec<_> = overrides.of_atom(&sample::atom(SSH)).map(RuleName::as_str).collect();
        assert_eq!(names, ["no", "ssh"]);
    }
}
