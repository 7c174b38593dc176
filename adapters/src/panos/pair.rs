//! Which unit of a pair is written to: the active one. Another is looked for when that one does not answer as an active unit does,
//! whatever it is that it says instead: a unit that boots, or has been replaced, shows pages, refuses keys or has an old release.

use drawbridge_core::command::{Failure, Lasting, Trouble};

use super::{
    client::{Panos, Transport},
    request::Request,
    status::{SystemInfo, check_active},
};

/// Finds the unit that may be written to, beginning with the one that was used last, and stays with it. Where none may, what does
/// not pass by itself is what somebody has to hear of.
pub(super) async fn approach<T: Transport>(panos: &mut Panos<T>) -> Result<SystemInfo, Failure> {
    let units = panos.transport.units();
    // A unit that let somebody wait until they gave up is asked last.
    let first = (panos.transport.chosen() + usize::from(panos.waiting)) % units;
    let (mut others, mut lasting) = (Vec::new(), None);
    for unit in (first..units).chain(0..first) {
        panos.transport.choose(unit);
        panos.waiting = true;
        let greeted = greet(panos).await;
        panos.waiting = false;
        match greeted {
            Err(failure) if units > 1 => {
                others.push(format!("`{}`: {}", panos.transport.unit_name(), failure.what));
                // A refused key comes before anything else: with another one there may be an active unit.
                if lasts(&failure) && (lasting.is_none() || failure.what == Trouble::KeyRefused) {
                    lasting = Some(failure);
                }
            }
            decided => return decided,
        }
    }
    panos.transport.choose(first);
    Err(lasting.unwrap_or_else(|| Trouble::NoneActive(others.join("; ")).transient()))
}

/// Who is there, if it may be written to.
async fn greet<T: Transport>(panos: &mut Panos<T>) -> Result<SystemInfo, Failure> {
    let info = panos.read(&Request::system_info(), SystemInfo::of).await?;
    panos.read(&Request::high_availability(), check_active).await?;
    Ok(info)
}

/// Whether somebody has to do something before this unit can be written to. A passive one becomes active by itself.
const fn lasts(failure: &Failure) -> bool {
    matches!(failure.lasting, Lasting::Permanent) && !matches!(failure.what, Trouble::Passive(_))
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;
    use crate::panos::{client::Account, response::Answer, xpath::Vsys};
    use drawbridge_core::{command::JobState, id::JobId};

    /// How a unit of a pair answers whatever it is asked.
    #[derive(Clone, Copy, Debug)]
    enum Unit {
        Active,
        Passive,
        Booting,
        Page,
        Missing,
        Refusing,
        Old,
        Certificate,
        Silent,
    }

    struct Units {
        units: [Unit; 2],
        chosen: usize,
    }

    impl Transport for Units {
        type Document = String;

        async fn send(&mut self, request: &Request) -> Result<Answer<String>, Failure> {
            let ok = |content: &str| (200, format!("<response status='success'><result>{content}</result></response>"));
            let is_greeting = *request == Request::system_info();
            let system = |version: &str| ok(&format!("<system><sw-version>{version}</sw-version></system>"));
            let state = |state: &str| {
                let local = format!("<local-info><state>{state}</state></local-info>");
                ok(&format!("<enabled>yes</enabled><group>{local}</group>"))
            };
            let (status, document) = match self.units[self.chosen] {
                Unit::Active | Unit::Passive if is_greeting => system("10.2.9"),
                Unit::Active => state("active"),
                Unit::Passive => state("passive"),
                Unit::Booting => (503, String::new()),
                Unit::Page => (200, "<html><body>Log in</body></html>".to_owned()),
                Unit::Missing => (404, "<html>Not found</html>".to_owned()),
                Unit::Refusing => (403, "<response status='error' code='403'/>".to_owned()),
                Unit::Old => system("9.1.3"),
                Unit::Certificate => return Err(Trouble::Certificate.permanent()),
                Unit::Silent => return Err(Trouble::NoAnswer.transient()),
            };
            Ok(Answer { status, document })
        }

        fn units(&self) -> usize {
            self.units.len()
        }

        fn chosen(&self) -> usize {
            self.chosen
        }

        fn choose(&mut self, unit: usize) {
            self.chosen = unit;
        }

        fn unit_name(&self) -> String {
            ["fw-a", "fw-b"][self.chosen].to_owned()
        }
    }

    fn pair(units: [Unit; 2]) -> Panos<Units> {
        let account = Account { vsys: Vsys::default(), admin: None, owner: "drawbridge".parse().unwrap() };
        Panos::new(Units { units, chosen: 0 }, account)
    }

    fn now<R>(answer: impl Future<Output = R>) -> R {
        match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("nothing is waited for"),
        }
    }

    #[test]
    fn whatever_is_wrong_with_one_unit_the_other_is_asked() {
        use Unit::{Booting, Certificate, Missing, Old, Page, Passive, Refusing, Silent};
        for odd in [Passive, Booting, Page, Missing, Refusing, Old, Certificate, Silent] {
            let mut panos = pair([odd, Unit::Active]);
            assert!(now(approach(&mut panos)).is_ok(), "{odd:?}");
            assert_eq!(panos.transport.chosen(), 1, "{odd:?}");
        }
    }

    #[test]
    fn where_none_is_active_what_lasts_is_said() {
        let said = |units| now(approach(&mut pair(units))).unwrap_err();
        assert_eq!(said([Unit::Passive, Unit::Refusing]), Trouble::KeyRefused.permanent());
        assert_eq!(said([Unit::Silent, Unit::Certificate]), Trouble::Certificate.permanent());
        assert_eq!(said([Unit::Old, Unit::Passive]), Trouble::TooOld("9.1.3".to_owned()).permanent());
        assert_eq!(said([Unit::Old, Unit::Refusing]), Trouble::KeyRefused.permanent());
        let waited_for = said([Unit::Passive, Unit::Booting]);
        assert_eq!(waited_for.lasting, Lasting::Transient);
        assert!(matches!(waited_for.what, Trouble::NoneActive(_)), "{}", waited_for.what);
    }

    #[test]
    fn a_job_is_gone_with_a_unit_that_shows_pages() {
        assert_eq!(now(pair([Unit::Page, Unit::Active]).poll(JobId(1))), Ok(JobState::Lost));
        assert!(now(pair([Unit::Page, Unit::Passive]).poll(JobId(1))).is_err());
    }
}
