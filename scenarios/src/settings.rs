//! Drawbridge's settings in a story: what the file says, and sensible ones for what it leaves out.

use std::collections::BTreeMap;

use drawbridge::settings::{Settings, SettingsFile};
use drawbridge_simulator::serve::SharedWorld;

/// What a story does not have to say.
const DEFAULTS: &[(&str, &str)] = &[
    ("firewall.admin", "\"drawbridge\""),
    ("policy.owner", "\"drawbridge\""),
    ("policy.bottom_rule", "\"clean-up\""),
    ("policy.untrust_zone", "\"untrust\""),
    ("policy.trust_zone", "\"trust\""),
    ("mode", "\"sync\""),
];

/// The settings of a story, or everything that is wrong with them.
pub(crate) fn of_story(
    world: &SharedWorld,
    firewall_urls: &[String],
    aws_url: Option<&str>,
) -> Result<Settings, Vec<String>> {
    let world = world.lock();
    let own = world.settings();
    let says = |key: &str| own.lines().any(|line| line.split('=').next().is_some_and(|said| said.trim() == key));
    let mut text = String::new();
    let mut add = |key: &str, value: &str| {
        if !says(key) {
            text.push_str(&format!("{key} = {value}\n"));
        }
    };
    DEFAULTS.iter().for_each(|(key, value)| add(key, value));
    add("gateways", &format!("[\"{}\"]", world.names().lengthen("i-fw")));
    add("firewall.hostname", &format!("{firewall_urls:?}"));
    add("firewall.api_key", &format!("\"{}\"", world.key()));
    add("aws.region", &format!("\"{}\"", world.cloud().region()));
    if let Some(url) = aws_url {
        add("aws.endpoint_url", &format!("\"{url}\""));
    }
    text.push_str(own);
    let file = SettingsFile { name: "settings", text: &text };
    Settings::read(Some(file), &BTreeMap::new())
        .map_err(|invalid| invalid.to_string().lines().map(str::to_owned).collect())
}
