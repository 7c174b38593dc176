//! Parameters, variables and what the program knows.

use std::collections::{BTreeMap, BTreeSet};

use drawbridge::settings::{KEYS, Key, LOG_VARIABLE, Otherwise, Settings};

use crate::text::{below, pascal, quoted, sam, terraform};

/// Settings that a function does not get from its template, and why.
const NOT_OF_A_FUNCTION: &[&str] = &[
    // The environment of a function is no place for a secret, and it has no file that others cannot read.
    "firewall.api_key",
    "firewall.api_key_file",
    // Lambda sets AWS_REGION, and events come from no other region.
    "aws.region",
    // For tests.
    "aws.endpoint_url",
];

/// Variables of the module that the template has no parameter for: there they are the stack's name and `CodeUri`.
const OF_TERRAFORM_ALONE: &[&str] = &["name", "package"];

/// Parameters of the template.
fn parameters() -> BTreeSet<String> {
    let template = sam();
    let lines = below(&template, "Parameters:");
    let names: Vec<_> = lines
        .into_iter()
        .filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')))
        .map(|line| line.strip_suffix(':').unwrap_or_else(|| panic!("no parameter: `{line}`")).to_owned())
        .collect();
    assert!(names.len() > 40, "{names:?}");
    names.into_iter().collect()
}

/// Variables of the module.
fn variables() -> BTreeSet<String> {
    let text = terraform("settings") + &terraform("variables");
    let names = text.lines().filter(|line| line.starts_with("variable ")).flat_map(quoted).map(str::to_owned);
    names.collect()
}

/// What the template puts into the environment: which parameter each variable holds.
fn environment_of_sam() -> BTreeMap<String, String> {
    let template = sam();
    let pair = |line: &str| {
        let (variable, parameter) =
            line.trim().split_once(": !Ref ").unwrap_or_else(|| panic!("no variable: `{line}`"));
        (variable.to_owned(), parameter.to_owned())
    };
    below(&template, "        Variables:").into_iter().map(pair).collect()
}

/// What the module puts there: from which expression each variable comes.
fn environment_of_terraform() -> BTreeMap<String, String> {
    let module = terraform("function");
    let pair = |line: &str| {
        let (variable, value) = line.trim().split_once(" = ").unwrap_or_else(|| panic!("no variable: `{line}`"));
        (variable.trim().to_owned(), value.to_owned())
    };
    below(&module, "  settings = {").into_iter().map(pair).collect()
}

/// The settings that both must have. Those of `watch` say what wakes it on a host.
fn of_a_function() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(|key| !NOT_OF_A_FUNCTION.contains(&key.name) && !key.name.starts_with("watch."))
}

#[test]
fn each_setting_is_a_parameter_of_its_own_name_and_reaches_the_program() {
    let (parameters, variables) = (parameters(), variables());
    let (sam, terraform) = (environment_of_sam(), environment_of_terraform());
    for key in of_a_function() {
        let (parameter, variable) = (pascal(key.name), key.name.replace('.', "_"));
        assert!(parameters.contains(&parameter), "the template lacks {parameter}");
        assert!(variables.contains(&variable), "the module lacks {variable}");
        assert_eq!(sam.get(&key.variable()), Some(&parameter));
        let value = terraform.get(&key.variable()).unwrap_or_else(|| panic!("the module does not set `{}`", key.name));
        let of_its_own = format!("var.{variable}");
        let is_whole =
            |at: usize| !value[at + of_its_own.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        assert!(value.find(&of_its_own).is_some_and(is_whole), "{}: {value}", key.name);
    }
}

#[test]
fn the_program_knows_every_variable_that_is_set() {
    let known: BTreeSet<_> = of_a_function().map(Key::variable).chain([LOG_VARIABLE.to_owned()]).collect();
    assert_eq!(environment_of_sam().into_keys().collect::<BTreeSet<_>>(), known);
    assert_eq!(environment_of_terraform().into_keys().collect::<BTreeSet<_>>(), known);
}

#[test]
fn template_and_module_take_the_same() {
    let mut of_module: BTreeSet<_> = variables();
    for name in OF_TERRAFORM_ALONE {
        assert!(of_module.remove(*name), "{name}");
    }
    assert_eq!(parameters(), of_module.iter().map(|name| pascal(name)).collect());
}

/// The environment of a stack for which only that was given which must be.
fn least_environment() -> BTreeMap<String, String> {
    let given = [
        ("gateways", "eni-0123456789abcdef0"),
        ("firewall.hostname", "fw.example.com"),
        ("firewall.api_key_secret_arn", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:firewall/key-AbCdEf"),
        ("policy.owner", "aws-sync"),
        ("policy.bottom_rule", "Clean up"),
        ("policy.untrust_zone", "untrust"),
        ("policy.trust_zone", "trust"),
    ];
    let value = |key: &Key| {
        let given = given.iter().find(|(name, _)| *name == key.name).map(|(_, value)| *value);
        given.unwrap_or(if key.name == "mode" { "observe" } else { "" }).to_owned()
    };
    of_a_function().map(|key| (key.variable(), value(key))).collect()
}

#[test]
fn what_must_be_given_is_enough_and_everything_else_may_be_empty() {
    let environment = least_environment();
    Settings::read(None, &environment).unwrap();
    for (variable, _) in environment.iter().filter(|(_, value)| !value.is_empty()) {
        let mut without = environment.clone();
        without.insert(variable.clone(), String::new());
        assert!(Settings::read(None, &without).is_err(), "{variable} need not be given");
    }
}

/// A parameter without a default is asked for by name when a stack is made.
#[test]
fn what_must_be_given_has_no_default() {
    let (template, module) = (sam(), terraform("settings"));
    for key in of_a_function().filter(|key| key.name != "mode") {
        let must = key.otherwise == Otherwise::Required || key.name == "firewall.api_key_secret_arn";
        let parameter = below(&template, &format!("  {}:", pascal(key.name)));
        let default = parameter.iter().find(|line| line.starts_with("    Default:"));
        assert_eq!(default.copied(), (!must).then_some("    Default: \"\""), "{}", key.name);
        let variable = below(&module, &format!("variable \"{}\" {{", key.name.replace('.', "_")));
        assert_eq!(variable.iter().any(|line| line.starts_with("  default ")), !must, "{}", key.name);
    }
}

#[test]
fn a_new_deployment_observes() {
    assert!(below(&sam(), "  Mode:").contains(&"    Default: observe"));
    assert!(below(&terraform("settings"), "variable \"mode\" {").contains(&"  default     = \"observe\""));
}
