//! Files that no plan can be made from, or only one with a warning.

use expect_test::{Expect, expect};

use crate::site::{Site, configuration, rule};

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
