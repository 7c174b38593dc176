//! What must be put right by a person before anything may be decided.

use std::{collections::BTreeSet, fmt};

use super::{Owned, Policy, is_own_service};
use crate::{
    config::Config,
    firewall::{Configuration, Firewall, Node, Pending, Place},
    id::{AdminName, FormerName, OwnedName, ProfileName, Region, RuleName, TagName, ZoneName},
    plan::Stamp,
};

/// Why nothing can be decided about this firewall.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The bottom rule is not there.
    #[error("the bottom rule `{0}` does not exist in the {1}: create it, or name another in `policy.bottom_rule`")]
    NoBottomRule(RuleName, Which),
    /// The bottom rule is Panorama's.
    #[error(
        "the bottom rule `{0}` is pushed by Panorama, and our rules go above one of the firewall's own: create a rule at the end of those, and name it in `policy.bottom_rule`"
    )]
    BottomRulePushed(RuleName),
    /// Somebody works on the bottom rule.
    #[error("the bottom rule `{0}` has uncommitted work of `{1}`: commit or revert it")]
    BottomRuleHeld(RuleName, AdminName),
    /// A zone is not there.
    #[error("the zone `{0}` does not exist on the firewall: check `policy.untrust_zone` and `policy.trust_zone`")]
    NoZone(ZoneName),
    /// No zone at all is there.
    #[error(
        "there are no zones, so not `{0}` either: an exported configuration lacks what Panorama's templates bring; plan against the firewall itself, and ask `drawbridge doctor`"
    )]
    NoZones(ZoneName),
    /// The profile group is not there.
    #[error(
        "the security profile group `{0}` does not exist on the firewall: create it, or change `policy.security_profile_group`"
    )]
    NoProfileGroup(ProfileName),
    /// The log forwarding profile is not there.
    #[error(
        "the log forwarding profile `{0}` does not exist on the firewall: create it, or change `policy.log_setting`"
    )]
    NoLogSetting(ProfileName),
    /// What new rules refer to is there, but not committed.
    #[error("the {0} is in the candidate configuration alone: commit it, or the commits of our rules fail")]
    Uncommitted(Named),
    /// Our tag exists only as somebody else's uncommitted work.
    #[error("the tag `{0}` exists only as uncommitted work of `{1}`: commit or revert it")]
    TagHeld(TagName, AdminName),
    /// Somebody has deleted our tag, and not committed that.
    #[error("the tag `{0}` is deleted by uncommitted work of `{1}`: commit or revert it")]
    TagDeleted(TagName, AdminName),
    /// Our account has changed something that drawbridge does not change.
    #[error(
        "the account `{0}` has uncommitted changes of its own: {1}: commit or revert them, and keep this account for drawbridge alone"
    )]
    OwnWork(AdminName, Node),
    /// Nobody knows whose the API key is.
    #[error("the firewall does not say whose the API key is: set `firewall.admin`")]
    UnknownAdmin,
    /// None of the gateways is there: nothing would be exposed, and everything of ours would go.
    #[error("none of `gateways` exists in {0}: check `gateways`, `aws.region` and the credentials")]
    NoGateway(Region),
    /// Another deployment uses our tag.
    #[error("rule `{0}` carries our tag but was made for `{1}`: give each deployment a `policy.owner` of its own")]
    OtherAccount(OwnedName, Stamp),
}

impl Unfit {
    /// Why a configuration has no such bottom rule of its own.
    pub fn no_bottom_rule(configuration: &Configuration, name: &RuleName, which: Which) -> Self {
        match configuration.rules.iter().any(|rule| rule.name == *name && rule.place != Place::Local) {
            true => Self::BottomRulePushed(name.clone()),
            false => Self::NoBottomRule(name.clone(), which),
        }
    }
}

/// Which configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// What is being worked on.
    Candidate,
    /// What decides traffic.
    Running,
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Candidate => "candidate configuration",
            Self::Running => "running configuration",
        })
    }
}

/// Something that rules name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A zone.
    Zone(ZoneName),
    /// A security profile group.
    ProfileGroup(ProfileName),
    /// A log forwarding profile.
    LogSetting(ProfileName),
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone(name) => write!(f, "zone `{name}`"),
            Self::ProfileGroup(name) => write!(f, "security profile group `{name}`"),
            Self::LogSetting(name) => write!(f, "log forwarding profile `{name}`"),
        }
    }
}

impl Named {
    fn is_in(&self, configuration: &Configuration) -> bool {
        match self {
            Self::Zone(name) => configuration.zones.contains(name),
            Self::ProfileGroup(name) => configuration.profile_groups.contains(name),
            Self::LogSetting(name) => configuration.log_settings.contains(name),
        }
    }

    /// Whether it is there, and committed: a commit of ours takes nobody else's work along.
    ///
    /// # Errors
    /// [`Unfit`] says what is to be done.
    pub fn check(self, firewall: &Firewall) -> Result<(), Unfit> {
        match (self.is_in(&firewall.candidate), self.is_in(&firewall.running)) {
            (true, true) => Ok(()),
            (true, false) => Err(Unfit::Uncommitted(self)),
            (false, _) => Err(match self {
                Self::Zone(name) if firewall.candidate.zones.is_empty() => Unfit::NoZones(name),
                Self::Zone(name) => Unfit::NoZone(name),
                Self::ProfileGroup(name) => Unfit::NoProfileGroup(name),
                Self::LogSetting(name) => Unfit::NoLogSetting(name),
            }),
        }
    }
}

/// What the settings say must be there.
pub(super) fn check_settings(firewall: &Firewall, config: &Config) -> Result<(), Unfit> {
    let zones = [&config.untrust, &config.trust].map(|zone| Named::Zone(zone.clone()));
    let profile_group = config.profile_group.clone().map(Named::ProfileGroup);
    let log_setting = config.log_setting.clone().map(Named::LogSetting);
    zones.into_iter().chain(profile_group).chain(log_setting).try_for_each(|named| named.check(firewall))
}

pub(super) fn check_tag(firewall: &Firewall, config: &Config, admin: &AdminName) -> Result<(), Unfit> {
    if !firewall.candidate.tags.contains_key(&config.owner) {
        // What is deleted bears no marks; whoever wrote it again would write over the deletion.
        let tag = Node::Tag(config.owner.clone());
        let is_deletion = |pending: &&Pending| pending.node == tag && pending.admin != *admin;
        return match firewall.pending.iter().find(is_deletion) {
            Some(pending) => Err(Unfit::TagDeleted(config.owner.clone(), pending.admin.clone())),
            None => Ok(()),
        };
    }
    let pending_by =
        firewall.candidate.tags.get(&config.owner).and_then(|touched| touched.iter().find(|by| *by != admin));
    match pending_by {
        Some(by) if !firewall.running.tags.contains_key(&config.owner) => {
            Err(Unfit::TagHeld(config.owner.clone(), by.clone()))
        }
        Some(_) | None => Ok(()),
    }
}

/// Our own account may have changed nothing but our rules and objects: what we commit is everything that it changed.
pub(super) fn check_own_work(
    firewall: &Firewall,
    candidate: &Policy<'_>,
    running: &Policy<'_>,
    config: &Config,
    admin: &AdminName,
) -> Result<(), Unfit> {
    let owned: BTreeSet<&RuleName> =
        [candidate, running].into_iter().flat_map(Policy::owned).map(|rule| &rule.facts.name).collect();
    let configurations = [&firewall.candidate, &firewall.running];
    let exists = |name: &RuleName| configurations.iter().any(|held| held.rules.iter().any(|rule| rule.name == *name));
    // A rule that was added and deleted again is in neither configuration.
    let come_and_gone: BTreeSet<OwnedName> = firewall
        .pending
        .iter()
        .filter_map(|pending| match &pending.node {
            Node::Rule(name) if pending.admin == *admin && !owned.contains(name) && !exists(name) => {
                OwnedName::parse(name.as_str())
            }
            Node::Rule(_) | Node::Service(_) | Node::Tag(_) | Node::Other(_) => None,
        })
        .collect();
    // A rule without a number that is being adopted is noted under its former name as well.
    // What it was renamed to may have been deleted since: then the list of changes alone still knows that name.
    let is_new = |rule: &Owned<'_>| !running.has(&rule.facts.name);
    let is_renamed = |name: &RuleName| match FormerName::parse(name.as_str()) {
        Some(FormerName { subject, number: None }) if !candidate.has(name) => {
            candidate.owned().any(|rule| rule.name.subject == subject && is_new(rule))
                || come_and_gone.iter().any(|gone| gone.subject == subject)
        }
        Some(_) | None => false,
    };
    let is_ours = |node: &Node| match node {
        Node::Rule(name) => {
            let is_gone = || OwnedName::parse(name.as_str()).is_some_and(|name| come_and_gone.contains(&name));
            owned.contains(name) || is_gone() || is_renamed(name)
        }
        // One that was added and deleted again tells no more whose it was, and leaves nothing to commit.
        Node::Service(name) => {
            configurations.iter().any(|held| is_own_service(held, name, &config.owner))
                || !configurations.iter().any(|held| held.services.contains_key(name))
        }
        Node::Tag(name) => *name == config.owner,
        // The container of the rules: some releases note a move there.
        Node::Other(path) => path.ends_with("/rulebase/security/rules"),
    };
    // What somebody else works on as well may have been a rule of ours until then: that keeps us from committing, not from looking.
    let is_shared = |node: &Node| firewall.pending.iter().any(|other| other.node == *node && other.admin != *admin);
    let is_stray = |pending: &&Pending| pending.admin == *admin && !is_ours(&pending.node) && !is_shared(&pending.node);
    match firewall.pending.iter().find(is_stray) {
        Some(pending) => Err(Unfit::OwnWork(admin.clone(), pending.node.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{firewall::Effect, rulebase::Rulebase, sample};

    /// What our account has not committed, of the rules of `candidate` and `running`: `rule i-1-1`, `service tcp_8443`, `tag other`.
    #[track_caller]
    fn check(running: &str, candidate: &str, uncommitted: &[&str], stray: Option<&str>) {
        let mut firewall = sample::quiet(sample::configuration(running));
        firewall.candidate = Arc::new(sample::configuration(candidate));
        firewall.pending = uncommitted
            .iter()
            .map(|text| {
                let node = match text.split_once(' ').unwrap() {
                    ("rule", name) => Node::Rule(name.parse().unwrap()),
                    ("service", name) => Node::Service(name.parse().unwrap()),
                    ("tag", name) => Node::Tag(name.parse().unwrap()),
                    _ => panic!("`{text}` is no node"),
                };
                Pending { node, admin: sample::US.parse().unwrap(), effect: Effect::Changed }
            })
            .collect();
        let found = match Rulebase::read(&firewall, &sample::config()) {
            Ok(_) => None,
            Err(Unfit::OwnWork(_, node)) => Some(node.to_string()),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(found.as_deref(), stray, "{uncommitted:?}");
    }

    #[track_caller]
    fn check_unfit(firewall: &Firewall, expected: &str) {
        assert_eq!(Rulebase::read(firewall, &sample::config()).unwrap_err().to_string(), expected);
    }

    #[test]
    fn what_panorama_keeps_away_is_said_with_its_remedy() {
        let mut pushed = sample::configuration("web any -> any\n clean-up any -> any deny");
        pushed.rules.iter_mut().for_each(|rule| rule.place = Place::Post);
        check_unfit(
            &sample::quiet(pushed),
            "the bottom rule `clean-up` is pushed by Panorama, and our rules go above one of the firewall's own: create a rule at the end of those, and name it in `policy.bottom_rule`",
        );
        let mut exported = sample::configuration("clean-up any -> any deny");
        exported.zones.clear();
        check_unfit(
            &sample::quiet(exported),
            "there are no zones, so not `untrust` either: an exported configuration lacks what Panorama's templates bring; plan against the firewall itself, and ask `drawbridge doctor`",
        );
    }

    #[test]
    fn what_was_added_and_deleted_again_is_no_work_of_anybody_else() {
        check("", "", &["rule sg-web-1", "service tcp_8443", "tag bridge"], None);
        let foreign = "web any -> 10.0.1.10 tcp/8443";
        check(foreign, foreign, &["service svc_tcp_8443"], Some("service `svc_tcp_8443`"));
        check(foreign, "", &["service svc_tcp_8443"], Some("service `svc_tcp_8443`"));
        check("", foreign, &["service svc_tcp_8443"], Some("service `svc_tcp_8443`"));
        check("", "", &["tag other"], Some("tag `other`"));
    }

    #[test]
    fn a_former_name_is_ours_also_when_the_rule_that_had_it_is_deleted_under_its_new_one() {
        let former = "i-01 any -> 10.0.1.10 app:ssl app-default";
        let adopted = "i-01-1 any -> 10.0.1.10 app:ssl app-default ours";
        check(former, adopted, &["rule i-01", "rule i-01-1"], None);
        check(former, "", &["rule i-01", "rule i-01-1"], None);
        // Of another subject, with the former name still there, or with a rule that was in force already, it was no adoption.
        check(former, "", &["rule i-01", "rule i-02-1"], Some("rule `i-01`"));
        check(former, former, &["rule i-01", "rule i-01-1"], Some("rule `i-01`"));
        check(&format!("{former}\n{adopted}"), "", &["rule i-01", "rule i-01-1"], Some("rule `i-01`"));
        check(former, "", &["rule i-01"], Some("rule `i-01`"));
    }
}
