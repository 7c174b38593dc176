//! From settings to a deployment: which AWS, which firewall, with which key.

use std::{collections::BTreeMap, env, ffi::OsString, fs, path::Path, time::Duration};

use aws_config::SdkConfig;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use drawbridge_core::config::Timing;

use crate::{
    aws::{self, Ec2, S3Logs},
    live::{Deployment, NotReady},
    panos::{
        client::Panos,
        https::{Endpoint, Https},
    },
    secret::{ApiKey, KeySource},
    settings::{ALIASES, FileSettings, Invalid, Settings, SettingsFile},
};

/// Reads the settings file and the environment, finds the API key, and puts everything together. Nothing is asked of the
/// firewall yet.
///
/// # Errors
/// Everything that is wrong with the settings, or why the key cannot be had.
pub async fn from_environment(file: Option<&Path>) -> Result<Deployment, NotReady> {
    let settings = settings(file, Settings::read)?;
    let sdk = sdk(&settings).await;
    connect(settings, &sdk).await
}

/// The firewall alone, for an inventory that is there already. AWS is asked only if it keeps the API key.
///
/// # Errors
/// As [`from_environment`].
pub async fn firewall_alone(file: Option<&Path>) -> Result<(Settings, Panos<Https>), NotReady> {
    let settings = settings(file, Settings::read)?;
    let firewall = firewall(&settings, async || sdk(&settings).await).await?;
    Ok((settings, firewall))
}

/// AWS alone, for a firewall whose configuration is there already.
///
/// # Errors
/// Without a region.
pub async fn ec2_alone(settings: &FileSettings) -> Result<Ec2, NotReady> {
    let sdk = aws::sdk_config(&settings.aws, settings.config.timing.read).await;
    Ec2::new(&sdk).map_err(|error| NotReady(error.to_string()))
}

/// A way to read settings: all of them, or what one side needs.
type Read<T> = fn(Option<SettingsFile<'_>>, &BTreeMap<String, String>) -> Result<T, Invalid>;

/// Settings of the file and the environment.
///
/// # Errors
/// Everything that is wrong with them.
pub fn settings<T>(file: Option<&Path>, read: Read<T>) -> Result<T, NotReady> {
    let text = match file {
        Some(path) => Some(
            fs::read_to_string(path)
                .map_err(|error| NotReady(format!("the settings file `{}` cannot be read: {error}", path.display())))?,
        ),
        None => None,
    };
    let environment = in_words(env::vars_os())?;
    let name = file.map(|path| path.display().to_string()).unwrap_or_default();
    let given = text.as_deref().map(|text| SettingsFile { name: &name, text });
    read(given, &environment).map_err(|invalid| NotReady(invalid.to_string()))
}

/// The environment as text. What is none of ours may be anything.
fn in_words(environment: impl Iterator<Item = (OsString, OsString)>) -> Result<BTreeMap<String, String>, NotReady> {
    let is_ours = |name: &str| name.starts_with("DRAWBRIDGE_") || ALIASES.iter().any(|(alias, _)| *alias == name);
    let (mut words, mut odd) = (BTreeMap::new(), Vec::new());
    for (name, value) in environment.filter_map(|(name, value)| Some((name.into_string().ok()?, value))) {
        match value.into_string() {
            Ok(value) => _ = words.insert(name, value),
            Err(_) if is_ours(&name) => odd.push(format!("`{name}` is not UTF-8: give it as text")),
            Err(_) => {}
        }
    }
    if odd.is_empty() {
        Ok(words)
    } else {
        Err(NotReady(format!("the settings cannot be used:\n  {}", odd.join("\n  "))))
    }
}

/// The same for settings in hand, with credentials in hand: for worlds that are not AWS.
///
/// # Errors
/// As [`from_environment`].
pub async fn with_credentials(settings: Settings, access_key: &str, secret_key: &str) -> Result<Deployment, NotReady> {
    let credentials = Credentials::new(access_key, secret_key, None, None, "given");
    let sdk = sdk(&settings).await.into_builder().credentials_provider(SharedCredentialsProvider::new(credentials));
    connect(settings, &sdk.build()).await
}

/// The SDK's configuration for these settings.
pub(crate) async fn sdk(settings: &Settings) -> SdkConfig {
    aws::sdk_config(&settings.aws, settings.config.timing.read).await
}

/// Puts a deployment together from settings in hand.
pub(crate) async fn connect(settings: Settings, sdk: &SdkConfig) -> Result<Deployment, NotReady> {
    let firewall = firewall(&settings, async || sdk.clone()).await?;
    let ec2 = Ec2::new(sdk).map_err(|error| NotReady(error.to_string()))?;
    let logs = S3Logs::new(sdk, settings.aws.log_size_max);
    let keys = KeyStore::new(settings.firewall.key.clone(), sdk.clone());
    Ok(Deployment::new(settings, ec2, logs, firewall, keys))
}

async fn firewall(settings: &Settings, sdk: impl AsyncFnOnce() -> SdkConfig) -> Result<Panos<Https>, NotReady> {
    let key = stored(&settings.firewall.key, sdk).await?;
    firewall_with(settings, key)
}

/// The firewall, with the key in hand.
pub(crate) fn firewall_with(settings: &Settings, key: ApiKey) -> Result<Panos<Https>, NotReady> {
    let endpoint = Endpoint {
        units: settings.firewall.units.clone(),
        key,
        tls: settings.firewall.tls.clone(),
        timeout: longest(&settings.config.timing),
        account: settings.account(),
    };
    Panos::connect(endpoint).map_err(|error| NotReady(error.to_string()))
}

/// How long any command may take. Each has its own limit, which that of the connection must not cut short.
fn longest(timing: &Timing) -> Duration {
    timing.read.max(timing.write)
}

/// Where the API key is kept, to look there again when the firewall refuses the one in hand.
pub struct KeyStore {
    source: KeySource,
    sdk: SdkConfig,
}

impl KeyStore {
    const fn new(source: KeySource, sdk: SdkConfig) -> Self {
        Self { source, sdk }
    }

    /// The key as it is kept now.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn key(&self) -> Result<ApiKey, NotReady> {
        stored(&self.source, async || self.sdk.clone()).await
    }
}

/// The key, from wherever it is kept.
pub(crate) async fn stored(source: &KeySource, sdk: impl AsyncFnOnce() -> SdkConfig) -> Result<ApiKey, NotReady> {
    match source {
        KeySource::Given(key) => Ok(key.clone()),
        KeySource::File(path) => ApiKey::from_file(path).map_err(|error| NotReady(error.to_string())),
        KeySource::Secret(secret) => aws::fetch_api_key(&sdk().await, secret)
            .await
            .map_err(|failure| NotReady(format!("the API key cannot be had from Secrets Manager: {}", failure.what))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_setting_that_is_no_text_is_not_passed_over() {
        use std::os::unix::ffi::OsStringExt as _;
        let odd = |name: &str| (OsString::from(name), OsString::from_vec(b"tcp/22\xff".to_vec()));
        assert!(in_words([odd("ELSEWHERE")].into_iter()).is_ok_and(|words| words.is_empty()));
        let refused = in_words([odd("DRAWBRIDGE_NEVER_OPEN")].into_iter()).unwrap_err();
        assert!(refused.to_string().contains("`DRAWBRIDGE_NEVER_OPEN` is not UTF-8"), "{refused}");
    }

    #[test]
    fn no_command_is_cut_short_by_the_limit_of_another() {
        let of = |read, write| {
            let [read, write] = [read, write].map(Duration::from_secs);
            longest(&Timing { read, write, ..Timing::default() }).as_secs()
        };
        assert_eq!((of(60, 20), of(20, 60)), (60, 60));
    }
}
