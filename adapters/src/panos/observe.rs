//! One look at the firewall: which questions are asked, in which order, and what the answers make together.

use std::sync::Arc;

use drawbridge_core::{
    command::{Failure, Lasting, Trouble},
    firewall::{Configuration, Firewall, Pending},
};

use super::{
    client::{Panos, Transport},
    jobs, journal, pair,
    read::{Parts, Section},
    request::Request,
    response::{Answer, Document, Refusal, Rejection, open},
    status::is_pending,
    xpath::{Vsys, XPath},
};

/// Looks at all of it.
pub(super) async fn observe<T: Transport>(panos: &mut Panos<T>) -> Result<Firewall, Failure> {
    let info = pair::approach(panos).await?;
    panos.version.clone_from(&info.version);
    panos.catalogue.renew(&info.content);
    let admin = panos.own_name().await?;

    let configurations = configurations(panos).await?;
    let owner = panos.account.owner.clone();
    let (unfinished_commit, failed_commits) = panos
        .read(&Request::jobs(), |response| {
            if let Some(job) = jobs::booting(response) {
                return Err(Trouble::Busy(job).transient());
            }
            let failed = jobs::failed_commits(response, &owner, info.time);
            Ok((admin.as_ref().and_then(|admin| jobs::unfinished_commit(response, admin)), failed))
        })
        .await?;
    panos.is_committing = unfinished_commit.is_some();
    // What a run that died has left comes with its lock.
    panos.may_hold_lock |= configurations.pending.iter().any(|pending| Some(&pending.admin) == admin.as_ref());
    let Configurations { candidate, running, pending } = configurations;
    let unit = (panos.transport.units() > 1).then(|| panos.transport.unit_name());
    Ok(Firewall { candidate, running, admin, unit, pending, unfinished_commit, failed_commits })
}

struct Configurations {
    candidate: Arc<Configuration>,
    running: Arc<Configuration>,
    pending: Vec<Pending>,
}

/// The two configurations. The candidate is read before the question whether anything is pending: what changes in between
/// then counts as pending, and no work in progress is taken for the running configuration.
async fn configurations<T: Transport>(panos: &mut Panos<T>) -> Result<Configurations, Failure> {
    let vsys = panos.account.vsys.clone();
    let pushed = panos.transport.send(&Request::candidate(&XPath::pushed(&vsys))).await?;
    let own = panos.transport.send(&Request::candidate(&XPath::vsys(&vsys))).await?;
    let shared = panos.transport.send(&Request::candidate(&XPath::shared())).await?;
    let mut candidate = configuration(&own, &shared, &pushed)?.ok_or_else(|| no_such_vsys(&vsys))?;
    drop((own, shared));

    if !panos.read(&Request::pending_changes(), is_pending).await? && !candidate.marked {
        complete(panos, &mut [&mut candidate.configuration]).await?;
        let candidate = Arc::new(candidate.configuration);
        return Ok(Configurations { running: Arc::clone(&candidate), candidate, pending: Vec::new() });
    }
    let pending = panos.read(&Request::journal(), |response| Ok(journal::pending(response, &vsys))).await?;
    let own = panos.transport.send(&Request::running(&XPath::vsys(&vsys))).await?;
    let shared = panos.transport.send(&Request::running(&XPath::shared())).await?;
    let mut running = configuration(&own, &shared, &pushed)?.ok_or_else(|| no_such_vsys(&vsys))?;
    drop((own, shared, pushed));
    complete(panos, &mut [&mut candidate.configuration, &mut running.configuration]).await?;
    let (candidate, running) = (Arc::new(candidate.configuration), Arc::new(running.configuration));
    Ok(Configurations { candidate, running, pending })
}

/// Adds the standard ports of predefined applications, as far as the firewall tells them.
async fn complete<T: Transport>(
    panos: &mut Panos<T>,
    configurations: &mut [&mut Configuration],
) -> Result<(), Failure> {
    for (names, question) in panos.catalogue.questions(configurations.iter().map(|configuration| &**configuration)) {
        let answer = panos.transport.send(&question).await?;
        match panos.catalogue.learn(names, &answer).map_err(Failure::from) {
            Ok(()) => {}
            Err(failure) if failure.lasting == Lasting::Transient => return Err(failure),
            // Without them some rule of ours may be added that was not needed; that is no reason to stop.
            Err(failure) => tracing::warn!(reason = %failure.what, "standard ports of applications are not to be had"),
        }
    }
    configurations.iter_mut().for_each(|configuration| panos.catalogue.complete(configuration));
    Ok(())
}

/// A configuration as it was read.
struct Reading {
    configuration: Configuration,
    /// Whether it bears marks of uncommitted work.
    marked: bool,
}

/// The parts of a configuration, put together; nothing if there is no such virtual system.
fn configuration<D: Document>(
    own: &Answer<D>,
    shared: &Answer<D>,
    pushed: &Answer<D>,
) -> Result<Option<Reading>, Rejection> {
    let (Some(own), shared, pushed) = (section(own)?, section(shared)?, section(pushed)?) else { return Ok(None) };
    let marked = own.marked || shared.as_ref().is_some_and(|read| read.marked);
    let parts = Parts {
        vsys: own.section,
        shared: shared.map(|read| read.section).unwrap_or_default(),
        pushed: pushed.map(|read| read.section).unwrap_or_default(),
    };
    Ok(Some(Reading { configuration: parts.resolve()?, marked }))
}

struct SectionReading<'a> {
    section: Section<'a>,
    marked: bool,
}

/// The one node in an answer; nothing if there is none. For running configurations that is an error of the firewall's.
fn section<D: Document>(answer: &Answer<D>) -> Result<Option<SectionReading<'_>>, Rejection> {
    let mut cursor = match open(answer) {
        Ok(cursor) => cursor,
        Err(Rejection::Refused(refusal)) if is_absent(&refusal) => return Ok(None),
        Err(rejection) => return Err(rejection),
    };
    let mut section = None;
    cursor.children(|cursor, tag| match tag.name {
        "result" => cursor.children(|cursor, _| {
            section = Some(Section::read(cursor)?);
            Ok(())
        }),
        _ => Ok(()),
    })?;
    Ok(section.map(|section| SectionReading { section, marked: cursor.marked() }))
}

fn is_absent(refusal: &Refusal) -> bool {
    refusal.code == Some(7) || refusal.text.starts_with("No such node")
}

fn no_such_vsys(vsys: &Vsys) -> Failure {
    let text = format!("virtual system `{}` does not exist: set `firewall.vsys`", vsys.as_str());
    Trouble::Refused(text).permanent()
}
