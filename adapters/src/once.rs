//! What a person asks for once, and confirms: leaving a firewall, where every rule and object of ours goes and nothing else; and
//! adopting the rules of the Lambda function of 2016.

use std::{collections::BTreeSet, path::Path, time::Duration};

use drawbridge_core::{
    command::{Command, Look, Reply},
    config::Config,
    firewall::Firewall,
    plan::{Plan, adoption, not_there, removal},
    report::Problem,
    rulebase::Rulebase,
    run::Run,
};

use crate::{
    cli,
    confirm::{Asked, confirm},
    deployment, driver,
    exit::Exit,
    live::{Deployment, Live, NotReady},
    print::{self, Purpose},
    render,
};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Remove everything of ours.
    Uninstall,
    /// Adopt rules of the function of 2016: all, or those of these names.
    Adopt(BTreeSet<String>),
}

impl Deed {
    const fn command(&self) -> &'static str {
        match self {
            Self::Uninstall => "uninstall",
            Self::Adopt(_) => "adopt",
        }
    }

    const fn purpose(&self) -> Purpose {
        match self {
            Self::Uninstall => Purpose::Uninstall,
            Self::Adopt(_) => Purpose::Adopt,
        }
    }

    const fn question(&self) -> &'static str {
        match self {
            Self::Uninstall => "remove all of this, and commit?",
            Self::Adopt(_) => "make these rules ours, and commit?",
        }
    }

    fn plan(&self, firewall: &Firewall, rulebase: &Rulebase<'_>, config: &Config) -> Plan {
        match self {
            Self::Uninstall => removal(firewall, rulebase, config, &BTreeSet::new()),
            Self::Adopt(only) => adoption(rulebase, config, only),
        }
    }
}

/// Shows what would be done, and does it if that is confirmed. AWS is not asked, but for the API key where it is kept there.
///
/// # Errors
/// If it cannot begin, or is not confirmed.
pub async fn perform(
    deed: Deed,
    file: Option<&Path>,
    asked: Asked,
    within: Duration,
    as_json: bool,
) -> Result<Exit, NotReady> {
    let mut deployment = deployment::from_environment(file).await?;
    if let Deed::Adopt(only) = &deed
        && !only.is_empty()
    {
        check_names(&mut deployment, only).await?;
    }
    if asked != Asked::Confirmed {
        let found = show(&mut deployment, &deed, asked, as_json).await?;
        match asked {
            Asked::DryRun => return Ok(if found == Found::Nothing { Exit::Done } else { Exit::Attention }),
            Asked::Plainly if found == Found::Work => confirm(deed.question(), deed.command())?,
            Asked::Plainly | Asked::Confirmed => {}
        }
    }
    let (config, purpose) = (deployment.settings.config.clone(), deed.purpose());
    let reserve = config.timing.reserve;
    let mut run = match deed {
        Deed::Uninstall => Run::removal(config, within, driver::seed()),
        Deed::Adopt(only) => Run::adoption(config, only, within, driver::seed()),
    };
    let outcome = driver::drive(&mut run, &mut Live::new(&mut deployment, within)).await;
    cli::finish(&outcome, purpose, reserve, as_json)
}

/// A name that is misspelt must not look as if all was well.
async fn check_names(deployment: &mut Deployment, only: &BTreeSet<String>) -> Result<(), NotReady> {
    let firewall = look(deployment).await?;
    let rulebase = Rulebase::read(&firewall, &deployment.settings.config);
    let rulebase = rulebase.map_err(|unfit| NotReady(unfit.to_string()))?;
    let missing: Vec<_> = not_there(&rulebase, only).into_iter().map(|name| format!("`{name}`")).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(NotReady(format!(
        "there is no rule {missing} to adopt: `drawbridge adopt --dry-run` shows those that there are"
    )))
}

/// What a look finds to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// Only what cannot be done while others work on it.
    Left,
    Work,
}

/// Prints what would be done, and says what that is.
async fn show(deployment: &mut Deployment, deed: &Deed, asked: Asked, as_json: bool) -> Result<Found, NotReady> {
    let firewall = look(deployment).await?;
    let config = &deployment.settings.config;
    let rulebase = Rulebase::read(&firewall, config).and_then(Rulebase::of_one_account);
    let rulebase = rulebase.map_err(|unfit| NotReady(unfit.to_string()))?;
    let plan = deed.plan(&firewall, &rulebase, config);
    match (asked, as_json) {
        (Asked::DryRun, true) => print::out(&cli::json(&render::plan(&plan, &rulebase, config)))?,
        // With JSON, the document about the run is all that goes to standard output.
        (_, true) => {}
        (_, false) => print::out(&print::plan_without_aws(&plan, &rulebase))?,
    }
    Ok(if !plan.changes.is_empty() || plan.commit {
        Found::Work
    } else if plan.notes.is_empty() {
        Found::Nothing
    } else {
        Found::Left
    })
}

async fn look(deployment: &mut Deployment) -> Result<Firewall, NotReady> {
    let limit = deployment.settings.config.timing.read;
    match deployment.perform(&Command::Observe(Look::Firewall), limit).await {
        Ok(Reply::Facts(_, firewall)) => Ok(*firewall),
        Ok(_) => Err(NotReady("the look brought no firewall".to_owned())),
        Err(failure) => Err(NotReady(Problem::from(failure.what).to_string())),
    }
}
