//! Throttling, reads that lag behind, consequences with delays, and the way in that no AWS has.

use super::*;

#[test]
fn the_next_calls_are_refused_and_then_no_more() {
    let mut cloud = world();
    cloud.settings_mut().refused_next = 2;
    for expected in ["RequestLimitExceeded", "RequestLimitExceeded", ""] {
        assert_eq!(code(&mut cloud, &["Action=DescribeVpcs"]), expected);
    }
    cloud.settings_mut().refused_next = 1;
    let (status, _) = ask(&mut cloud, at(0), &["Action=StartInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa1"]);
    assert_eq!((status, &last_record(&cloud)["errorCode"]), (503, &json!("Client.RequestLimitExceeded")));
}

#[test]
fn a_bucket_of_calls_fills_again_with_time() {
    let mut cloud = world();
    cloud.settings_mut().set("throttle-rate", "2/1").unwrap();
    let mut status = |second: u64, action: &str| ask(&mut cloud, at(second), &[&format!("Action={action}")]).0;
    assert_eq!([0, 0, 0].map(|second| status(second, "DescribeVpcs")), [200, 200, 503]);
    assert_eq!(status(0, "DescribeSubnets"), 200);
    assert_eq!([1, 1].map(|second| status(second, "DescribeVpcs")), [200, 503]);
    assert_eq!([100, 100, 100].map(|second| status(second, "DescribeVpcs")), [200, 200, 503]);
}

#[test]
fn reads_lag_behind_as_long_as_they_are_told_to() {
    let mut cloud = world();
    cloud.settings_mut().set("reads-lag", "5s").unwrap();
    let state = |cloud: &mut Cloud, second: u64| {
        let (_, found) = ask(cloud, at(second), &["Action=DescribeInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa1"]);
        found.at(&["reservationSet", "item", "instancesSet", "item", "instanceState", "name"]).unwrap().text.clone()
    };
    ask(&mut cloud, at(10), &["Action=StartInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa1"]);
    ask(&mut cloud, at(12), &["Action=StopInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa1"]);
    let seen: Vec<_> = [13, 14, 15, 16, 17].map(|second| state(&mut cloud, second)).into();
    assert_eq!(seen, ["stopped", "stopped", "running", "running", "stopped"]);
    assert_eq!(cloud.resources().instances[&id::<InstanceId>(WEB)].state, InstanceState::Stopped);
}

#[test]
fn messages_come_in_order_and_when_they_are_due() {
    let mut cloud = world();
    cloud.keep_messages();
    cloud.settings_mut().set("event-delay", "3s").unwrap();
    cloud.settings_mut().set("notification-delay", "1s").unwrap();
    ask(&mut cloud, at(10), &["Action=StartInstances", "InstanceId.1=i-0aaaaaaaaaaaaaaa1"]);
    ask(&mut cloud, at(10), &["Action=DescribeVpcs"]);
    let keys = cloud.flush_trail(at(20));
    let kinds = |second: u64, after: u64| {
        let kind = |(_, message): (u64, Value)| message["detail-type"].as_str().unwrap_or("S3").to_owned();
        cloud.messages(after, at(second)).into_iter().map(kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(12, 0), [""; 0]);
    let (state, call) = ("EC2 Instance State-change Notification", "AWS API Call via CloudTrail");
    assert_eq!(kinds(13, 0), [state, call, state]);
    assert_eq!(kinds(20, 3), [""; 0]);
    assert_eq!(kinds(21, 3), ["S3", "Object Created"]);
    assert_eq!(cloud.messages(4, at(21))[0].1["detail"]["object"]["key"], keys[0]);
}

#[test]
fn settings_are_told_and_changed_all_or_none() {
    let mut cloud = world();
    let put = |cloud: &mut Cloud, texts: &[&str]| cloud.control("PUT", "settings", &fields(texts), at(0));
    let answer = put(&mut cloud, &["starting=2s", "page-max=7", "managed-resources=hidden"]);
    let told: Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!(
        (&told["starting"], &told["page-max"], &told["throttle-rate"]),
        (&json!("2s"), &json!("7"), &json!("none"))
    );
    for (wrong, words) in [
        ("starting=soon", "`starting` cannot be `soon`: a span such as"),
        ("speed=1", "`speed` is no setting; known are starting, "),
        ("throttle-rate=5", "calls at once"),
    ] {
        let answer = put(&mut cloud, &["page-max=none", wrong]);
        assert!(answer.status == 400 && answer.text().contains(words), "{}", answer.text());
    }
    assert_eq!(cloud.settings().page_max, Some(7));
    assert_eq!(cloud.control("GET", "nonsense", &[], at(0)).status, 404);
}

#[test]
fn an_unknown_action_is_refused_and_told_once() {
    let mut cloud = world();
    assert_eq!(code(&mut cloud, &["Action=DescribeVolumes"]), "InvalidAction");
    assert_eq!(cloud.take_unknown_actions(), ["DescribeVolumes"]);
    assert!(cloud.take_unknown_actions().is_empty() && cloud.buffered().is_empty());
}

#[test]
fn who_asks_who_he_is_hears_it_in_the_form_of_sts() {
    let answer = ok(&mut world(), &["Action=GetCallerIdentity", "Version=2011-06-15"]);
    assert_eq!(answer.at(&["GetCallerIdentityResult", "Arn"]).unwrap().text, "arn:aws:iam::111122223333:user/alice");
}
