//! A configuration in a file as the firewall that has it.

use std::{path::Path, sync::Arc};

use drawbridge_core::{firewall::Firewall, id::AdminName};

use super::file::{Unreadable, text};
use crate::panos::{
    applications::without_ports,
    exported::{ExportError, exported},
    xpath::Vsys,
};

/// Configurations of the largest firewalls stay far below.
const BYTES_MAX: u64 = 256 << 20;

/// How many applications a warning names.
const NAMED: usize = 5;

/// Whose work it would be if any were pending. PAN-OS has no administrator with blanks in the name, so that marks in a file
/// are never taken for our own.
const NOBODY: &str = "whoever applies the plan";

/// Why a file does not say what the firewall has.
#[derive(Debug, thiserror::Error)]
pub enum FirewallFileError {
    /// It holds no text.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It holds no configuration that could be used.
    #[error("`{path}`: {why}")]
    Export {
        /// Which file.
        path: String,
        /// What is wrong with it.
        why: ExportError,
    },
}

/// What the firewall has according to a file: nothing is pending, no job runs.
///
/// # Errors
/// [`FirewallFileError`] names the file, what is wrong with it and the remedy.
pub fn firewall(path: &Path, vsys: &Vsys) -> Result<Firewall, FirewallFileError> {
    let text = text(path, BYTES_MAX)?;
    let export = |why| FirewallFileError::Export { path: path.display().to_string(), why };
    let configuration = Arc::new(exported(&text, vsys).map_err(export)?);
    let unknown: Vec<_> = without_ports(&configuration).into_iter().map(|name| format!("`{name}`")).collect();
    if !unknown.is_empty() {
        let more = if unknown.len() > NAMED { format!(" and {} more", unknown.len() - NAMED) } else { String::new() };
        tracing::warn!(
            "an exported configuration does not tell the standard ports of {}{more}: what is planned may be allowed already by \
             rules with `application-default` for them",
            unknown[..unknown.len().min(NAMED)].join(", "),
        );
    }
    Ok(Firewall {
        unit: None,
        running: Arc::clone(&configuration),
        candidate: configuration,
        admin: NOBODY.parse::<AdminName>().ok(),
        pending: Vec::new(),
        unfinished_commit: None,
        failed_commits: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_configuration_is_candidate_and_running() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("running-config.xml");
        let vsys = "<vsys><entry name='vsys1'><zone><entry name='trust'/></zone></entry></vsys>";
        let text = format!("<config><devices><entry name='localhost.localdomain'>{vsys}</entry></devices></config>");
        std::fs::write(&path, text).unwrap();
        let held = firewall(&path, &Vsys::default()).unwrap();
        assert!(Arc::ptr_eq(&held.candidate, &held.running) && held.pending.is_empty() && held.admin.is_some());
        let error = firewall(&path, &"vsys2".parse().unwrap()).unwrap_err().to_string();
        let said = error.replace(&path.display().to_string(), "running-config.xml");
        assert_eq!(
            said,
            "`running-config.xml`: it has no virtual system `vsys2`: set `firewall.vsys` to one of `vsys1`"
        );
    }
}
