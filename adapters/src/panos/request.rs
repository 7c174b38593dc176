//! What is sent to the firewall: parameters of its XML API. Pure, so that every request can be seen in a test.

use drawbridge_core::{
    firewall::CommitNote,
    id::{AdminName, JobId},
};

use super::{locks::Lock, text::xml, xpath::XPath};

/// The parameters of one request. The API key is not among them: it is a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    parameters: Vec<(&'static str, String)>,
}

/// PAN-OS takes no longer request (vendor documentation, "Structure of a PAN-OS XML API request").
pub const SIZE_MAX: usize = 5_000_000;

/// Characters of an audit comment that PAN-OS takes.
const COMMENT_MAX: usize = 256;

impl Request {
    fn new<const N: usize>(parameters: [(&'static str, &str); N]) -> Self {
        Self { parameters: parameters.into_iter().map(|(name, value)| (name, value.to_owned())).collect() }
    }

    /// What kind of request it is, without anything that is in it: `config get`, `commit`.
    pub fn kind(&self) -> String {
        let kinds = self.parameters.iter().filter(|(name, _)| matches!(*name, "type" | "action"));
        kinds.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Reads part of the candidate.
    pub fn candidate(xpath: &XPath) -> Self {
        Self::new([("type", "config"), ("action", "get"), ("xpath", xpath.as_str())])
    }

    /// Reads part of the running configuration.
    pub fn running(xpath: &XPath) -> Self {
        Self::new([("type", "config"), ("action", "show"), ("xpath", xpath.as_str())])
    }

    /// Changes the candidate in one transaction. Without `strict-transactional`: that would first roll back what we left
    /// uncommitted, and a plan counts it as there.
    pub fn transaction(element: &str) -> Self {
        Self::new([("type", "config"), ("action", "multi-config"), ("element", element)])
    }

    /// Says why a rule is changed, for the audit trail of the next commit (command as in `PaloAltoNetworks/pan-os-codegen` and
    /// its Terraform provider). What is too long is cut at its beginning: which run it was stands at the end.
    pub fn audit_comment(rule: &XPath, why: &str) -> Self {
        let cut = why.chars().count().saturating_sub(COMMENT_MAX);
        let why: String = why.chars().skip(cut).collect();
        let (path, why) = (xml(rule.as_str()), xml(&why));
        Self::op(&format!("<set><audit-comment><xpath>{path}</xpath><comment>{why}</comment></audit-comment></set>"))
    }

    /// Runs an operational command.
    fn op(command: &str) -> Self {
        Self::new([("type", "op"), ("cmd", command)])
    }

    /// Who is there: version, serial number, clock.
    pub fn system_info() -> Self {
        Self::op("<show><system><info></info></system></show>")
    }

    /// Whether the unit is active.
    pub fn high_availability() -> Self {
        Self::op("<show><high-availability><state></state></high-availability></show>")
    }

    /// Who is logged in, ourselves among them.
    pub fn admins() -> Self {
        Self::op("<show><admins></admins></show>")
    }

    /// Whether candidate and running configuration differ.
    pub fn pending_changes() -> Self {
        Self::op("<check><pending-changes></pending-changes></check>")
    }

    /// Who changed what since the last commit.
    pub fn journal() -> Self {
        Self::op("<show><config><list><changes></changes></list></config></show>")
    }

    /// All jobs that the firewall remembers.
    pub fn jobs() -> Self {
        Self::op("<show><jobs><all></all></jobs></show>")
    }

    /// Who holds such a lock. The virtual system must be named since 9.1 (`PaloAltoNetworks/pango#88`).
    pub fn locks(lock: Lock) -> Self {
        let name = lock.name();
        Self::op(&format!("<show><{name}-locks><vsys>all</vsys></{name}-locks></show>"))
    }

    /// Gives up a lock of one's own; its scope is a virtual system, or `shared`.
    pub fn unlock(lock: Lock, scope: &str) -> Self {
        let (name, scope) = (lock.name(), ("vsys", scope));
        let command = format!("<request><{name}-lock><remove></remove></{name}-lock></request>");
        Self::new([("type", "op"), ("cmd", &command), scope])
    }

    /// One job.
    pub fn job(id: JobId) -> Self {
        Self::op(&format!("<show><jobs><id>{}</id></jobs></show>", id.0))
    }

    /// Commits what this administrator has changed, and nobody else's work.
    pub fn commit(admin: &AdminName, note: &CommitNote) -> Self {
        let (note, scope) = (xml(&note.to_string()), own(admin));
        let command = format!("<commit><description>{note}</description>{scope}</commit>");
        Self::new([("type", "commit"), ("action", "partial"), ("cmd", &command)])
    }

    /// Commits everybody's changes.
    pub fn commit_all(note: &CommitNote) -> Self {
        let command = format!("<commit><description>{}</description></commit>", xml(&note.to_string()));
        Self::new([("type", "commit"), ("cmd", &command)])
    }

    /// Takes back what this administrator has changed since the last commit.
    pub fn revert(admin: &AdminName) -> Self {
        Self::op(&format!("<revert><config>{}</config></revert>", own(admin)))
    }

    /// Names and values, not yet encoded.
    pub fn parameters(&self) -> &[(&'static str, String)] {
        &self.parameters
    }

    /// As a form.
    pub fn encoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.parameters).finish()
    }

    /// How long the form is, without making it.
    pub fn encoded_len(&self) -> usize {
        self.parameters.iter().map(|(name, value)| name.len() + encoded_len(value) + 2).sum::<usize>().saturating_sub(1)
    }
}

/// The length of a text in a form.
pub fn encoded_len(text: &str) -> usize {
    form_urlencoded::byte_serialize(text.as_bytes()).map(str::len).sum()
}

fn own(admin: &AdminName) -> String {
    format!("<partial><admin><member>{}</member></admin></partial>", xml(admin.as_str()))
}

#[cfg(test)]
mod tests {
    use drawbridge_core::firewall::Digest;
    use expect_test::{Expect, expect};

    use super::*;
    use crate::panos::xpath::Vsys;

    #[track_caller]
    fn check(request: &Request, expected: &Expect) {
        let lines: Vec<_> = request.parameters().iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        expected.assert_eq(&lines.concat());
        assert_eq!(request.encoded().len(), request.encoded_len());
    }

    #[test]
    fn a_commit_is_of_our_own_changes_and_says_whose_they_are() {
        let note = CommitNote {
            owner: "aws <sync> & \"co\"".parse().unwrap(),
            digest: Digest(0xabc),
            run: None,
            naming: None,
        };
        let admin = "fw<sync>".parse().unwrap();
        check(
            &Request::commit(&admin, &note),
            &expect![[r#"
                type=commit
                action=partial
                cmd=<commit><description>drawbridge 0000000000000abc aws &lt;sync&gt; &amp; &quot;co&quot;</description><partial><admin><member>fw&lt;sync&gt;</member></admin></partial></commit>
            "#]],
        );
        check(
            &Request::revert(&admin),
            &expect![[r#"
                type=op
                cmd=<revert><config><partial><admin><member>fw&lt;sync&gt;</member></admin></partial></config></revert>
            "#]],
        );
    }

    #[test]
    fn reads_tell_candidate_and_running_apart() {
        check(
            &Request::candidate(&XPath::vsys(&Vsys::default())),
            &expect![[r#"
                type=config
                action=get
                xpath=/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']
            "#]],
        );
        check(
            &Request::running(&XPath::shared()),
            &expect![[r#"
                type=config
                action=show
                xpath=/config/shared
            "#]],
        );
        check(
            &Request::job(JobId(7)),
            &expect![[r#"
                type=op
                cmd=<show><jobs><id>7</id></jobs></show>
            "#]],
        );
    }
}
