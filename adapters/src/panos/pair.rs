//! Which unit of a pair is written to: the active one. Another is looked for when that one does not answer, or says that it is
//! not active any more.

use drawbridge_core::command::{Failure, Trouble};

use super::{
    client::{Panos, Transport},
    request::Request,
    status::{SystemInfo, check_active},
};

/// Finds the unit that may be written to, beginning with the one that was used last, and stays with it.
pub(super) async fn approach<T: Transport>(panos: &mut Panos<T>) -> Result<SystemInfo, Failure> {
    let units = panos.transport.units();
    // A unit that let somebody wait until they gave up is asked last.
    let first = (panos.transport.chosen() + usize::from(panos.waiting)) % units;
    let mut others = Vec::new();
    for unit in (first..units).chain(0..first) {
        panos.transport.choose(unit);
        panos.waiting = true;
        let greeted = greet(panos).await;
        panos.waiting = false;
        match greeted {
            Err(failure) if units > 1 && is_about_the_unit(&failure.what) => {
                others.push(format!("`{}`: {}", panos.transport.unit_name(), failure.what));
            }
            decided => return decided,
        }
    }
    panos.transport.choose(first);
    Err(Trouble::NoneActive(others.join("; ")).transient())
}

/// Who is there, if it may be written to.
async fn greet<T: Transport>(panos: &mut Panos<T>) -> Result<SystemInfo, Failure> {
    let info = panos.read(&Request::system_info(), SystemInfo::of).await?;
    panos.read(&Request::high_availability(), check_active).await?;
    Ok(info)
}

/// Whether the other unit may do better.
pub(super) const fn is_about_the_unit(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Passive(_) | Trouble::Unreachable | Trouble::NoAnswer | Trouble::Busy(_))
}
