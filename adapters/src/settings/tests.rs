//! Files and variables that are settings, and those that are not.

use std::time::Duration;

use drawbridge_core::{config::Gateway, translate::Port};
use expect_test::{Expect, expect};

use super::*;

const WHOLE: &str = r#"
    mode = "sync"
    gateways = ["i-0aaaaaaaaaaaaaaa1", "vpce-0aaaaaaaaaaaaaaa1"]
    internal_cidrs = ["10.0.0.0/8", "10.255.0.0/16"]

    [firewall]
    hostname = "fw.example"
    api_key_secret_arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:fw-AbCdEf"

    [policy]
    owner = "aws sync"
    bottom_rule = "Clean up"
    untrust_zone = "untrust"
    trust_zone = "trust"

    [services]
    "tcp/8443" = "ssl"
    "tcp/80" = "any"

    [limits]
    removals = 20

    [timing]
    settle = "0s"
"#;

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Settings, Invalid> {
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings::read(Some(SettingsFile { name: "drawbridge.toml", text }), &environment)
}

/// What is wrong with the whole file when these lines stand before it and these variables are set.
#[track_caller]
fn check(lines: &str, variables: &[(&str, &str)], expected: &Expect) {
    expected.assert_eq(&read(&format!("{lines}\n{WHOLE}"), variables).unwrap_err().to_string());
}

#[test]
fn a_whole_file_with_defaults() {
    let settings = read(WHOLE, &[]).unwrap();
    let config = &settings.config;
    assert_eq!((config.mode, config.gateways.len(), config.internal.ranges().len()), (Mode::Sync, 2, 1));
    assert_eq!(config.limits.removals, Limit { number: 20, percent: Limits::default().removals.percent });
    assert_eq!(config.timing, Timing { settle: Duration::ZERO, ..Timing::default() });
    let table = &config.translation.table;
    assert_eq!(table[&Port::Tcp(8443)].as_str(), "ssl");
    assert!(!table.contains_key(&Port::Tcp(80)) && table.contains_key(&Port::Tcp(22)));
    assert_eq!(settings.firewall.units, "https://fw.example:443".parse::<Host>().unwrap().into());
    assert!(matches!(settings.firewall.key, KeySource::Secret(_)));
    assert_eq!(settings.firewall.tls, Tls::SystemRoots);
    assert_eq!((settings.firewall.vsys.as_str(), settings.aws.log_size_max), ("vsys1", 256 << 20));
}

#[test]
fn an_endpoint_without_tls_is_told_apart_unless_it_is_this_machine() {
    let is_in_the_clear =
        |url: &str| read(WHOLE, &[("DRAWBRIDGE_AWS_ENDPOINT_URL", url)]).unwrap().aws.is_in_the_clear();
    assert!(["http://10.0.0.7:5000", "http://aws.example"].into_iter().all(is_in_the_clear));
    let others = ["https://10.0.0.7:5000", "http://127.0.0.1:5000", "http://localhost:5000", "http://[::1]:5000"];
    assert!(!others.into_iter().any(is_in_the_clear) && !read(WHOLE, &[]).unwrap().aws.is_in_the_clear());
}

#[test]
fn the_documented_defaults_are_those_of_the_core() {
    let config = read(&WHOLE.replace("removals = 20", "").replace("settle = \"0s\"", ""), &[]).unwrap().config;
    assert_eq!((config.limits, config.timing), (Limits::default(), Timing::default()));
    let default = Translation::default();
    assert_eq!((config.translation.applications, config.translation.icmp), (default.applications, default.icmp));
}

#[test]
fn the_environment_alone_is_enough_and_wins_over_the_file() {
    let variables = [
        ("DRAWBRIDGE_MODE", "observe"),
        ("DRAWBRIDGE_GATEWAYS", "eni-0aaaaaaaaaaaaaaa1, tgw-0aaaaaaaaaaaaaaa1"),
        ("DRAWBRIDGE_POLICY_OWNER", "aws sync"),
        ("DRAWBRIDGE_POLICY_BOTTOM_RULE", "Last"),
        ("DRAWBRIDGE_POLICY_UNTRUST_ZONE", "untrust"),
        ("DRAWBRIDGE_POLICY_TRUST_ZONE", "trust"),
        ("DRAWBRIDGE_SERVICES", "tcp/8443=ssl,udp/500=ike"),
        ("DRAWBRIDGE_POLICY_LOG_SETTING", ""),
        (FILE_VARIABLE, "/etc/drawbridge.toml"),
        (LOG_VARIABLE, "debug"),
        ("PANOS_HOSTNAME", "192.0.2.1"),
        ("PANOS_API_KEY", "LUFRPT0="),
        ("PATH", "/bin"),
    ];
    let settings = read("", &variables).unwrap();
    assert_eq!((settings.config.mode, settings.config.gateways.len()), (Mode::Observe, 2));
    assert_eq!(settings.config.translation.table[&Port::Udp(500)].as_str(), "ike");
    assert!(!format!("{settings:?}").contains("LUFRPT0="));
    let settings =
        read(WHOLE, &[("DRAWBRIDGE_MODE", "add-only"), ("DRAWBRIDGE_GATEWAYS", "i-0bbbbbbbbbbbbbbb1")]).unwrap();
    assert_eq!(settings.config.mode, Mode::AddOnly);
    assert_eq!(settings.config.gateways, [Gateway::Instance("i-0bbbbbbbbbbbbbbb1".parse().unwrap())].into());
}

#[test]
fn everything_wrong_is_said_at_once() {
    let text = r#"
        mode = "on"
        gateways = ["igw-0aaaaaaaaaaaaaaa1", 7]
        bottom_rule = "Clean up"
        firewall = "fw.example"
        [policy]
        owner = ["a", "b"]
        untrust_zone = "a zone name that is far too long to be one"
        colour = "red"
        [timing]
        poll = "0s"
        read = 60
        [services]
        "tcp/x" = "ssl"
    "#;
    let found = read(
        text,
        &[("DRAWBRIDGE_TIMING_SETLE", "5s"), ("PANOS_API_KEY", "two words"), ("DRAWBRIDGE_AWS_LOG_SIZE_MAX", "much")],
    );
    expect![[r#"
        the settings cannot be used:
          `bottom_rule` (drawbridge.toml): there is no such setting, did you mean `policy.bottom_rule`?
          `firewall` (drawbridge.toml): this is a section: write `[firewall]`
          `policy.colour` (drawbridge.toml): there is no such setting, remove it
          `DRAWBRIDGE_TIMING_SETLE`: there is no such setting, did you mean `DRAWBRIDGE_TIMING_SETTLE`?
          `policy.owner` (drawbridge.toml): it takes one value, not several
          `mode` (drawbridge.toml): `on` is none of `observe`, `add-only`, `sync`
          `policy.bottom_rule` is missing: set it or `DRAWBRIDGE_POLICY_BOTTOM_RULE` (the administrator's rule above which ours stand)
          `policy.untrust_zone` (drawbridge.toml): `a zone name that is far too long to be one` is not a zone name (1 to 31 characters)
          `policy.trust_zone` is missing: set it or `DRAWBRIDGE_POLICY_TRUST_ZONE` (the zone of the instances)
          `gateways` (drawbridge.toml): `igw-0aaaaaaaaaaaaaaa1` is not the id of an instance (`i-…`), interface (`eni-…`), endpoint (`vpce-…`) or transit gateway (`tgw-…`)
          `gateways` (drawbridge.toml): `7` is not the id of an instance (`i-…`), interface (`eni-…`), endpoint (`vpce-…`) or transit gateway (`tgw-…`)
          `services` (drawbridge.toml): `tcp/x` is not a port (`tcp/8443`)
          `timing.poll` (drawbridge.toml): `0s` is no time at all: give it some
          `timing.read` (drawbridge.toml): `60` is not a length of time (`5s`, `1m 30s`)
          `firewall.hostname` is missing: set it or `DRAWBRIDGE_FIREWALL_HOSTNAME` (the management interface, as `host` or `host:port`; of a high-availability pair a list of both)
          `firewall.api_key` (PANOS_API_KEY): it holds blanks, control characters or letters beyond ASCII: a key is one line of base64
          `aws.log_size_max` (DRAWBRIDGE_AWS_LOG_SIZE_MAX): `much` is not a size (bytes, or `256MiB`)"#]].assert_eq(&found.unwrap_err().to_string());
}

#[test]
fn contradictions() {
    check(
        "",
        &[("DRAWBRIDGE_GATEWAYS", ","), ("DRAWBRIDGE_POLICY_BOTTOM_RULE", "i-0aaaaaaaaaaaaaaa1-1")],
        &expect![[r#"
            the settings cannot be used:
              `gateways` is empty: name the instances, interfaces, endpoints or transit gateways that stand for the firewall
              `policy.bottom_rule` is `i-0aaaaaaaaaaaaaaa1-1`, a name of the form that drawbridge gives its own rules: name the administrator's clean-up rule"#]],
    );
    check(
        "",
        &[
            ("PANOS_API_KEY", "LUFRPT0="),
            ("DRAWBRIDGE_FIREWALL_CA_FILE", "ca.pem"),
            ("DRAWBRIDGE_FIREWALL_VERIFY", "false"),
        ],
        &expect![[r#"
            the settings cannot be used:
              `firewall.api_key` (PANOS_API_KEY) and `firewall.api_key_secret_arn` (drawbridge.toml) cannot be meant together: keep one of them
              `firewall.ca_file` (DRAWBRIDGE_FIREWALL_CA_FILE) and `firewall.verify` (DRAWBRIDGE_FIREWALL_VERIFY) cannot be meant together: keep one of them"#]],
    );
    check(
        "",
        &[("PANOS_HOSTNAME", "a"), ("DRAWBRIDGE_FIREWALL_HOSTNAME", "b")],
        &expect![[r#"
        the settings cannot be used:
          `DRAWBRIDGE_FIREWALL_HOSTNAME` and `PANOS_HOSTNAME` both give `firewall.hostname`: unset one"#]],
    );
    check(
        "",
        &[("PANOS_HOSTNAME", "http://fw.example")],
        &expect![[r#"
            the settings cannot be used:
              `firewall.hostname` (PANOS_HOSTNAME): `http://fw.example`: plain http is for loopback addresses only, because the API key is sent along"#]],
    );
    check(
        "x = = 1",
        &[],
        &expect![[r#"
            the settings cannot be used:
              drawbridge.toml is not TOML, at line 1: extra `=`, expected nothing"#]],
    );
}

#[test]
fn for_a_configuration_in_a_file_nobody_must_say_how_to_reach_the_firewall() {
    let read = |text: &str| {
        FileSettings::read(Some(SettingsFile { name: "drawbridge.toml", text }), &BTreeMap::new())
            .map_err(|invalid| invalid.to_string())
    };
    let without = WHOLE.replace("hostname =", "#").replace("api_key_secret_arn =", "#");
    let settings = read(&without.replace("[firewall]", "[firewall]\nvsys = \"vsys2\"")).unwrap();
    assert_eq!((settings.vsys.as_str(), settings.config.mode), ("vsys2", Mode::Sync));
    assert_eq!(
        read(WHOLE).unwrap().config,
        Settings::read(Some(SettingsFile { name: "", text: WHOLE }), &BTreeMap::new()).unwrap().config
    );
    let wrong = without
        .replace("[firewall]", "[firewall]\nhostname = \"http://fw.example\"\nadmn = \"x\"\nfingerprint = \"AB\"")
        .replace("owner =", "#");
    expect![[r#"
        the settings cannot be used:
          `firewall.admn` (drawbridge.toml): there is no such setting, did you mean `firewall.admin`?
          `policy.owner` is missing: set it or `DRAWBRIDGE_POLICY_OWNER` (the tag that marks our rules, unique per deployment and firewall)
          `firewall.hostname` (drawbridge.toml): `http://fw.example`: plain http is for loopback addresses only, because the API key is sent along
          `firewall.fingerprint` (drawbridge.toml): it is no SHA-256 fingerprint: give 64 hexadecimal digits, with or without colons"#]]
    .assert_eq(&read(&wrong).unwrap_err());
}

#[test]
fn every_key_is_read() {
    let paths = ["firewall.api_key_file", "firewall.ca_file"];
    let (head, tail) = WHOLE.split_once("api_key_secret_arn").unwrap();
    let without_key = format!("{head}#{tail}");
    for key in KEYS.iter().filter(|key| !paths.contains(&key.name)) {
        let variable = key.variable();
        let found = read(&without_key, &[(&variable, "\u{1}")]).unwrap_err().to_string();
        assert!(found.contains(&format!("`{}` ({variable}):", key.name)), "{found}");
    }
    let files = [("DRAWBRIDGE_FIREWALL_API_KEY_FILE", "key"), ("DRAWBRIDGE_FIREWALL_CA_FILE", "ca.pem")];
    let firewall = read(&without_key, &files).unwrap().firewall;
    assert_eq!((firewall.key, firewall.tls), (KeySource::File("key".into()), Tls::CaFile("ca.pem".into())));
}
