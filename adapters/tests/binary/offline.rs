//! Plans from files: no network, no credentials.

use std::{
    fs::File,
    io::{self, ErrorKind},
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Output, Stdio},
};

use drawbridge_simulator::xml::Element;
use expect_test::{Expect, expect};
use serde_json::Value;

use crate::{
    site::{Site, configuration, rule, save},
    stage::Stage,
};

#[test]
fn a_plan_is_a_table() {
    let planned = Site::new().plan(&[]);
    assert_eq!((planned.status, planned.stderr.as_str()), (Some(2), ""), "{planned:#?}");
    expect![[r#"
        4 changes: 1 service to create, 2 rules to add, 1 rule to delete
        2 atoms wanted, 1 interface exposed, 1 of 2 rules are ours

        objects
          + service tcp_8443

        rules, new and moved ones directly above `Clean up`
            name      from     to     source          destination  application  service
          + sg-web-1  untrust  trust  any             10.0.0.10    ssl          application-default
              sg-web wants it; nothing allows 0.0.0.0 -> 10.0.0.10 tcp 443 (ssl)
          + sg-web-2  untrust  trust  203.0.113.0/24  10.0.0.10    any          tcp_8443
              sg-web wants it; nothing allows 203.0.113.0 -> 10.0.0.10 tcp 8443
          - sg-old-1  untrust  trust  203.0.113.7     10.0.9.9     any          any
              nothing of it is wanted any more

        left out
          not exposed, its instance is not on: eni-1 of i-1, eni-2 of i-2, eni-3 of i-3 and 1 more
          no rule, the peer is inside: sg-web tcp 22 with 10.0.0.0/16

        `--all` prints what is cut short here
    "#]]
    .assert_eq(&planned.stdout);
}

#[test]
fn programs_read_the_same_plan_as_json() {
    let planned = Site::new().plan(&["--json"]);
    assert_eq!((planned.status, planned.stderr.as_str()), (Some(2), ""), "{planned:#?}");
    expect![[r#"
        {
          "atoms": [
            {
              "application": [
                "ssl"
              ],
              "destination": "10.0.0.10",
              "direction": "ingress",
              "rules": [
                "sg-web-1"
              ],
              "source": "any",
              "standing": "added",
              "traffic": {
                "first_port": 443,
                "last_port": 443,
                "protocol": "tcp"
              },
              "wanted_by": [
                {
                  "group": "sg-web",
                  "instance": "i-0",
                  "interface": "eni-0",
                  "nat_rule": null,
                  "vpc": "vpc-1"
                }
              ]
            },
            {
              "application": [
                "any"
              ],
              "destination": "10.0.0.10",
              "direction": "ingress",
              "rules": [
                "sg-web-2"
              ],
              "source": "203.0.113.0/24",
              "standing": "added",
              "traffic": {
                "first_port": 8443,
                "last_port": 8443,
                "protocol": "tcp"
              },
              "wanted_by": [
                {
                  "group": "sg-web",
                  "instance": "i-0",
                  "interface": "eni-0",
                  "nat_rule": null,
                  "vpc": "vpc-1"
                }
              ]
            }
          ],
          "atoms_wanted": 2,
          "changes": [
            {
              "do": "create-service",
              "evidence": null,
              "name": "tcp_8443",
              "reason": null,
              "tags": [
                "aws-sync"
              ],
              "text": "+ service tcp_8443",
              "traffic": {
                "first_port": 8443,
                "last_port": 8443,
                "protocol": "tcp"
              }
            },
            {
              "above": "Clean up",
              "do": "add-rule",
              "evidence": {
                "narrowed": [],
                "overridden_by": [],
                "sample_packet": {
                  "application": "ssl",
                  "destination": "10.0.0.10",
                  "source": "0.0.0.0",
                  "text": "0.0.0.0 -> 10.0.0.10 tcp 443 (ssl)",
                  "traffic": {
                    "first_port": 443,
                    "last_port": 443,
                    "protocol": "tcp"
                  }
                },
                "wanted_by": [
                  {
                    "group": "sg-web",
                    "instance": "i-0",
                    "interface": "eni-0",
                    "nat_rule": null,
                    "vpc": "vpc-1"
                  }
                ]
              },
              "name": "sg-web-1",
              "reason": "sg-web wants it; nothing allows 0.0.0.0 -> 10.0.0.10 tcp 443 (ssl)",
              "rule": {
                "action": "allow",
                "application": [
                  "ssl"
                ],
                "description": "aws 111122223333 eu-west-1; sg-web on eni-0; found missing",
                "destination": [
                  "10.0.0.10"
                ],
                "direction": "ingress",
                "disabled": false,
                "from": [
                  "untrust"
                ],
                "log_setting": null,
                "profile_group": null,
                "service": {
                  "column": "application-default",
                  "traffic": {
                    "first_port": 443,
                    "last_port": 443,
                    "protocol": "tcp"
                  }
                },
                "source": [
                  "any"
                ],
                "tags": [
                  "aws-sync"
                ],
                "to": [
                  "trust"
                ]
              },
              "text": "+ sg-web-1  any -> 10.0.0.10  ssl on tcp 443, above `Clean up`"
            },
            {
              "above": "Clean up",
              "do": "add-rule",
              "evidence": {
                "narrowed": [],
                "overridden_by": [],
                "sample_packet": {
                  "application": null,
                  "destination": "10.0.0.10",
                  "source": "203.0.113.0",
                  "text": "203.0.113.0 -> 10.0.0.10 tcp 8443",
                  "traffic": {
                    "first_port": 8443,
                    "last_port": 8443,
                    "protocol": "tcp"
                  }
                },
                "wanted_by": [
                  {
                    "group": "sg-web",
                    "instance": "i-0",
                    "interface": "eni-0",
                    "nat_rule": null,
                    "vpc": "vpc-1"
                  }
                ]
              },
              "name": "sg-web-2",
              "reason": "sg-web wants it; nothing allows 203.0.113.0 -> 10.0.0.10 tcp 8443",
              "rule": {
                "action": "allow",
                "application": [
                  "any"
                ],
                "description": "aws 111122223333 eu-west-1; sg-web on eni-0; found missing",
                "destination": [
                  "10.0.0.10"
                ],
                "direction": "ingress",
                "disabled": false,
                "from": [
                  "untrust"
                ],
                "log_setting": null,
                "profile_group": null,
                "service": {
                  "column": "tcp_8443",
                  "traffic": {
                    "first_port": 8443,
                    "last_port": 8443,
                    "protocol": "tcp"
                  }
                },
                "source": [
                  "203.0.113.0/24"
                ],
                "tags": [
                  "aws-sync"
                ],
                "to": [
                  "trust"
                ]
              },
              "text": "+ sg-web-2  203.0.113.0/24 -> 10.0.0.10  tcp 8443, above `Clean up`"
            },
            {
              "do": "delete-rule",
              "evidence": null,
              "name": "sg-old-1",
              "reason": "nothing of it is wanted any more",
              "rule": {
                "action": "allow",
                "application": [
                  "any"
                ],
                "description": "",
                "destination": [
                  "10.0.9.9"
                ],
                "direction": "ingress",
                "disabled": false,
                "from": [
                  "untrust"
                ],
                "log_setting": null,
                "profile_group": null,
                "service": {
                  "column": "any",
                  "traffic": {
                    "protocol": "any"
                  }
                },
                "source": [
                  "203.0.113.7"
                ],
                "tags": [
                  "aws-sync"
                ],
                "to": [
                  "trust"
                ]
              },
              "text": "- sg-old-1"
            }
          ],
          "commit": true,
          "exposed": [
            {
              "gateway": "vpce-fw",
              "interface": "eni-0",
              "route_table": "rtb-1"
            }
          ],
          "interfaces_exposed": 1,
          "left_out": [
            {
              "interface": "eni-1",
              "kind": "interface-not-exposed",
              "route_table": null,
              "text": "eni-1 is not exposed: i-1 is not on",
              "why": "i-1 is not on"
            },
            {
              "interface": "eni-2",
              "kind": "interface-not-exposed",
              "route_table": null,
              "text": "eni-2 is not exposed: i-2 is not on",
              "why": "i-2 is not on"
            },
            {
              "interface": "eni-3",
              "kind": "interface-not-exposed",
              "route_table": null,
              "text": "eni-3 is not exposed: i-3 is not on",
              "why": "i-3 is not on"
            },
            {
              "interface": "eni-4",
              "kind": "interface-not-exposed",
              "route_table": null,
              "text": "eni-4 is not exposed: i-4 is not on",
              "why": "i-4 is not on"
            },
            {
              "direction": "ingress",
              "group": "sg-web",
              "kind": "permission",
              "permission": "tcp 22 with 10.0.0.0/16",
              "text": "sg-web tcp 22 with 10.0.0.0/16: the peer is inside",
              "why": "the peer is inside"
            }
          ],
          "newly_allowed": [
            {
              "application": "ssl",
              "destination": [
                "10.0.0.10"
              ],
              "direction": "ingress",
              "rule": "sg-web-1",
              "source": [
                "any"
              ],
              "traffic": {
                "first_port": 443,
                "last_port": 443,
                "protocol": "tcp"
              }
            },
            {
              "application": "any",
              "destination": [
                "10.0.0.10"
              ],
              "direction": "ingress",
              "rule": "sg-web-2",
              "source": [
                "203.0.113.0/24"
              ],
              "traffic": {
                "first_port": 8443,
                "last_port": 8443,
                "protocol": "tcp"
              }
            }
          ],
          "no_longer_allowed": [
            {
              "application": "any",
              "destination": [
                "10.0.9.9"
              ],
              "direction": "ingress",
              "rule": "sg-old-1",
              "source": [
                "203.0.113.7"
              ],
              "traffic": {
                "protocol": "any"
              }
            }
          ],
          "notes": [],
          "rules": 2,
          "rules_owned": 1,
          "version": 2,
          "withheld": []
        }
    "#]]
    .assert_eq(&planned.stdout);
}

#[test]
fn who_only_observes_sees_what_would_be_done() {
    let site = Site::new().set("DRAWBRIDGE_MODE", "observe");
    let planned = site.plan(&[]);
    assert_eq!((planned.status, planned.stderr.as_str()), (Some(2), ""), "{planned:#?}");
    expect![[r#"
        nothing is changed; withheld: 2 rules to add, 1 rule to delete
        2 atoms wanted, 1 interface exposed, 1 of 2 rules are ours

        withheld, 3 changes: `mode = "observe"` changes nothing
            name      from     to     source          destination  application  service
          + sg-web-1  untrust  trust  any             10.0.0.10    ssl          application-default
              sg-web wants it; nothing allows 0.0.0.0 -> 10.0.0.10 tcp 443 (ssl)
          + sg-web-2  untrust  trust  203.0.113.0/24  10.0.0.10    any          tcp_8443
              sg-web wants it; nothing allows 203.0.113.0 -> 10.0.0.10 tcp 8443
          - sg-old-1  untrust  trust  203.0.113.7     10.0.9.9     any          any
              nothing of it is wanted any more

        left out
          not exposed, its instance is not on: eni-1 of i-1, eni-2 of i-2, eni-3 of i-3 and 1 more
          no rule, the peer is inside: sg-web tcp 22 with 10.0.0.0/16

        `--all` prints what is cut short here
    "#]]
    .assert_eq(&planned.stdout);
}

#[test]
fn nothing_to_change() {
    let site = Site::new();
    let open = rule("all in", "trust", "any", "any", "allow", "");
    site.write("running-config.xml", configuration(&(open + &rule("Clean up", "any", "any", "any", "deny", ""))));
    let planned = site.plan(&[]);
    assert_eq!((planned.status, planned.stderr.as_str()), (Some(0), ""), "{planned:#?}");
    assert!(planned.stdout.starts_with("nothing to change\n"), "{planned:#?}");
}

#[test]
fn a_large_account_is_a_few_lines_unless_one_asks_for_all() {
    let site = Site::with_machines_off(3000);
    let brief = site.plan(&[]).stdout;
    assert!(
        brief.lines().count() < 30 && brief.contains("eni-1 of i-1, ") && brief.contains(" and 2997 more"),
        "{brief}"
    );
    let whole = site.plan(&["--all"]).stdout;
    assert!(whole.lines().count() > 3000 && whole.contains("\n      eni-2999 of i-2999\n") && !whole.contains("--all"));
}

/// Everything that could be asked is a port here, at which nobody may knock.
#[test]
fn nobody_is_asked() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut site = Site::new();
    for variable in
        ["AWS_ENDPOINT_URL", "PANOS_HOSTNAME", "HTTP_PROXY", "HTTPS_PROXY", "AWS_EC2_METADATA_SERVICE_ENDPOINT"]
    {
        site = site.set(variable, &url);
    }
    let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:fw-AbCdEf";
    let site =
        site.set("PANOS_API_KEY_SECRET_ARN", arn).set("AWS_ACCESS_KEY_ID", "a").set("AWS_SECRET_ACCESS_KEY", "b");
    let planned = site.plan(&[]);
    assert_eq!((planned.status, planned.stderr.as_str()), (Some(2), ""), "{planned:#?}");
    assert_eq!(planned.stdout, Site::new().plan(&[]).stdout);
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn colours_are_for_those_who_can_see_them() {
    let plain = Site::new().plan(&[]).stdout;
    let forced = Site::new().set("CLICOLOR_FORCE", "1").plan(&[]).stdout;
    let refused = Site::new().set("CLICOLOR_FORCE", "1").set("NO_COLOR", "1").plan(&[]).stdout;
    assert!(!plain.contains('\u{1b}') && forced.contains("\u{1b}[32m+ sg-web-1"), "{forced}");
    assert_eq!(refused, plain);
    assert_eq!(anstream::adapter::strip_str(&forced).to_string(), plain);
}

#[test]
fn who_has_read_enough_may_close_the_pipe() {
    for arguments in [&["--json"][..], &[]] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let ended = Site::new().command(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let Output { status, stderr, .. } = ended;
        assert_eq!((status.code(), String::from_utf8(stderr).unwrap().as_str()), (Some(2), ""));
    }
}

#[test]
fn a_full_disk_is_an_error() {
    // Where there is no such device, there is nothing to try it on.
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let ended = Site::new().command(&[]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    expect![[r#"
        error: standard output cannot be written: No space left on device (os error 28)
    "#]]
    .assert_eq(&said);
}

#[track_caller]
fn check(name: &str, content: impl AsRef<[u8]>, expected: &Expect) {
    let site = Site::new();
    site.write(name, content);
    expected.assert_eq(&site.fails());
}

#[test]
fn a_configuration_that_cannot_be_used() {
    let file = "running-config.xml";
    check(file, "", &expect!["`running-config.xml`: it is empty: export the configuration again"]);
    check(
        file,
        "<config><devices>",
        &expect!["`running-config.xml`: the XML document ends early: export the configuration again"],
    );
    check(
        file,
        b"\x1f\x8b\x08\x00\x00\xff",
        &expect!["`running-config.xml` is not text in UTF-8: save it again, unpacked"],
    );
    check(
        file,
        "set deviceconfig system hostname fw",
        &expect![
            "`running-config.xml`: not well-formed XML (text instead of an element): export the configuration again"
        ],
    );
    let panorama = "<config><devices><entry name='localhost.localdomain'><device-group/></entry></devices></config>";
    check(
        file,
        panorama,
        &expect![
            "`running-config.xml`: it is the configuration of Panorama, not of a firewall: export that of the firewall that Panorama manages"
        ],
    );
    check(
        file,
        "<response status='error' code='16'><msg><line>Unauthorized request</line></msg></response>",
        &expect![
            "`running-config.xml`: it is a refusal of the firewall's (`Unauthorized request`): ask again for `/config`"
        ],
    );
    check(
        file,
        configuration(""),
        &expect![
            "the bottom rule `Clean up` does not exist in the candidate configuration: create it, or name another in `policy.bottom_rule`"
        ],
    );
    let site = Site::new().set("DRAWBRIDGE_FIREWALL_VSYS", "vsys7");
    expect!["`running-config.xml`: it has no virtual system `vsys7`: set `firewall.vsys` to one of `vsys1`"]
        .assert_eq(&site.fails());
    std::fs::remove_file(site.path(file)).unwrap();
    expect!["`running-config.xml` cannot be read: No such file or directory (os error 2)"].assert_eq(&site.fails());
}

#[test]
fn answers_that_cannot_be_used() {
    check(
        "aws/describe-vpcs.json",
        "",
        &expect![
            "`describe-vpcs.json` is not an answer of the AWS CLI in JSON (EOF while parsing a value at line 1 column 0): call `aws ec2 describe-vpcs --output json`"
        ],
    );
    check(
        "aws/describe-vpcs.json",
        "{\"Vpcs\": [{\"VpcId\"",
        &expect![
            "`describe-vpcs.json` is not an answer of the AWS CLI in JSON (EOF while parsing an object at line 1 column 18): call `aws ec2 describe-vpcs --output json`"
        ],
    );
    check(
        "aws/describe-vpcs.json",
        b"{\"Vpcs\": [\xff]}",
        &expect!["`aws/describe-vpcs.json` is not text in UTF-8: save it again, unpacked"],
    );
    check(
        "aws/describe-vpcs.json",
        "{\"Vpcs\": []} {}",
        &expect![
            "`describe-vpcs.json` is not an answer of the AWS CLI in JSON (trailing characters at line 1 column 14): call `aws ec2 describe-vpcs --output json`"
        ],
    );
    check(
        "aws/describe-instances.json",
        "{\"Reservations\": [], \"NextToken\": \"x\"}",
        &expect!["`describe-instances.json` is one page of several: call it without `--max-items` and `--no-paginate`"],
    );
    check(
        "aws/describe-vpc-endpoints.json",
        "{\"VpcEndpoints\": 1}",
        &expect![
            "`describe-vpc-endpoints.json` is not an answer of the AWS CLI in JSON (invalid type: integer `1`, expected a sequence at line 1 column 18): call `aws ec2 describe-vpc-endpoints --output json`"
        ],
    );
    let site = Site::new();
    std::fs::remove_file(site.path("aws/describe-subnets.json")).unwrap();
    expect!["answers are missing: save what `aws ec2 describe-subnets` prints"].assert_eq(&site.fails());
    std::fs::remove_dir_all(site.path("aws")).unwrap();
    expect!["the directory `aws` cannot be read: No such file or directory (os error 2)"].assert_eq(&site.fails());
}

/// A prefix list that nobody saved is unknown, and whoever plans is told how to save it.
#[test]
fn a_prefix_list_whose_entries_were_not_saved() {
    let site = Site::new();
    let permission =
        r#"{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": "pl-1"}]}"#;
    let group = format!(r#"{{"GroupId": "sg-web", "GroupName": "web", "IpPermissions": [{permission}]}}"#);
    site.write("aws/describe-security-groups.json", format!("{{\"SecurityGroups\": [{group}]}}"));
    let lists = r#"{"PrefixLists": [{"PrefixListId": "pl-1", "PrefixListName": "office", "MaxEntries": 9}]}"#;
    site.write("aws/describe-managed-prefix-lists.json", lists);
    let planned = site.plan(&[]);
    expect!["WARN prefix list `pl-1` (`office`) counts as unknown: save what `aws ec2 get-managed-prefix-list-entries --prefix-list-id pl-1` prints as `get-managed-prefix-list-entries.pl-1.json`"].assert_eq(planned.stderr.trim());
    assert!(planned.stdout.contains("pl-1 in sg-web cannot be read"), "{planned:#?}");
    site.write("aws/get-managed-prefix-list-entries.pl-1.json", r#"{"Entries": [{"Cidr": "203.0.113.0/24"}]}"#);
    assert_eq!(site.plan(&[]).stderr, "");
}

/// A gateway load balancer's endpoint exists although no route leads there, as before traffic is switched over.
#[test]
fn an_endpoint_is_known_where_it_is_listed() {
    let site = Site::new();
    let table = r#"{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Routes": [], "Associations": [{"Main": true}]}"#;
    site.write("aws/describe-route-tables.json", format!("{{\"RouteTables\": [{table}]}}"));
    expect!["none of `gateways` exists in eu-west-1: check `gateways`, `aws.region` and the credentials"]
        .assert_eq(&site.fails());
    let endpoint = r#"{"VpcEndpointId": "vpce-fw", "VpcEndpointType": "GatewayLoadBalancer", "State": "available"}"#;
    site.write("aws/describe-vpc-endpoints.json", format!("{{\"VpcEndpoints\": [{endpoint}]}}"));
    assert!(site.plan(&[]).stdout.contains("rtb-1 has no route to the internet"));
}

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
        save(directory, name, &answer);
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

/// Rules with `application-default` for applications whose ports only the device knows count as allowing nothing certain.
#[test]
fn what_an_export_does_not_tell_is_said() {
    let site = Site::new();
    let by_default = rule("by default", "trust", "any", "any", "allow", "")
        .replace("<application><member>any", "<application><member>dns</member><member>ssl")
        .replace("<service><member>any", "<service><member>application-default");
    site.write("running-config.xml", configuration(&(by_default + &rule("Clean up", "any", "any", "any", "deny", ""))));
    expect!["WARN an exported configuration does not tell the standard ports of `dns`: what is planned may be allowed already by rules with `application-default` for them"].assert_eq(site.plan(&[]).stderr.trim());
}
