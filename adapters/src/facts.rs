//! What a plan is made from: each side asked live, or read from files.

use std::{fmt, path::Path};

use drawbridge_core::{
    command::{Command, Look, Reply},
    config::Config,
    firewall::Firewall,
    inventory::Inventory,
    report::Problem,
};
use tokio::time::Instant;
use tracing::info;

use crate::{
    deployment,
    live::{NotReady, of_aws, of_firewall},
    offline,
    settings::FileSettings,
};

/// Where the facts come from. What is not in files is asked live.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// The directory of the AWS CLI's answers.
    pub inventory: Option<&'a Path>,
    /// The file with the firewall's configuration.
    pub firewall: Option<&'a Path>,
}

/// Everything that a plan is made from.
#[derive(Debug)]
pub struct Facts {
    /// What decides.
    pub config: Config,
    /// What AWS has.
    pub inventory: Inventory,
    /// What the firewall has.
    pub firewall: Firewall,
}

impl Facts {
    /// Looks. Settings are read for what is asked live only: a configuration in a file needs no way to the firewall.
    ///
    /// # Errors
    /// Whatever keeps either side from being seen.
    pub async fn gather(settings: Option<&Path>, sources: Sources<'_>) -> Result<Self, NotReady> {
        let facts = match (sources.inventory, sources.firewall) {
            (None, None) => Self::live(settings).await,
            (Some(directory), None) => Self::of_firewall(settings, directory).await,
            (inventory, Some(file)) => Self::of_file(settings, inventory, file).await,
        }?;
        let Inventory { interfaces, instances, groups, region, .. } = &facts.inventory;
        info!(
            "{region} has {} instances, {} interfaces and {} security groups; the firewall has {} rules",
            instances.len(),
            interfaces.len(),
            groups.len(),
            facts.firewall.candidate.rules.len(),
        );
        Ok(facts)
    }

    async fn live(settings: Option<&Path>) -> Result<Self, NotReady> {
        let mut deployment = deployment::from_environment(settings).await?;
        let limit = deployment.settings.config.timing.read;
        match deployment.perform(&Command::Observe(Look::Everything), limit).await {
            Ok(Reply::Facts(Some(inventory), firewall)) => {
                Ok(Self { config: deployment.settings.config, inventory: *inventory, firewall: *firewall })
            }
            Ok(_) => Err(NotReady("the look brought no inventory".to_owned())),
            Err(failure) => Err(not_ready(Problem::from(failure.what))),
        }
    }

    async fn of_firewall(settings: Option<&Path>, directory: &Path) -> Result<Self, NotReady> {
        let (settings, mut firewall) = deployment::firewall_alone(settings).await?;
        let inventory = offline::from_directory(directory, settings.aws.region).map_err(not_ready)?;
        let until = Instant::now() + settings.config.timing.read;
        let firewall =
            of_firewall(until, firewall.observe()).await.map_err(|failure| not_ready(Problem::from(failure.what)))?;
        Ok(Self { config: settings.config, inventory, firewall })
    }

    async fn of_file(settings: Option<&Path>, directory: Option<&Path>, file: &Path) -> Result<Self, NotReady> {
        let settings = deployment::settings(settings, FileSettings::read)?;
        let firewall = offline::firewall(file, &settings.vsys).map_err(not_ready)?;
        let inventory = match directory {
            Some(directory) => offline::from_directory(directory, settings.aws.region).map_err(not_ready)?,
            None => {
                let ec2 = deployment::ec2_alone(&settings).await?;
                let until = Instant::now() + settings.config.timing.read;
                of_aws("Describe*", until, ec2.inventory())
                    .await
                    .map_err(|failure| not_ready(Problem::from(failure.what)))?
            }
        };
        Ok(Self { config: settings.config, inventory, firewall })
    }
}

fn not_ready(why: impl fmt::Display) -> NotReady {
    NotReady(why.to_string())
}
