//! Answers of the AWS CLI as an inventory.
//!
//! A directory holds what the commands print, each in a file named after its command: `aws ec2 describe-instances
//! --include-managed-resources > describe-instances.json` and so on. The simulator's dump has the same names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    marker::PhantomData,
    path::Path,
};

use drawbridge_core::{command::Trouble, id::Region, inventory::Inventory};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};

use super::file::{Unreadable, text};
use crate::aws::{described::Described, inventory::inventory};

/// Answers that no inventory can do without.
const REQUIRED: [&str; 6] = [
    "describe-vpcs",
    "describe-subnets",
    "describe-route-tables",
    "describe-security-groups",
    "describe-network-interfaces",
    "describe-instances",
];

/// Answers that make an inventory more certain.
const OPTIONAL: [&str; 2] = ["describe-vpc-endpoints", "describe-managed-prefix-lists"];

/// Followed by the id of the list; lists without such an answer are unknown.
const PREFIX_LIST: &str = "get-managed-prefix-list-entries.";

/// The instances of the largest accounts take less.
const BYTES_MAX: u64 = 1 << 30;

/// Why a set of answers is no inventory.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// The directory cannot be read.
    #[error("the directory `{path}` cannot be read: {why}")]
    Directory {
        /// Which.
        path: String,
        /// Why.
        why: io::Error,
    },
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] Unreadable),
    /// A file is not what the AWS CLI prints.
    #[error("`{name}` is not an answer of the AWS CLI in JSON ({why}): call `aws ec2 {command} --output json`")]
    NotAnAnswer {
        /// Which answer.
        name: String,
        /// The command that prints it.
        command: String,
        /// What is wrong with it.
        why: serde_json::Error,
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
    let unread = |why| OfflineError::Directory { path: directory.display().to_string(), why };
    let mut answers = Answers::default();
    for file in fs::read_dir(directory).map_err(unread)? {
        let path = file.map_err(unread)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json")) else { continue };
        if is_read(name) {
            let text = text(&path, BYTES_MAX)?;
            let mut answer = serde_json::Deserializer::from_str(&text);
            answers.add(name, &mut answer)?;
            answer.end().map_err(|why| not_an_answer(name, why))?;
        }
    }
    answers.leave_out_routes_to_services();
    for (id, name) in answers.unread_lists() {
        tracing::warn!(
            "prefix list `{id}`{name} counts as unknown: save what `aws ec2 get-managed-prefix-list-entries --prefix-list-id {id}` \
             prints as `{PREFIX_LIST}{id}.json`"
        );
    }
    answers.inventory(region)
}

/// Reads answers by the names that their files would have, without `.json`.
///
/// # Errors
/// [`OfflineError`] names the answer and the remedy.
pub fn from_answers<'de, A: Deserializer<'de, Error = serde_json::Error>>(
    all: impl IntoIterator<Item = (String, A)>,
    region: Option<Region>,
) -> Result<Inventory, OfflineError> {
    let mut answers = Answers::default();
    for (name, answer) in all.into_iter().filter(|(name, _)| is_read(name)) {
        answers.add(&name, answer)?;
    }
    answers.leave_out_routes_to_services();
    answers.inventory(region)
}

fn is_read(name: &str) -> bool {
    REQUIRED.contains(&name) || OPTIONAL.contains(&name) || name.starts_with(PREFIX_LIST)
}

/// What has been read so far.
#[derive(Default)]
struct Answers {
    described: Described,
    names: Vec<String>,
}

impl Answers {
    fn add<'de>(
        &mut self,
        name: &str,
        answer: impl Deserializer<'de, Error = serde_json::Error>,
    ) -> Result<(), OfflineError> {
        let held = &mut self.described;
        let page = match name {
            "describe-vpcs" => listed(answer, "Vpcs", &mut held.vpcs),
            "describe-subnets" => listed(answer, "Subnets", &mut held.subnets),
            "describe-route-tables" => listed(answer, "RouteTables", &mut held.route_tables),
            "describe-security-groups" => listed(answer, "SecurityGroups", &mut held.security_groups),
            "describe-network-interfaces" => listed(answer, "NetworkInterfaces", &mut held.network_interfaces),
            "describe-instances" => listed(answer, "Reservations", &mut held.reservations),
            "describe-vpc-endpoints" => listed(answer, "VpcEndpoints", &mut held.vpc_endpoints),
            "describe-managed-prefix-lists" => listed(answer, "PrefixLists", &mut held.managed_prefix_lists),
            entries => {
                let id = entries.strip_prefix(PREFIX_LIST).unwrap_or(entries);
                listed(answer, "Entries", held.prefix_lists.entry(id.to_owned()).or_default())
            }
        };
        match page.map_err(|why| not_an_answer(name, why))? {
            Page::Last => self.names.push(name.to_owned()),
            Page::OneOfSeveral => return Err(OfflineError::OnePage(format!("{name}.json"))),
        }
        Ok(())
    }

    /// Leaves out routes that take no half of the internet, whatever is in the lists that were not read: those for a list of
    /// AWS's own, and those to a gateway endpoint. They are for one service of AWS.
    fn leave_out_routes_to_services(&mut self) {
        let Described { route_tables, managed_prefix_lists, vpc_endpoints, prefix_lists, .. } = &mut self.described;
        let of_aws = managed_prefix_lists.iter().filter(|list| list.owner_id.as_deref() == Some("AWS"));
        let of_aws: BTreeSet<_> = of_aws.filter_map(|list| list.prefix_list_id.as_ref()).collect();
        let gateways = vpc_endpoints.iter().filter(|held| held.vpc_endpoint_type.as_deref() == Some("Gateway"));
        let gateways: BTreeSet<_> = gateways.filter_map(|held| held.vpc_endpoint_id.as_ref()).collect();
        for table in route_tables {
            table.routes.retain(|route| {
                let unread = route.destination_prefix_list_id.as_ref().filter(|id| !prefix_lists.contains_key(*id));
                let is_to_gateway = || route.gateway_id.as_ref().is_some_and(|id| gateways.contains(id));
                !unread.is_some_and(|id| of_aws.contains(id) || is_to_gateway())
            });
        }
    }

    /// Prefix lists that somebody refers to and whose entries are not there, with their names where these are known.
    fn unread_lists(&self) -> Vec<(String, String)> {
        let lists = self.described.managed_prefix_lists.iter();
        let names: BTreeMap<_, _> = lists.map(|list| (&list.prefix_list_id, &list.prefix_list_name)).collect();
        let unread = self.described.prefix_lists_referred_to().into_iter();
        let unread = unread.filter(|id| !self.described.prefix_lists.contains_key(id));
        let named = unread.map(|id| {
            let name = names.get(&Some(id.clone())).and_then(|name| name.as_ref());
            let name = name.map_or_else(String::new, |name| format!(" (`{name}`)"));
            (id, name)
        });
        named.collect()
    }

    fn inventory(self, region: Option<Region>) -> Result<Inventory, OfflineError> {
        let missing: Vec<_> = REQUIRED.into_iter().filter(|name| !self.names.iter().any(|read| read == name)).collect();
        if !missing.is_empty() {
            return Err(OfflineError::Missing(missing));
        }
        let region = region.or_else(|| region_of(&self.described)).ok_or(OfflineError::NoRegion)?;
        Ok(inventory(self.described, region)?)
    }
}

/// Whether an answer is all there is.
enum Page {
    Last,
    OneOfSeveral,
}

/// Adds the one list of an answer; nothing else of it is kept.
fn listed<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    answer: D,
    list: &'static str,
    into: &mut Vec<T>,
) -> Result<Page, D::Error> {
    let (items, page) = answer.deserialize_map(Listed { list, items: PhantomData })?;
    into.extend(items);
    Ok(page)
}

struct Listed<T> {
    list: &'static str,
    items: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Listed<T> {
    type Value = (Vec<T>, Page);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the list `{}`", self.list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let (mut items, mut page) = (None, Page::Last);
        while let Some(name) = members.next_key::<String>()? {
            if name == self.list {
                items = Some(members.next_value()?);
            } else if name == "NextToken" {
                let token: Option<String> = members.next_value()?;
                if token.is_some_and(|token| !token.is_empty()) {
                    page = Page::OneOfSeveral;
                }
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        // Without its list an answer is an error message, or another command's, and must not pass for "nothing there".
        let items = items.ok_or_else(|| A::Error::custom(format_args!("it has no list `{}`", self.list)))?;
        Ok((items, page))
    }
}

/// `arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-…`
fn region_of(described: &Described) -> Option<Region> {
    described.subnets.iter().find_map(|subnet| subnet.subnet_arn.as_deref()?.split(':').nth(3)?.parse().ok())
}

fn not_an_answer(name: &str, why: serde_json::Error) -> OfflineError {
    let command = name.split('.').next().unwrap_or(name);
    OfflineError::NotAnAnswer { name: format!("{name}.json"), command: command.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
        assert_eq!(from_answers(answers(), Some("eu-west-1".parse().unwrap())).unwrap(), held);
        assert_eq!(held.prefix_lists.keys().map(|id| id.as_str()).collect::<Vec<_>>(), ["pl-1"]);
    }

    #[test]
    fn routes_to_a_service_of_aws_need_no_list() {
        let route = |list: &str, gateway: &str| json!({"DestinationPrefixListId": list, "GatewayId": gateway});
        let routes = [
            route("pl-s3", "vpce-any"),
            route("pl-other", "vpce-s3"),
            route("pl-customer", "vpce-firewall"),
            route("pl-1", "vpce-s3"),
        ];
        let mut all = answers();
        all[2].1 = json!({"RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Routes": routes}]});
        let left = |all: Vec<(String, Value)>| {
            let held = from_answers(all, None).unwrap();
            held.route_tables.into_values().flat_map(|table| table.routes).count()
        };
        assert_eq!(left(all.clone()), 4);
        let lists = json!({"PrefixLists": [{"PrefixListId": "pl-s3", "OwnerId": "AWS"},
            {"PrefixListId": "pl-customer", "OwnerId": "111122223333"}]});
        let endpoints = json!({"VpcEndpoints": [{"VpcEndpointId": "vpce-s3", "VpcEndpointType": "Gateway"},
            {"VpcEndpointId": "vpce-firewall", "VpcEndpointType": "GatewayLoadBalancer"}]});
        all.push(("describe-managed-prefix-lists".to_owned(), lists));
        all.push(("describe-vpc-endpoints".to_owned(), endpoints));
        // Those of the customer's list, and of the one that was read.
        assert_eq!(left(all), 2);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_remedy() {
        let said = |answers: Vec<(String, Value)>| from_answers(answers, None).unwrap_err().to_string();
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
            "`describe-vpcs.json` is one page of several: call it without `--max-items` and `--no-paginate`"
        );
        assert_eq!(
            said(with(6, json!({"Entries": [1]}))),
            "`get-managed-prefix-list-entries.pl-1.json` is not an answer of the AWS CLI in JSON (invalid type: integer `1`, expected an object): call `aws ec2 get-managed-prefix-list-entries --output json`"
        );
        assert!(
            said(with(4, json!({"message": "Rate exceeded"}))).starts_with("`describe-network-interfaces.json` is not")
        );
        assert_eq!(said(with(1, json!({"Subnets": []}))), "the region is not known: set `aws.region`");
    }
}
