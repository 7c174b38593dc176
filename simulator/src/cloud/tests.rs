//! Stories against the whole model, through its front door.

mod building;
mod instances;
mod launching;
mod logs;
mod networks;
mod properties;
mod reading;
mod rules;
mod settings;
mod sharing;

use std::time::Duration;

use serde_json::{Value, json};

use super::{parameters::tests::fields, *};
use crate::xml::Element;

const WEB: &str = "i-0aaaaaaaaaaaaaaa1";
const FIREWALL: &str = "i-0aaaaaaaaaaaaaaaf";
const GROUP: &str = "sg-0bbbbbbbbbbbbbbb1";
const SUBNET: &str = "subnet-0ccccccccccccccc1";
const TABLE: &str = "rtb-0ddddddddddddddd1";
const VPC: &str = "vpc-0eeeeeeeeeeeeeee1";
const TRUST: &str = "eni-0111111111111111a";
const LIST: &str = "pl-0fffffffffffffff1";

fn id<I: ResourceId>(text: &str) -> I {
    text.parse().unwrap()
}

/// One subnet whose way to the internet leads through the second interface of a firewall.
fn world() -> Cloud {
    let mut cloud = Cloud::new("111122223333", "eu-west-1");
    cloud.add_vpc(id(VPC), "10.0.0.0/16".parse().unwrap()).unwrap();
    cloud.add_subnet(id(SUBNET), id(VPC), "10.0.1.0/24".parse().unwrap()).unwrap();
    cloud.add_group(id(GROUP), id(VPC), "web").unwrap();
    cloud.add_prefix_list(id(LIST), "offices", vec!["192.0.2.0/28".parse().unwrap()]).unwrap();
    let address = |text: &str| text.parse().unwrap();
    cloud.add_instance(id(WEB), id(SUBNET), address("10.0.1.10"), vec![id(GROUP)], InstanceState::Stopped).unwrap();
    cloud.add_instance(id(FIREWALL), id(SUBNET), address("10.0.1.4"), vec![], InstanceState::Running).unwrap();
    let mut trust = Interface::new(id(TRUST), id(SUBNET), address("10.0.1.5"), vec![]);
    trust.attachment = Some(cloud.attachment(Holder::Instance(id(FIREWALL)), 1, Moment::default()));
    cloud.add_interface(trust).unwrap();
    cloud.add_route_table(id(TABLE), id(VPC)).unwrap();
    cloud.associate(&id(TABLE), Associated::Main).unwrap();
    let everywhere = Destination::Cidr("0.0.0.0/0".parse().unwrap());
    cloud.add_route(&id(TABLE), everywhere, Target::Interface(id(TRUST))).unwrap();
    cloud
}

fn at(seconds: u64) -> Moment {
    Moment::default() + Duration::from_secs(seconds)
}

fn ask(cloud: &mut Cloud, now: Moment, texts: &[&str]) -> (u16, Element) {
    let answer = cloud.query(&fields(texts), "alice", now);
    (answer.status, Element::parse(&answer.text()).unwrap())
}

fn ok(cloud: &mut Cloud, texts: &[&str]) -> Element {
    let (status, root) = ask(cloud, at(0), texts);
    assert_eq!(status, 200, "{root}");
    root
}

fn code(cloud: &mut Cloud, texts: &[&str]) -> String {
    let (_, root) = ask(cloud, at(0), texts);
    root.at(&["Errors", "Error", "Code"]).map(|code| code.text.clone()).unwrap_or_default()
}

fn last_record(cloud: &Cloud) -> &Value {
    cloud.buffered().last().unwrap()
}

fn default_route(cloud: &mut Cloud) -> Value {
    let tables = cloud.dump(at(0)).route_tables.value()["RouteTables"].as_array().unwrap().clone();
    let mut routes = tables.iter().flat_map(|table| table["Routes"].as_array().unwrap());
    routes.find(|route| route["DestinationCidrBlock"] == "0.0.0.0/0").unwrap().clone()
}
