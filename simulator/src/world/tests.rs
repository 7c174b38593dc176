use super::*;
use crate::{
    faults::Command,
    firewall::{Answer, Body, Request},
    http::aws,
    script::RuleState,
};

const SETUP: &str = "\
cloud
sg sg-web allow tcp/443 from 0.0.0.0/0
instance i-web 10.0.1.10 sg-web
firewall
admin alice
rule clean-up any -> any deny
settings
gateways = [\"i-fw\"]
----
";

fn world(setup: &str) -> World {
    World::build(&Script::parse("test", setup).unwrap()).unwrap()
}

fn deeds(text: &str) -> Vec<Deed> {
    let script = Script::parse("test", &format!("{text}\n----\n")).unwrap();
    script.blocks.into_iter().flat_map(|block| block.deeds).map(|deed| deed.what).collect()
}

/// Does everything that the lines say, and gives what came of the last.
fn done(world: &mut World, lines: &str) -> Performed {
    let done: Vec<_> = deeds(lines).iter().map(|deed| world.perform(deed).unwrap()).collect();
    done.into_iter().next_back().unwrap()
}

fn heard(world: &mut World, lines: &str) -> Value {
    match done(world, lines) {
        Performed::Heard(event) => event,
        other @ (Performed::Done
        | Performed::Settled
        | Performed::Applied(_)
        | Performed::Uninstalled
        | Performed::Asked(_)) => {
            panic!("{other:?}")
        }
    }
}

fn ask(world: &mut World, parameters: &[(&str, &str)]) -> Answer {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let parameters = parameters.iter().map(owned).collect();
    let key = Some(world.key().to_owned());
    world.panos(&Request { parameters, key, basic: None })
}

#[test]
fn nat_lines_are_nat_rules_of_the_firewall() {
    let lines = "\
nat in untrust:any -> untrust:203.0.113.7 service tcp/443 to 10.0.1.10:8443
nat out trust:10.0.1.10 -> untrust:any static 203.0.113.8 bidirectional
nat old any -> any disabled
settings";
    let mut world = world(&SETUP.replace("settings", lines));
    let xpath = "/config/devices/entry/vsys/entry[@name='vsys1']/rulebase/nat/rules/entry";
    let answer = ask(&mut world, &[("type", "config"), ("action", "show"), ("xpath", xpath)]).text();
    for piece in [
        "<service>svc-tcp-443</service><nat-type>ipv4</nat-type><destination-translation><translated-address>10.0.1.10\
         </translated-address><translated-port>8443</translated-port></destination-translation></entry>",
        "<source-translation><static-ip><translated-address>203.0.113.8</translated-address>\
         <bi-directional>yes</bi-directional></static-ip></source-translation></entry>",
        "<service>any</service><nat-type>ipv4</nat-type><disabled>yes</disabled></entry>",
    ] {
        assert!(answer.contains(piece), "{answer}\nlacks {piece}");
    }
}

const INFO: [(&str, &str); 2] = [("type", "op"), ("cmd", "<show><system><info/></system></show>")];
const COMMIT: [(&str, &str); 2] = [("type", "commit"), ("cmd", "<commit/>")];

/// The records of the log that a notification tells of.
fn records(world: &mut World, notification: &Value) -> Vec<Value> {
    use std::io::Read;
    let object = &notification["Records"][0]["s3"];
    let (bucket, key) = (object["bucket"]["name"].as_str().unwrap(), object["object"]["key"].as_str().unwrap());
    let call = aws::Call::GetObject { bucket: bucket.to_owned(), key: key.to_owned() };
    let body = world.aws(&call, DRAWBRIDGE).body;
    let mut text = String::new();
    flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
    let log: Value = serde_json::from_str(&text).unwrap();
    log["Records"].as_array().unwrap().clone()
}

#[test]
fn a_story_without_a_vpc_gets_one_with_a_firewall_in_it() {
    let mut world = world(SETUP);
    let dump = world.dump().unwrap();
    let routes = world.names().shorten(&dump.route_tables.to_string());
    assert!(routes.contains("eni-fw") && routes.contains("igw-1"), "{routes}");
    let interfaces = world.names().shorten(&dump.network_interfaces.to_string());
    assert!(interfaces.contains("\"eni-web\"") && interfaces.contains("10.0.1.10"), "{interfaces}");
    assert_eq!(world.names().shorten(world.settings()), "gateways = [\"i-fw\"]\n");
    assert_ne!(world.settings(), "gateways = [\"i-fw\"]\n");
}

#[test]
fn a_mistake_in_the_world_names_its_line() {
    for (setup, mistake) in [
        (
            "cloud\ninstance i-1 192.0.2.1 sg-1\n----\n",
            "x:2: no subnet holds 192.0.2.1; choose another address or add a subnet",
        ),
        ("firewall\n\n----\n", "x:1: the block that begins here has no `----`; end its input with one"),
        ("cloud\nvpc vpc-1 10.0.0.0/16\nsg sg-1 in vpc-2\n----\n", "x:3: there is no VPC `vpc-2`: add it first"),
    ] {
        let built = Script::parse("x", setup).and_then(|script| World::build(&script)).map(|_| ());
        assert_eq!(built.map_err(|mistake| mistake.to_string()), Err(mistake.to_owned()));
    }
}

#[test]
fn a_call_changes_the_cloud_and_a_delivery_tells_of_it() {
    let mut world = world(SETUP);
    let notification = heard(&mut world, "call StartInstances i-web\ndeliver DescribeInstances");
    let records = records(&mut world, &notification);
    assert_eq!(
        records.iter().map(|record| record["eventName"].as_str().unwrap()).collect::<Vec<_>>(),
        ["StartInstances", "DescribeInstances"]
    );
    assert_eq!(heard(&mut world, "deliver again"), notification);
    assert!(world.perform(&deeds("deliver")[0]).unwrap_err().starts_with("nothing was recorded"));
    let states: Vec<_> = world.cloud().resources().instances.values().map(|instance| instance.state.name()).collect();
    assert_eq!(states, ["running", "running"]);
}

#[test]
fn calls_that_fail_are_recorded_and_change_nothing() {
    let mut world = world(SETUP);
    let before = world.dump().unwrap();
    let lines = "call StopInstances i-fw failed Client.UnauthorizedOperation\ndeliver StartInstances i-web dry-run";
    let notification = heard(&mut world, lines);
    let records = records(&mut world, &notification);
    let codes: Vec<_> = records.iter().map(|record| record["errorCode"].as_str().unwrap()).collect();
    assert_eq!(codes, ["Client.UnauthorizedOperation", "Client.DryRunOperation"]);
    assert_ne!(records[0]["eventID"], records[1]["eventID"]);
    assert_eq!(world.dump().unwrap(), before);
    let again = "call AuthorizeSecurityGroupIngress sg-web tcp/443 from 0.0.0.0/0";
    let refused = world.perform(&deeds(again)[0]).unwrap_err();
    assert!(
        refused.starts_with("EC2 refuses `AuthorizeSecurityGroupIngress`: InvalidPermission.Duplicate"),
        "{refused}"
    );
}

#[test]
fn a_launched_instance_has_the_id_that_the_story_gives_it() {
    let mut world = world(SETUP);
    let event = heard(&mut world, "notify RunInstances i-new 10.0.1.20 sg-web").to_string();
    let event = world.names().shorten(&event);
    assert!(event.contains("\"i-new\"") && event.contains("\"eni-new\""), "{event}");
}

#[test]
fn an_instance_may_stop_by_itself() {
    let mut world = world(SETUP);
    let event = heard(&mut world, "call StartInstances i-web\nstate-change i-web stopped");
    assert_eq!(event["detail"]["state"], "stopped");
    let running = world.cloud().resources().instances.values().filter(|instance| instance.state.name() == "running");
    assert_eq!(running.count(), 1);
}

#[test]
fn administrators_change_and_commit() {
    let mut world = world(SETUP);
    let names = |world: &World, tree| world.rules(tree).into_iter().map(|rule| rule.name).collect::<Vec<_>>();
    done(&mut world, "admin alice rule \"web in\" untrust:any -> trust:any service tcp/80,81 allow before clean-up");
    assert_eq!(names(&world, Tree::Running), ["clean-up"]);
    assert_eq!(names(&world, Tree::Candidate), ["web in", "clean-up"]);
    assert!(world.pending().iter().all(|row| row.admin == "alice") && !world.pending().is_empty());
    let before = world.now();
    done(&mut world, "admin alice edit \"web in\" disabled yes\nadmin alice commit");
    assert!(world.now() > before);
    assert_eq!(world.pending(), []);
    let [rule, _] = &world.rules(Tree::Running)[..] else { panic!("two rules") };
    assert_eq!((rule.state, &rule.services[..]), (RuleState::Disabled, &["svc-tcp-80-81".to_owned()][..]));

    done(&mut world, "admin alice rename \"web in\" other\nadmin alice move other after clean-up\nadmin alice revert");
    assert_eq!(names(&world, Tree::Candidate), ["web in", "clean-up"]);
    let unknown = world.perform(&deeds("admin bob commit")[0]).unwrap_err();
    assert_eq!(unknown, "there is no administrator `bob`; add `admin bob` to the firewall section");
    assert!(world.perform(&deeds("admin alice delete nothing")[0]).is_err());
}

#[test]
fn locks_keep_others_away() {
    let mut world = world(SETUP);
    done(&mut world, "admin alice lock config \"moving\"");
    let set = [
        ("type", "config"),
        ("action", "set"),
        ("xpath", "/config/shared/tag/entry[@name='x']"),
        ("element", "<comments>x</comments>"),
    ];
    assert!(ask(&mut world, &set).text().contains("locked by"), "{}", ask(&mut world, &set).text());
    done(&mut world, "admin alice unlock config");
    assert!(ask(&mut world, &set).text().contains("success"));
}

#[test]
fn faults_meet_the_command_that_they_were_armed_for() {
    let mut world = world(SETUP);
    done(&mut world, "fault observe 2 panos error 13 \"busy\"\nfault observe 2 ec2 RequestLimitExceeded");
    world.begin(Command::Observe);
    assert!(ask(&mut world, &INFO).text().contains("sw-version"));
    assert!(world.dump().is_ok());
    world.begin(Command::Observe);
    assert_eq!(
        ask(&mut world, &INFO).text(),
        "<response status=\"error\" code=\"13\"><msg><line>busy</line></msg></response>"
    );
    assert_eq!(world.dump().unwrap_err().status, 503);
    world.end();
    assert!(world.dump().is_ok());
}

#[test]
fn a_lost_answer_takes_effect_and_an_unsent_request_does_not() {
    let mut world = world(SETUP);
    done(&mut world, "fault commit 1 not sent\nfault commit 2 lost answer\nadmin alice rule a any -> any deny top");
    for committed in [false, true] {
        world.begin(Command::Commit);
        assert!(ask(&mut world, &INFO).text().contains("sw-version"), "only the write is lost");
        assert_eq!(ask(&mut world, &COMMIT).body, Body::Cut);
        world.advance(Duration::from_secs(10));
        assert_eq!(world.rules(Tree::Running).len() == 2, committed);
    }
}

#[test]
fn the_job_that_the_story_names_fails() {
    let mut world = world(SETUP);
    done(&mut world, "fault job 2 fail \"because of i-web-1\"");
    let mut results = Vec::new();
    for n in 0..3 {
        done(&mut world, &format!("admin alice rule r{n} any -> any deny top"));
        let answer = ask(&mut world, &COMMIT).text();
        let job = Element::parse(&answer).unwrap().at(&["result", "job"]).unwrap().text.clone();
        world.advance(COMMIT_TAKES);
        let question = format!("<show><jobs><id>{job}</id></jobs></show>");
        let job = ask(&mut world, &[("type", "op"), ("cmd", &question)]).text();
        results.push(if job.contains("<result>OK") { "OK" } else { "FAIL" });
        assert!(!job.contains("i-web-1"), "details have real ids: {job}");
    }
    assert_eq!(results, ["OK", "FAIL", "OK"]);
}
