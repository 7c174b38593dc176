//! Answers of the AWS CLI as an inventory, without network and credentials.
//!
//! A directory holds what the commands print, each in a file named after its command: `aws ec2 describe-instances
//! --include-managed-resources > describe-instances.json` and so on. The simulator's dump has the same names.

use std::{fs, io, path::Path};

use serde_json::Value;

use drawbridge_core::{command::Trouble, id::Region, inventory::Inventory};

use crate::aws::{
    described::{Described, PrefixListEntry},
    inventory::inventory,
};

/// Answers that no inventory can do without, and the list that each must have.
const REQUIRED: [(&str, &str); 6] = [
    ("describe-vpcs", "Vpcs"),
    ("describe-subnets", "Subnets"),
    ("describe-route-tables", "RouteTables"),
    ("describe-security-groups", "SecurityGroups"),
    ("describe-network-interfaces", "NetworkInterfaces"),
    ("describe-instances", "Reservations"),
];

/// Followed by the id of the list; lists without such an answer are unknown.
const PREFIX_LIST: &str = "get-managed-prefix-list-entries.";

/// Why a set of answers is no inventory.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// The directory or a file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file is not what the AWS CLI prints.
    #[error("`{name}` is not an answer of the AWS CLI in JSON: call `aws ec2 {command} --output json`")]
    NotAnAnswer {
        /// Which answer.
        name: String,
        /// The command that prints it.
        command: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Files that must be there are not.
    #[error("answers are missing: save what `aws ec2 {}` prints", .0.join("`, `aws ec2 "))]
    Missing(Vec<&'static str>),
    /// Only the first page was saved.
    #[error("`{0}` is one page of several: call it without `--max-items` and `--no-paginate`")]
    OnePage(String),
    /// Neither the settings nor the answers say which region this is.
    #[error("the region is not known: set `aws.region`")]
    NoRegion,
    /// The answers contradict themselves.
    #[error(transparent)]
    Unusable(#[from] Trouble),
}

/// Reads a directory of answers. Without a `region` the answers' ARNs tell it.
///
/// # Errors
/// [`OfflineError`] names the file and the remedy.
pub fn from_directory(directory: &Path, region: Option<Region>) -> Result<Inventory, OfflineError> {
    let mut answers = Vec::new();
    for file in fs::read_dir(directory).map_err(|source| unread(directory, source))? {
        let path = file.map_err(|source| unread(directory, source))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json")) else { continue };
        if list_of(name).is_some() {
            let text = fs::read(&path).map_err(|source| unread(&path, source))?;
            let value = serde_json::from_slice(&text).map_err(|source| not_an_answer(name, source))?;
            answers.push((name.to_owned(), value));
        }
    }
    from_values(answers, region)
}

/// Reads answers by the names that their files would have, without `.json`.
///
/// # Errors
/// [`OfflineError`] names the answer and the remedy.
pub fn from_values(
    answers: impl IntoIterator<Item = (String, Value)>,
    region: Option<Region>,
) -> Result<Inventory, OfflineError> {
    let (mut described, mut missing) = (Described::default(), REQUIRED.map(|(name, _)| name).to_vec());
    for (name, mut answer) in answers {
        let Some(list) = list_of(&name) else { continue };
        if answer["NextToken"].as_str().is_some_and(|token| !token.is_empty()) {
            return Err(OfflineError::OnePage(name));
        }
        // Without its list an answer is an error message, or another command's, and must not pass for "nothing there".
        if !answer[list].is_array() {
            return Err(not_an_answer(&name, serde::de::Error::custom(format_args!("it has no list `{list}`"))));
        }
        match name.strip_prefix(PREFIX_LIST) {
            Some(id) => {
                let entries: Result<Vec<PrefixListEntry>, _> = serde_json::from_value(answer[list].take());
                described.prefix_lists.insert(id.to_owned(), entries.map_err(|source| not_an_answer(&name, source))?);
            }
            None => described.extend(serde_json::from_value(answer).map_err(|source| not_an_answer(&name, source))?),
        }
        missing.retain(|required| *required != name);
    }
    if !missing.is_empty() {
        return Err(OfflineError::Missing(missing));
    }
    let region = region.or_else(|| region_of(&described)).ok_or(OfflineError::NoRegion)?;
    Ok(inventory(&described, region)?)
}

/// The list that the answer of this name has, if it is one that is read.
fn list_of(name: &str) -> Option<&'static str> {
    let required = REQUIRED.iter().find(|(required, _)| *required == name).map(|(_, list)| *list);
    required.or_else(|| name.starts_with(PREFIX_LIST).then_some("Entries"))
}

/// `arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-…`
fn region_of(described: &Described) -> Option<Region> {
    described.subnets.iter().find_map(|subnet| subnet.subnet_arn.as_deref()?.split(':').nth(3)?.parse().ok())
}

fn unread(path: &Path, source: io::Error) -> OfflineError {
    OfflineError::Read { path: path.display().to_string(), source }
}

fn not_an_answer(name: &str, source: serde_json::Error) -> OfflineError {
    let command = name.split('.').next().unwrap_or(name);
    OfflineError::NotAnAnswer { name: format!("{name}.json"), command: command.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answers() -> Vec<(String, Value)> {
        [
            ("describe-vpcs", json!({"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}]})),
            (
                "describe-subnets",
                json!({"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1",
                "SubnetArn": "arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-1"}]}),
            ),
            ("describe-route-tables", json!({"RouteTables": []})),
            ("describe-security-groups", json!({"SecurityGroups": []})),
            ("describe-network-interfaces", json!({"NetworkInterfaces": []})),
            ("describe-instances", json!({"Reservations": []})),
            (
                "get-managed-prefix-list-entries.pl-1",
                json!({"Entries": [{"Cidr": "192.0.2.0/24", "Description": "x"}]}),
            ),
            ("get-managed-prefix-list-entries.pl-2", json!({"Entries": [{"Cidr": "odd"}]})),
            ("describe-volumes", json!({"Volumes": 7})),
        ]
        .map(|(name, answer)| (name.to_owned(), answer))
        .into()
    }

    #[test]
    fn files_and_values_say_the_same() {
        let directory = tempfile::tempdir().unwrap();
        for (name, answer) in answers() {
            fs::write(directory.path().join(format!("{name}.json")), answer.to_string()).unwrap();
        }
        fs::write(directory.path().join("notes.txt"), "x").unwrap();
        let held = from_directory(directory.path(), None).unwrap();
        assert_eq!(from_values(answers(), Some("eu-west-1".parse().unwrap())).unwrap(), held);
        assert_eq!(held.prefix_lists.keys().map(|id| id.as_str()).collect::<Vec<_>>(), ["pl-1"]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_remedy() {
        let said = |answers: Vec<(String, Value)>| from_values(answers, None).unwrap_err().to_string();
        assert_eq!(
            said(answers().split_off(2)),
            "answers are missing: save what `aws ec2 describe-vpcs`, `aws ec2 describe-subnets` prints"
        );
        let with = |index: usize, answer: Value| {
            let mut all = answers();
            all[index].1 = answer;
            all
        };
        assert_eq!(
            said(with(0, json!({"Vpcs": [], "NextToken": "x"}))),
            "`describe-vpcs` is one page of several: call it without `--max-items` and `--no-paginate`"
        );
        assert_eq!(
            said(with(6, json!({"Entries": [1]}))),
            "`get-managed-prefix-list-entries.pl-1.json` is not an answer of the AWS CLI in JSON: call `aws ec2 get-managed-prefix-list-entries --output json`"
        );
        assert!(
            said(with(4, json!({"message": "Rate exceeded"}))).starts_with("`describe-network-interfaces.json` is not")
        );
        assert_eq!(said(with(1, json!({"Subnets": []}))), "the region is not known: set `aws.region`");
    }
}
