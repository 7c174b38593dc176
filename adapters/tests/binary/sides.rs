//! Either side of a plan from files, the other one live.

use std::path::Path;

use drawbridge_simulator::xml::Element;
use serde_json::Value;

use crate::{site::save, stage::Stage};

/// What a world would answer, in files.
fn saved(stage: &Stage, directory: &Path) {
    let dump = stage.world.lock().dump().unwrap();
    let answers = [
        ("describe-instances", dump.instances),
        ("describe-network-interfaces", dump.network_interfaces),
        ("describe-subnets", dump.subnets),
        ("describe-vpcs", dump.vpcs),
        ("describe-route-tables", dump.route_tables),
        ("describe-security-groups", dump.security_groups),
        ("describe-managed-prefix-lists", dump.managed_prefix_lists),
        ("describe-vpc-endpoints", dump.vpc_endpoints),
    ];
    for (name, answer) in answers {
        save(directory, name, &answer.value());
    }
    let [candidate, _] = stage.trees();
    let result = Element::new("result").with(candidate);
    let answer = Element::new("response").with_attribute("status", "success").with(result);
    std::fs::write(directory.join("config.xml"), answer.to_string()).unwrap();
}

#[tokio::test]
async fn it_does_not_matter_which_side_is_in_files() {
    let stage = Stage::new().await.with_work();
    let directory = tempfile::tempdir().unwrap();
    saved(&stage, directory.path());
    let inventory = ["--inventory", directory.path().to_str().unwrap()];
    let file = directory.path().join("config.xml");
    let firewall = ["--firewall-config", file.to_str().unwrap()];
    let live = stage.run(&["plan", "--json"]).await;
    assert_eq!(live.status, Some(2), "{live:#?}");
    let plan: Value = serde_json::from_str(&live.stdout).unwrap();
    assert_eq!(plan["changes"].as_array().unwrap().len(), 2);

    let without_aws = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL"];
    let without_firewall = ["PANOS_HOSTNAME", "PANOS_API_KEY"];
    let ways = [
        (inventory.to_vec(), without_aws.to_vec()),
        (firewall.to_vec(), without_firewall.to_vec()),
        ([inventory, firewall].concat(), [&without_aws[..], &without_firewall].concat()),
    ];
    for (sources, needless) in ways {
        let mut stage = Stage::new().await.with_work();
        for variable in needless {
            stage = stage.unset(variable);
        }
        let planned = stage.run(&[&["plan", "--json"], &sources[..]].concat()).await;
        assert_eq!((planned.status, &planned.stdout), (live.status, &live.stdout), "{sources:?}: {planned:#?}");
    }
}
