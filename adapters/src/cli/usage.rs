//! Mistakes of usage, in one line as all other errors.

use clap::{Error, error::ErrorKind};

/// What is wrong and what was probably meant; nothing where clap has no mistake to tell but help, or the version.
pub(super) fn mistake(error: &Error) -> Option<String> {
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    (!is_help).then(|| one_line(&error.render().to_string()))
}

/// The lines before those on how to use the command, of which `--help` tells more.
fn one_line(text: &str) -> String {
    let about_help = |line: &&str| line.starts_with("Usage:") || line.starts_with("For more information");
    let mut said = String::new();
    for line in text.lines().map(str::trim).take_while(|line| !about_help(line)).filter(|line| !line.is_empty()) {
        match line.strip_prefix("tip: ") {
            Some(tip) => said = format!("{said}; {tip}"),
            None if said.is_empty() => line.strip_prefix("error: ").unwrap_or(line).clone_into(&mut said),
            None => said = format!("{said} {line}"),
        }
    }
    said + "; `--help` tells more"
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use expect_test::{Expect, expect};

    use super::*;
    use crate::cli::Cli;

    #[track_caller]
    fn check(arguments: &[&str], expected: &Expect) {
        let error = Cli::try_parse_from([&["drawbridge"], arguments].concat()).unwrap_err();
        expected.assert_eq(&mistake(&error).unwrap());
    }

    #[test]
    fn a_mistake_is_one_line() {
        check(
            &["aply"],
            &expect!["unrecognized subcommand 'aply'; a similar subcommand exists: 'apply'; `--help` tells more"],
        );
        check(
            &["plan", "--jsn"],
            &expect!["unexpected argument '--jsn' found; a similar argument exists: '--json'; `--help` tells more"],
        );
        check(
            &["plan", "--config"],
            &expect!["a value is required for '--config <FILE>' but none was supplied; `--help` tells more"],
        );
        check(
            &["explain"],
            &expect!["the following required arguments were not provided: <SUBJECT>...; `--help` tells more"],
        );
        check(
            &["uninstall", "--yes", "--dry-run"],
            &expect!["the argument '--yes' cannot be used with '--dry-run'; `--help` tells more"],
        );
        check(
            &["completions", "dos"],
            &expect![
                "invalid value 'dos' for '<SHELL>' [possible values: bash, elvish, fish, powershell, zsh]; `--help` tells more"
            ],
        );
    }

    #[test]
    fn a_value_that_is_none_is_told_with_one_that_is() {
        check(
            &["apply", "--within", "abc"],
            &expect![
                "invalid value 'abc' for '--within <TIME>': `abc` is not a length of time (`5s`, `1m 30s`); `--help` tells more"
            ],
        );
        check(
            &["watch", "--every", "0s"],
            &expect![
                "invalid value '0s' for '--every <TIME>': `0s` is no time at all: give it some; `--help` tells more"
            ],
        );
        check(
            &["watch", "--metrics-addr", "banana"],
            &expect![
                "invalid value 'banana' for '--metrics-addr <ADDRESS>': `banana` is not an address with a port: give it as `127.0.0.1:9464`; `--help` tells more"
            ],
        );
        check(
            &["watch", "--queue", "banana"],
            &expect![
                "invalid value 'banana' for '--queue <URL>': `banana` is no URL of a queue: give it as `https://sqs.<region>.amazonaws.com/<account>/<name>`; `--help` tells more"
            ],
        );
    }

    #[test]
    fn who_asks_for_help_makes_no_mistake() {
        for arguments in [&["--help"][..], &["--version"], &[], &["help", "plan"]] {
            let error = Cli::try_parse_from([&["drawbridge"], arguments].concat()).unwrap_err();
            assert_eq!(mistake(&error), None, "{arguments:?}");
        }
    }
}
