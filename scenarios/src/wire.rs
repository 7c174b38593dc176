//! The real adapters against the world behind sockets.

use std::{io, time::Duration};

use drawbridge::{
    deployment,
    live::{Deployment, NotReady},
    settings::Settings,
};
use drawbridge_core::command::{Command, Failure, Reply};
use drawbridge_simulator::{
    faults::{AwsMishap, Trouble},
    serve::{ServeError, Served, SharedWorld, Standby},
};
use tokio::net::TcpListener;

use crate::stage::Act;

/// A world that listens on loopback.
pub struct Wire {
    /// Where the firewall is, or both units of a pair.
    pub firewall_urls: Vec<String>,
    /// Where EC2 and S3 are.
    pub aws_url: String,
    world: SharedWorld,
    served: (Served, Option<Standby>),
}

/// Why a story cannot be told by wire.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// No port of loopback is to be had.
    #[error("cannot listen on loopback: {0}")]
    Listen(#[from] io::Error),
    /// The servers do not start.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The adapters do not start.
    #[error(transparent)]
    NotReady(#[from] NotReady),
}

impl Wire {
    /// Serves the world on free ports.
    ///
    /// # Errors
    /// If there are none.
    pub async fn serve(world: &SharedWorld) -> Result<Self, WireError> {
        let listen = || TcpListener::bind(("127.0.0.1", 0));
        let served = world.clone().serve(listen().await?, listen().await?, None)?;
        let standby = if world.lock().is_pair() { Some(world.serve_standby(listen().await?)?) } else { None };
        let units = std::iter::once(served.panos).chain(standby.as_ref().map(|standby| standby.address));
        Ok(Self {
            firewall_urls: units.map(|address| format!("http://{address}")).collect(),
            aws_url: format!("http://{}", served.aws),
            world: world.clone(),
            served: (served, standby),
        })
    }

    /// Drawbridge with the settings of a story.
    ///
    /// # Errors
    /// If a part of it cannot be made.
    pub async fn connect(self, settings: Settings) -> Result<ByWire, WireError> {
        let deployment =
            deployment::with_credentials(settings, drawbridge_simulator::world::DRAWBRIDGE, "secret").await?;
        Ok(ByWire { deployment, world: self.world, _served: self.served })
    }
}

/// Drawbridge as it is deployed, and the servers that it talks to.
pub struct ByWire {
    deployment: Deployment,
    world: SharedWorld,
    _served: (Served, Option<Standby>),
}

/// Real time that a command may take: loopback answers in milliseconds, unless a story makes it wait for ever.
const PATIENCE: Duration = Duration::from_millis(700);

/// Real time that leaving may take.
const LEAVING: Duration = Duration::from_secs(10);

impl ByWire {
    fn patience(&self, limit: Duration) -> Duration {
        let is_slow = |trouble: &Trouble| matches!(trouble, Trouble::Slow | Trouble::Aws(AwsMishap::Slow));
        if self.world.lock().troubles().iter().any(is_slow) { PATIENCE } else { limit }
    }
}

impl Act for ByWire {
    async fn act(&mut self, command: &Command, limit: Duration) -> Result<Reply, Failure> {
        let patience = self.patience(limit);
        self.deployment.perform(command, patience).await
    }

    async fn leave(&mut self) {
        let patience = self.patience(LEAVING);
        self.deployment.leave(patience).await;
    }
}
