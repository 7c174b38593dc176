//! Answers of operational commands: who the firewall is, and whether it may be written to.

use drawbridge_core::{
    command::{Failure, Trouble},
    id::AdminName,
};

use super::{clock::DeviceTime, cursor::Element, text::clean, xml::Malformed};

/// What `show system info` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SystemInfo {
    /// `10.2.9-h1`.
    pub(super) version: String,
    /// The content update, which brings applications.
    pub(super) content: String,
    /// What time it is there.
    pub(super) time: Option<DeviceTime>,
}

/// The first release whose transactions are documented without an operational command to enable them.
const OLDEST: (u32, u32) = (10, 1);

impl SystemInfo {
    /// Who is there, if it is new enough.
    pub(super) fn of(response: &Element<'_>) -> Result<Self, Failure> {
        let system = response.at(&["result", "system"]);
        let text = |name: &str| system.and_then(|system| system.text_at(&[name]));
        let version = text("sw-version").ok_or_else(|| missing("show system info", "sw-version"))?;
        let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(major), Some(minor)) if (major, minor) >= OLDEST => Ok(Self {
                version: clean(version),
                content: text("app-version").unwrap_or_default().to_owned(),
                time: text("time").and_then(DeviceTime::parse_clock),
            }),
            _ => Err(Trouble::TooOld(clean(version)).permanent()),
        }
    }
}

/// Whether this unit is the one to write to (states as in `hknutzen/Netspoc-Approve`).
pub(super) fn check_active(response: &Element<'_>) -> Result<(), Failure> {
    const COMMAND: &str = "show high-availability state";
    match response.text_at(&["result", "enabled"]) {
        Some("no") => return Ok(()),
        Some(_) => {}
        None => return Err(missing(COMMAND, "enabled")),
    }
    let state = response.text_at(&["result", "group", "local-info", "state"]);
    match state.or_else(|| response.text_at(&["result", "local-info", "state"])) {
        Some("active" | "active-primary") => Ok(()),
        Some(other) => Err(Trouble::Passive(clean(other)).permanent()),
        None => Err(missing(COMMAND, "state")),
    }
}

/// Which of the administrators logged in is asking.
pub(super) fn own_name(response: &Element<'_>) -> Option<AdminName> {
    let admins = response.at(&["result", "admins"]).or_else(|| response.at(&["result"]))?;
    let own = admins.all("entry").find(|entry| entry.at(&["self"]).is_some_and(is_yes))?;
    let name = own.text_at(&["admin"]).or_else(|| own.tag.attribute("name").map(|name| &**name))?;
    name.parse().ok()
}

/// `<self/>` and `<self>yes</self>` alike.
fn is_yes(element: &Element<'_>) -> bool {
    matches!(&*element.text, "" | "yes" | "*")
}

/// Whether anything waits for a commit.
pub(super) fn is_pending(response: &Element<'_>) -> Result<bool, Failure> {
    match response.text_at(&["result"]) {
        Some("yes") => Ok(true),
        Some("no") => Ok(false),
        _ => Err(missing("check pending-changes", "yes` or `no")),
    }
}

fn missing(command: &str, element: &str) -> Failure {
    let why = Malformed::Content(format!("`{command}` answered without `{element}`"));
    Trouble::NotPanos(why.to_string()).permanent()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panos::response::{Answer, tree};

    fn with<T>(result: &str, read: impl Fn(&Element<'_>) -> T) -> T {
        let document = format!("<response status='success'><result>{result}</result></response>");
        read(&tree(&Answer { status: 200, document }).unwrap())
    }

    #[test]
    fn releases_without_transactions_are_refused() {
        let info = |version: &str| {
            with(
                &format!("<system><sw-version>{version}</sw-version><time>Tue Feb  3 10:11:12 2026</time></system>"),
                SystemInfo::of,
            )
        };
        assert!(info("10.2.9-h1").unwrap().time.is_some());
        assert!(info("10.1.0").is_ok() && info("11.0").is_ok());
        assert_eq!(info("10.0.4").unwrap_err(), Trouble::TooOld("10.0.4".into()).permanent());
        assert!(info("9.1.3").is_err() && info("new").is_err());
        assert!(matches!(with("", SystemInfo::of).unwrap_err().what, Trouble::NotPanos(_)));
    }

    #[test]
    fn only_an_active_unit_is_written_to() {
        let check = |result: &str| with(result, check_active).map_err(|failure| failure.what.to_string());
        let state = |state: &str| {
            format!(
                "<enabled>yes</enabled><group><local-info><state>{state}</state></local-info><peer-info><state>active</state></peer-info></group>"
            )
        };
        assert_eq!(check("<enabled>no</enabled>"), Ok(()));
        assert_eq!(check(&state("active")), Ok(()));
        assert_eq!(check(&state("active-primary")), Ok(()));
        assert!(check(&state("passive")).unwrap_err().starts_with("this unit is passive, not active"));
        assert!(
            check(&state("active-secondary")).is_err()
                && check("").is_err()
                && check("<enabled>yes</enabled>").is_err()
        );
    }

    #[test]
    fn our_own_name_is_the_one_marked_self() {
        let name = |result: &str| with(result, own_name).map(|name| name.to_string());
        let listed = "<admins><entry><admin>bob</admin></entry><entry><admin>fwsync</admin><self/></entry></admins>";
        assert_eq!(name(listed).as_deref(), Some("fwsync"));
        assert_eq!(name("<admins><entry name='fwsync'><self>yes</self></entry></admins>").as_deref(), Some("fwsync"));
        assert_eq!(name("<admins><entry><admin>bob</admin><self>no</self></entry></admins>"), None);
        assert_eq!(name(""), None);
    }

    #[test]
    fn pending_is_yes_or_no() {
        assert_eq!(with("yes", is_pending), Ok(true));
        assert_eq!(with("no", is_pending), Ok(false));
        assert!(with("perhaps", is_pending).is_err());
    }
}
