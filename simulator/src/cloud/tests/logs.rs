//! Log files.

use std::io::Read;

use flate2::read::GzDecoder;

use super::*;

#[test]
fn a_log_file_holds_what_happened_since_the_last() {
    let mut cloud = world();
    cloud.settings_mut().organization = Some("o-abc1234567".into());
    assert!(cloud.flush_trail(at(0)).is_empty());
    ok(&mut cloud, &["Action=StartInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa1"]);
    ok(&mut cloud, &["Action=DescribeInstances"]);
    cloud.settings_mut().unrecorded_readers.insert("alice".into());
    ok(&mut cloud, &["Action=DescribeInstances"]);
    assert_eq!(cloud.take_records().len(), 2);
    let keys = cloud.flush_trail(at(300));
    let folder = "AWSLogs/o-abc1234567/111122223333/CloudTrail/eu-west-1/2026/11/02/111122223333_CloudTrail_eu-west-1_20261102T0805Z_";
    assert!(keys[0].starts_with(folder) && keys[0].ends_with(".json.gz"), "{keys:?}");
    assert_eq!(keys[0].len(), folder.len() + "0123456789abcdef.json.gz".len());
    let answer = cloud.object("trail", &keys[0]);
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<_> = file["Records"].as_array().unwrap().iter().map(|record| &record["eventName"]).collect();
    assert_eq!(names, ["StartInstances", "DescribeInstances"]);
    assert_eq!(file["Records"][1]["readOnly"], true);
    assert!(cloud.flush_trail(at(300)).is_empty());
    assert!(cloud.take_records().is_empty());
}

#[test]
fn parameters_that_are_too_long_are_left_out() {
    let mut cloud = world();
    let mut parameters = fields(&["Action=AuthorizeSecurityGroupIngress", "GroupId=sg-0bbbbbbbbbbbbbbb1"]);
    parameters.push(("IpPermissions.1.IpProtocol".into(), "-1".into()));
    for n in 1..=5000 {
        let address = format!("203.{}.{}.0/24", n / 256, n % 256);
        parameters.push((format!("IpPermissions.1.IpRanges.{n}.CidrIp"), address));
    }
    assert_eq!(cloud.query(&parameters, "alice", at(0)).status, 200);
    let record = last_record(&cloud);
    assert!(record.get("requestParameters").is_none() && record.get("responseElements").is_none());
    assert_eq!(record["eventName"], "AuthorizeSecurityGroupIngress");
}
