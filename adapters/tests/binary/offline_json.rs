//! A plan from files as JSON, whole.

use expect_test::expect;

use crate::site::Site;

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
