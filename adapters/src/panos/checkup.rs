//! Questions to a firewall that change nothing: whether it answers, who we are to it, and what our account may do.

use std::time::SystemTime;

use drawbridge_core::{
    command::{Failure, Trouble},
    firewall::{CommitNote, Digest},
    id::AdminName,
};

use super::{
    client::{Committed, Panos, Transport},
    locks::{self, Lock},
    request::Request,
    response::{Refusal, Rejection, tree},
    status::{SystemInfo, check_active, own_name},
    text::xml,
    xpath::XPath,
};

/// What one unit has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitCheckup {
    /// What the settings call it.
    pub name: String,
    /// Who it is; a failure says how far the question came.
    pub greeting: Result<Greeting, Failure>,
    /// Whether it may be written to; asked only of a unit that answers.
    pub active: Result<(), Failure>,
}

/// Who a unit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The release of PAN-OS.
    pub version: String,
    /// What its clock shows, read as if that were UTC: it tells no zone.
    pub clock: Option<SystemTime>,
}

/// A rule that nobody has: its deletion is a write that changes nothing.
const NO_RULE: &str = "drawbridge doctor asks whether it may write";

impl<T: Transport> Panos<T> {
    /// Asks every unit who it is, and stays with the first that may be written to.
    pub async fn check_units(&mut self) -> Vec<UnitCheckup> {
        let mut units = Vec::new();
        for unit in 0..self.transport.units() {
            self.transport.choose(unit);
            let name = self.transport.unit_name();
            let info = self.read(&Request::system_info(), SystemInfo::of).await;
            let active = match &info {
                Ok(_) => self.read(&Request::high_availability(), check_active).await,
                Err(failure) => Err(failure.clone()),
            };
            let clock = |info: &SystemInfo| info.time.map(|time| time.as_if_utc());
            let greeting = info.map(|info| Greeting { clock: clock(&info), version: info.version });
            units.push(UnitCheckup { name, greeting, active });
        }
        self.transport.choose(units.iter().position(|unit| unit.active.is_ok()).unwrap_or(0));
        units
    }

    /// The account that the firewall says is asking.
    ///
    /// # Errors
    /// If the firewall refuses, or does not answer.
    pub async fn asks_as(&mut self) -> Result<Option<AdminName>, Failure> {
        self.read(&Request::admins(), |response| Ok(own_name(response))).await
    }

    /// Whether our account may read the configuration.
    ///
    /// # Errors
    /// [`Trouble::RoleLacks`] if it may not.
    pub async fn may_read(&mut self) -> Result<(), Failure> {
        let path = XPath::vsys(&self.account.vsys).child("zone");
        self.read(&Request::candidate(&path), |_| Ok(())).await
    }

    /// Whether our account may write it, in transactions: one that deletes a rule that is not there.
    ///
    /// # Errors
    /// [`Trouble::RoleLacks`] if it may not, [`Trouble::TooOld`] if there are no transactions.
    pub async fn may_write(&mut self) -> Result<(), Failure> {
        let path = xml(XPath::rule(&self.account.vsys, NO_RULE).as_str());
        let element = format!("<multi-config><delete id=\"1\" xpath=\"{path}\"/></multi-config>");
        let answer = self.transport.send(&Request::transaction(&element)).await?;
        match tree(&answer) {
            Ok(_) | Err(Rejection::Refused(Refusal { code: Some(7), .. })) => Ok(()),
            Err(Rejection::Refused(Refusal { code: Some(17 | 400), culprit: None, .. })) => {
                Err(Trouble::TooOld(self.version.clone()).permanent())
            }
            Err(rejection) => Err(rejection.into()),
        }
    }

    /// Whether our account may commit: it commits its own changes, while there are none. With some it is not asked, and there
    /// is no answer: a run may have begun in the meantime, whose changes are not for this to commit.
    ///
    /// # Errors
    /// [`Trouble::RoleLacks`] if it may not.
    pub async fn may_commit(&mut self, us: &AdminName) -> Result<Option<Committed>, Failure> {
        if self.pending().await?.iter().any(|pending| pending.admin == *us) {
            return Ok(None);
        }
        let note = CommitNote { owner: self.account.owner.clone(), digest: Digest(0), run: None, naming: None };
        self.ask_for_commit(Request::commit(us, &note)).await.map(Some)
    }

    /// Locks of others, in words.
    ///
    /// # Errors
    /// If the firewall refuses, or does not answer.
    pub async fn locks_of_others(&mut self, us: Option<&AdminName>) -> Result<Vec<String>, Failure> {
        let now = self.read(&Request::system_info(), SystemInfo::of).await?.time;
        let mut held = Vec::new();
        for lock in [Lock::Config, Lock::Commit] {
            let found =
                self.read(&Request::locks(lock), |response| Ok(locks::of_others(response, lock, us, now))).await;
            held.extend(found?);
        }
        Ok(held)
    }
}
