//! Drawbridge on a host: it hears of events by a queue or from the bucket of a trail, looks now and then without any, and stops
//! when it is asked to, never half-way.

mod graceful;
mod listener;
mod stop;

use std::{path::Path, time::Duration};

use aws_config::SdkConfig;
use drawbridge_core::{
    id::AccountId,
    report::{Ending, Outcome, Problem},
    run::Trigger,
};
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use self::listener::{Done, Listener, News};
pub use self::{
    graceful::GRACE,
    stop::{Stop, Stopper},
};
use crate::{
    aws::{Ec2, queue::Queue, trail::Trail},
    deployment, driver,
    live::{Deployment, Live, NotReady, of_aws},
    metrics, outcome,
    settings::{Settings, Source, WatchSettings},
};

/// After a run or a question to AWS that failed, the next comes after this long, then after twice as long, and so on.
const AGAIN: Duration = Duration::from_secs(5);
const AGAIN_MAX: Duration = Duration::from_secs(5 * 60);

/// What is asked for on the command line, in the place of settings.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where events come from.
    pub source: Option<Source>,
    /// The longest time between two looks.
    pub every: Option<Duration>,
    /// Where metrics are served.
    pub metrics: Option<std::net::SocketAddr>,
    /// A run may take this long.
    pub within: Duration,
}

/// Watches until it is asked to stop.
///
/// # Errors
/// If it cannot begin.
pub async fn watch(file: Option<&Path>, options: &Options) -> Result<(), NotReady> {
    let stop = Stop::by_signals().map_err(|error| NotReady(format!("signals cannot be heard: {error}")))?;
    let mut settings = deployment::settings(file, Settings::read)?;
    let WatchSettings { source, every, metrics } = &mut settings.watch;
    *source = options.source.clone().or_else(|| source.take());
    *every = options.every.unwrap_or(*every);
    *metrics = options.metrics.or(*metrics);
    let sdk = deployment::sdk(&settings).await;
    let listener = match &settings.watch.source {
        None => Listener::Nothing,
        Some(Source::Queue(url)) => {
            Listener::of_queue(Queue::new(&sdk, url).map_err(|error| NotReady(error.to_string()))?)
        }
        Some(Source::Bucket { name, prefix }) => {
            let region = sdk.region().and_then(|region| region.as_ref().parse().ok());
            let region = region
                .ok_or_else(|| NotReady("the region is not known: set `aws.region` or `AWS_REGION`".to_owned()))?;
            let trail = Trail::find(&sdk, name, prefix, &region, async || own_account(&sdk, &settings).await).await;
            let trail = trail.map_err(|failure| NotReady(Problem::from(failure.what).to_string()))?;
            Listener::of_bucket(trail, settings.watch.every)
        }
    };
    let (every, address) = (settings.watch.every, settings.watch.metrics);
    let deployment = deployment::connect(settings, &sdk).await?;
    if let Some(address) = address {
        metrics::serve(address, deployment.metrics().clone()).await?;
    }
    Watch { deployment, listener, every, within: options.within, stop, failures: 0 }.go_on().await;
    info!("stopped");
    Ok(())
}

/// Whose account this is, if a look tells: of many accounts' logs only its own are worth a look.
async fn own_account(sdk: &SdkConfig, settings: &Settings) -> Option<AccountId> {
    let ec2 = Ec2::new(sdk).ok()?;
    let until = Instant::now() + settings.config.timing.read;
    let looked = of_aws("Describe*", until, ec2.inventory()).await;
    looked.inspect_err(|failure| warn!("the own account is not known: {}", failure.what)).ok()?.account
}

struct Watch {
    deployment: Deployment,
    listener: Listener,
    every: Duration,
    within: Duration,
    stop: Stop,
    /// How often in a row something failed.
    failures: u32,
}

impl Watch {
    async fn go_on(mut self) {
        let mut due = Instant::now();
        while !self.stop.is_asked() {
            let patience = due.saturating_duration_since(Instant::now());
            let news = if patience.is_zero() {
                Some(News::schedule())
            } else {
                debug!("listening to {}, for {:.1} s at most", self.listener, patience.as_secs_f64());
                let mut stop = self.stop.clone();
                tokio::select! {
                    biased;
                    () = stop.asked() => break,
                    heard = self.listener.listen(patience, self.within) => self.heard(heard).await,
                }
            };
            if let Some(news) = news {
                let looked = self.see_to(news).await;
                if looked {
                    due = Instant::now() + if self.failures > 0 { self.pause() } else { self.every };
                }
            }
        }
        self.listener.give_back().await;
    }

    /// News; after a question that failed, none for a while.
    async fn heard(&mut self, heard: Result<Option<News>, drawbridge_core::command::Failure>) -> Option<News> {
        match heard {
            Ok(news) => news,
            Err(failure) => {
                self.failures += 1;
                self.deployment.metrics().error("aws");
                let pause = self.pause();
                warn!("events cannot be asked for, again in {} s: {}", pause.as_secs(), failure.what);
                let mut stop = self.stop.clone();
                tokio::select! {
                    () = stop.asked() => {}
                    () = sleep(pause) => {}
                }
                None
            }
        }
    }

    fn pause(&self) -> Duration {
        let doubled = AGAIN * 2_u32.saturating_pow(self.failures.saturating_sub(1).min(10));
        doubled.min(AGAIN_MAX).min(self.every)
    }

    /// One run. Says whether it looked at everything, so that no other look is due for a while.
    async fn see_to(&mut self, news: News) -> bool {
        let outcome = self.run(news.trigger.clone()).await;
        let done = match outcome.as_ref().map(|outcome| outcome.ending) {
            Some(Ending::InSync | Ending::Withheld | Ending::Irrelevant) => Done::Well,
            Some(Ending::Failed | Ending::OutOfTime) => Done::Badly,
            None => Done::Stopped,
        };
        self.failures = if done == Done::Badly { self.failures + 1 } else { 0 };
        let done = if self.stop.is_asked() && done == Done::Badly { Done::Stopped } else { done };
        self.listener.done(news, done).await;
        outcome.is_some_and(|outcome| outcome.ending != Ending::Irrelevant)
    }

    async fn run(&mut self, trigger: Trigger) -> Option<Outcome> {
        let mut run = driver::begin(trigger, &self.deployment.settings.config, self.within, driver::seed());
        let mut world = Live::new(&mut self.deployment, self.within);
        let ended = graceful::drive(&mut run, &mut world, self.within, &mut self.stop).await;
        match &ended {
            Some(outcome) => {
                outcome::log(outcome);
                self.deployment.metrics().note(outcome);
            }
            None => info!("a run is left to whoever comes next: nothing of it was begun"),
        }
        ended
    }
}

#[cfg(test)]
mod tests;
