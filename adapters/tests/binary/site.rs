//! A small site in files: what the AWS CLI prints, what a firewall exports, and the least settings there are.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stage::Ended;

/// The least that must be set for a plan from files.
const SETTINGS: &str = r#"
    mode = "sync"
    gateways = ["vpce-fw"]
    policy.owner = "aws-sync"
    policy.bottom_rule = "Clean up"
    policy.untrust_zone = "untrust"
    policy.trust_zone = "trust"
"#;

/// The files, and the environment in which the program finds them: nothing else is set.
pub(crate) struct Site {
    directory: TempDir,
    variables: Vec<(String, String)>,
}

impl Site {
    /// One web server behind the firewall, some machines that are off, and a rule of ours that nothing calls for any more.
    pub(crate) fn new() -> Self {
        Self::with_machines_off(4)
    }

    pub(crate) fn with_machines_off(number: usize) -> Self {
        let site = Self { directory: tempfile::tempdir().unwrap(), variables: Vec::new() };
        fs::create_dir(site.path("aws")).unwrap();
        for (name, answer) in answers(number) {
            site.write(&format!("aws/{name}.json"), answer.to_string());
        }
        site.write("running-config.xml", configuration(&rules()));
        site.write("drawbridge.toml", SETTINGS);
        site
    }

    /// Where a file of the site is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn set(mut self, variable: &str, value: &str) -> Self {
        self.variables.push((variable.to_owned(), value.to_owned()));
        self
    }

    /// The program, about to plan from the files.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_to("plan", arguments)
    }

    fn command_to(&self, what: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drawbridge"));
        command
            .current_dir(self.directory.path())
            .args([what, "--config", "drawbridge.toml", "--inventory", "aws"])
            .args(["--firewall-config", "running-config.xml"])
            .args(arguments)
            .env_clear()
            .envs(self.variables.clone())
            .stdin(Stdio::null());
        command
    }

    /// Plans.
    pub(crate) fn plan(&self, arguments: &[&str]) -> Ended {
        Self::ended(self.command(arguments))
    }

    /// Explains.
    pub(crate) fn explain(&self, arguments: &[&str]) -> Ended {
        Self::ended(self.command_to("explain", arguments))
    }

    fn ended(mut command: Command) -> Ended {
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { status: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Plans, which must end with one line about what is wrong.
    #[track_caller]
    pub(crate) fn fails(&self) -> String {
        let ended = self.plan(&[]);
        let lines = ended.stderr.lines().count();
        assert_eq!((ended.status, ended.stdout.as_str(), lines), (Some(1), "", 1), "{ended:#?}");
        ended.stderr.trim_end().strip_prefix("error: ").unwrap().to_owned()
    }
}

/// What the AWS CLI prints about it.
fn answers(off: usize) -> Vec<(&'static str, Value)> {
    let subnet = json!({"SubnetId": "subnet-1", "VpcId": "vpc-1", "SubnetArn": "arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-1"});
    let routes = json!([{"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"},
        {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "vpce-fw", "State": "active"}]);
    let open = |port: u16, to: &str| json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": to}]});
    let permissions = [open(443, "0.0.0.0/0"), open(8443, "203.0.113.0/24"), open(22, "10.0.0.0/16")];
    let group =
        json!({"GroupId": "sg-web", "GroupName": "web", "OwnerId": "111122223333", "IpPermissions": permissions});
    let interface = |number: usize| {
        json!({"NetworkInterfaceId": format!("eni-{number}"), "SubnetId": "subnet-1", "VpcId": "vpc-1",
            "Groups": [{"GroupId": "sg-web"}], "PrivateIpAddress": format!("10.0.{}.{}", number / 200, 10 + number % 200),
            "Attachment": {"InstanceId": format!("i-{number}"), "Status": "attached"}})
    };
    let instance = |number: usize| {
        let state = if number == 0 { "running" } else { "stopped" };
        json!({"InstanceId": format!("i-{number}"), "State": {"Name": state}, "Tags": []})
    };
    let instances: Vec<_> = (0..=off).map(instance).collect();
    vec![
        ("describe-vpcs", json!({"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}]})),
        ("describe-subnets", json!({"Subnets": [subnet]})),
        (
            "describe-route-tables",
            json!({"RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Routes": routes,
            "Associations": [{"Main": true}]}]}),
        ),
        ("describe-security-groups", json!({"SecurityGroups": [group]})),
        ("describe-network-interfaces", json!({"NetworkInterfaces": (0..=off).map(interface).collect::<Vec<_>>()})),
        ("describe-instances", json!({"Reservations": [{"OwnerId": "111122223333", "Instances": instances}]})),
    ]
}

/// A configuration with these rules.
pub(crate) fn configuration(rules: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<config version=\"10.2.0\">\n  <shared/>\n  <devices>\n    <entry name=\"localhost.localdomain\">\
         <vsys><entry name=\"vsys1\">\n  <zone><entry name=\"untrust\"/><entry name=\"trust\"/></zone>\n  \
         <tag><entry name=\"aws-sync\"/></tag>\n  <rulebase><security><rules>{rules}</rules></security></rulebase>\n\
         </entry></vsys></entry>\n  </devices>\n</config>\n"
    )
}

/// A rule of ours that nothing calls for any more, and the administrator's.
fn rules() -> String {
    let stale = rule("sg-old-1", "trust", "203.0.113.7", "10.0.9.9", "allow", "<tag><member>aws-sync</member></tag>");
    stale + &rule("Clean up", "any", "any", "any", "deny", "")
}

pub(crate) fn rule(name: &str, to: &str, source: &str, destination: &str, action: &str, more: &str) -> String {
    let mut text = format!("\n<entry name=\"{name}\">");
    let from = if to == "any" { "any" } else { "untrust" };
    let columns =
        [("from", from), ("to", to), ("source", source), ("destination", destination), ("application", "any")];
    for (column, member) in columns.into_iter().chain([("service", "any")]) {
        let _ = write!(text, "<{column}><member>{member}</member></{column}>");
    }
    let _ = write!(text, "<action>{action}</action>{more}</entry>");
    text
}

/// Saves an answer of the AWS CLI under the name that it is looked for.
pub(crate) fn save(directory: &Path, name: &str, answer: &Value) {
    fs::write(directory.join(format!("{name}.json")), answer.to_string()).unwrap();
}
