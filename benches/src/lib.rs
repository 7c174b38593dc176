//! What the measurements are made on: logs, rulebases, accounts and stories of any size, made up in the real form, and the
//! same every time.
//!
//! ```text
//!     log_file(bytes) ───────────────────────────► cloudtrail, memory
//!     exported(n) ───────────────────────────────► rulebase, memory
//!          └────────► Site: inventory + firewall ► plan, memory
//!     Eve: a story of n instances, up to the news ► run
//!              ├────► Sequence: facts alone ───────► run
//!              └────► answers of the AWS CLI      ► offline
//! ```

pub mod cpu;
pub mod log;
pub mod rulebase;
pub mod sequence;
pub mod site;
pub mod story;

use std::{collections::BTreeMap, fmt::Debug, str::FromStr};

use drawbridge::settings::{Settings, SettingsFile};

use crate::rulebase::{BOTTOM_RULE, OWNER};

/// Numbers of instances that are measured.
pub const SIZES: &[usize] = sizes(&[100], &[100, 1_000, 10_000]);

/// What to measure: without optimisation only small things, so that the targets can be run once each as a test.
pub const fn sizes<T: Copy>(small: T, whole: T) -> T {
    if cfg!(debug_assertions) { small } else { whole }
}

/// How many instances share a security group.
pub const INSTANCES_OF_A_GROUP: usize = 10;

/// The address of an instance: within 10.64.0.0/16, away from the firewall's own.
pub fn address(instance: usize) -> String {
    format!("10.64.{}.{}", 128 + instance / 250, 2 + instance % 250)
}

/// What an operator would set.
fn settings(gateway: &str, key: &str) -> Settings {
    let text = format!(
        "mode = \"sync\"\n\
         gateways = [\"{gateway}\"]\n\
         firewall.hostname = \"firewall.example\"\n\
         firewall.api_key = \"{key}\"\n\
         firewall.admin = \"drawbridge\"\n\
         policy.owner = \"{OWNER}\"\n\
         policy.bottom_rule = \"{BOTTOM_RULE}\"\n\
         policy.untrust_zone = \"untrust\"\n\
         policy.trust_zone = \"trust\"\n\
         aws.region = \"eu-west-1\"\n"
    );
    let file = SettingsFile { name: "settings", text: &text };
    Settings::read(Some(file), &BTreeMap::new()).expect("nothing is missing in these settings")
}

/// A made-up text as a value.
fn made<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("made-up texts have the real form")
}

/// Bits without a pattern, which gzip cannot take for one: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom
/// number generators", 2014).
pub(crate) const fn scattered(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
