//! A request to stop: SIGTERM or SIGINT, or whoever holds the other end in a test.

use std::io;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch::{self, Receiver, Sender},
};

/// What hears of the request.
#[derive(Clone, Debug)]
pub struct Stop(Receiver<bool>);

/// What makes it.
#[derive(Debug)]
pub struct Stopper(Sender<bool>);

impl Stopper {
    /// Both ends.
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Asks to stop.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Hears of the first SIGTERM or SIGINT.
    ///
    /// # Errors
    /// If the operating system does not let us.
    pub fn by_signals() -> io::Result<Self> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (stopper, stop) = Stopper::new();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            stopper.stop();
            // The other end must not take a dropped sender for a request that never comes.
            std::future::pending::<()>().await;
        });
        Ok(stop)
    }

    /// Whether it has been made.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is made.
    pub async fn asked(&mut self) {
        if self.0.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
