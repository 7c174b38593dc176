//! What the documents tell a user to type: what is ours is taken by the program and does what it is there for, what is others'
//! is known to be.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Parser as _;
use drawbridge::{cli::Cli, exit::MEANINGS};
use drawbridge_simulator::xml::Element;
use tempfile::TempDir;

use crate::{
    documents::is_known,
    stage::{Ended, Stage, in_real_time},
    text::{blocks, documents, file, repository},
};

/// Lines that others carry out, by how they begin, and why they are not run here. A line that begins like none of them fails
/// the test: it is for whoever writes it to say whose it is.
const BY_OTHERS: &[(&str, &str)] = &[
    ("aws ", "needs an account"),
    ("sam ", "needs an account"),
    ("cargo ", "builds and tests: CI runs the README's"),
    ("curl ", "needs a firewall"),
    ("api() ", "needs a firewall: a name for `curl` with the options that every line takes"),
    ("api ", "needs a firewall"),
    ("openssl ", "needs a firewall"),
    ("sudo install ", "writes where only root may"),
    ("sudo rm ", "removes what only root may"),
    ("sudo systemctl ", "needs systemd"),
    ("journalctl ", "needs systemd"),
    ("mkdir ", "the shell's own"),
    ("touch ", "the shell's own"),
    ("umask ", "the shell's own"),
    ("read ", "the shell's own: it asks for a password"),
    ("printf ", "needs a firewall: it hands `curl` the password or the key"),
    ("sed ", "the shell's own"),
    ("for ", "the shell's own: what is repeated is in the lines below"),
    ("done", "the shell's own"),
    ("deploy/", "a script of ours, which needs a release build or other people's tools"),
];

/// Blocks that are for no shell, by how they begin, and what they are.
const NO_SHELL: &[(&str, &str)] = &[
    ("mode = ", "settings, which `documents.rs` reads"),
    ("WATCH_OPTIONS=", "an environment file, which `unit.rs` reads"),
    ("AWS_CONFIG_FILE=", "an environment file, which `unit.rs` reads"),
    ("> deliver ", "what a story prints"),
    ("CloudTrail file / EventBridge", "a picture"),
    ("EC2 call --> ", "a picture"),
    ("function or host --443--> ", "a picture"),
    ("deployment in account A", "an example of names"),
    ("[profile ", "a file of the AWS SDK"),
    ("module \"drawbridge\" {", "Terraform, which `properties.rs` compares"),
    ("{ \"protocol\": ", "JSON"),
    ("# Why the story exists", "a story, which `docs/scenarios.md` explains"),
    ("admin@fw> ", "the command line of PAN-OS"),
    ("delete mgt-config ", "the command line of PAN-OS"),
];

fn is_shell(block: &str) -> bool {
    !NO_SHELL.iter().any(|(begin, _)| block.trim_start().starts_with(begin))
}

/// The lines of a block as the shell takes them: what goes on in the next line, or in a pipe, is one.
fn lines(block: &str) -> Vec<String> {
    let whole = block.replace("\\\n", " ").replace("|\n", "| ");
    whole.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// Everything that is to be typed, with where it stands.
fn typed() -> Vec<(PathBuf, String)> {
    let of_document = |(path, text): (PathBuf, String)| {
        let shell = blocks(&text).into_iter().filter(|block| is_shell(block));
        shell.flat_map(|block| lines(&block)).map(|line| (path.clone(), line)).collect::<Vec<_>>()
    };
    documents().into_iter().flat_map(of_document).collect()
}

/// A use of the program: variables, and the words after its name.
#[derive(Debug)]
struct Use {
    variables: Vec<(String, String)>,
    words: Vec<String>,
}

impl Use {
    /// A line's, if the line is one: `sudo NAME=value target/release/drawbridge plan`.
    fn of(line: &str) -> Option<Self> {
        let mut words = line
            .split_whitespace()
            .take_while(|word| !word.starts_with('#'))
            .skip_while(|word| *word == "sudo")
            .peekable();
        let mut variables = Vec::new();
        while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
            variables.push((name.to_owned(), value.to_owned()));
            words.next();
        }
        let program = words.next()?;
        let words = words.map(str::to_owned).collect();
        matches!(program, "drawbridge" | "target/release/drawbridge").then_some(Self { variables, words })
    }

    /// Whether the program takes it.
    #[track_caller]
    fn check(&self, path: &Path) {
        let words = ["drawbridge"].into_iter().chain(self.words.iter().map(String::as_str));
        Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{path:?}: {self:?}: {error}"));
        for (name, _) in &self.variables {
            assert!(is_known(name), "{path:?}: {self:?}: there is no variable `{name}`");
        }
    }

    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|other| other == word)
    }

    /// How it ends in [`world`].
    fn expected(&self) -> i32 {
        match self.words[0].as_str() {
            "plan" => 2,
            "explain" | "apply" | "doctor" | "settings" | "completions" => 0,
            "uninstall" | "adopt" if self.has("--dry-run") => 2,
            // Nobody is there to confirm it.
            "uninstall" | "adopt" => 1,
            other => panic!("nobody has said how `drawbridge {other}` ends here"),
        }
    }
}

#[test]
fn every_line_is_one_that_the_program_takes_or_known_to_be_for_others() {
    let mut ours = 0;
    for (path, line) in typed() {
        if let Some(used) = Use::of(&line) {
            used.check(&path);
            ours += 1;
            continue;
        }
        assert!(BY_OTHERS.iter().any(|(begin, _)| line.starts_with(begin)), "{path:?}: whose is this? {line}");
        if line.starts_with("deploy/") {
            let script = line.split_whitespace().next().unwrap();
            assert!(repository(script).exists(), "{path:?}: there is no `{script}`");
        }
    }
    assert!(ours > 15, "only {ours} lines were ours");
}

/// A list that names what is nowhere any more hides what comes to begin like it.
#[test]
fn every_kind_of_line_and_block_that_is_known_is_there() {
    let typed = typed();
    for (begin, why) in BY_OTHERS {
        assert!(typed.iter().any(|(_, line)| line.starts_with(begin)), "nothing begins like `{begin}` ({why})");
    }
    let blocks: Vec<_> = documents().iter().flat_map(|(_, text)| blocks(text)).collect();
    for (begin, what) in NO_SHELL {
        assert!(
            blocks.iter().any(|block| block.trim_start().starts_with(begin)),
            "nothing begins like `{begin}` ({what})"
        );
    }
}

/// `drawbridge explain RULE` in the middle of a text, or the name of a command alone.
#[test]
fn what_is_named_in_passing_is_taken_as_well() {
    let mut found = 0;
    for (path, text) in documents() {
        for rest in text.split("`drawbridge ").skip(1) {
            let line = rest.split('`').next().unwrap().replace("SHELL", "bash");
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            match &words[..] {
                [command] => assert!(MEANINGS.iter().any(|(known, _)| known == command), "{path:?}: `{line}`"),
                _ => Use { variables: Vec::new(), words }.check(&path),
            }
            found += 1;
        }
    }
    assert!(found > 20, "only {found} were tried");
}

/// Files that a user has by then.
struct Desk(TempDir);

impl Desk {
    fn new(stage: &Stage) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        fs::write(desk.path("drawbridge.toml"), settings_of_a_host()).unwrap();
        fs::write(desk.path("api-key"), stage.world.lock().key()).unwrap();
        let dump = stage.world.lock().dump().unwrap();
        fs::create_dir(desk.path("aws")).unwrap();
        for (name, answer) in [
            ("instances", dump.instances),
            ("network-interfaces", dump.network_interfaces),
            ("subnets", dump.subnets),
            ("vpcs", dump.vpcs),
            ("route-tables", dump.route_tables),
            ("security-groups", dump.security_groups),
            ("managed-prefix-lists", dump.managed_prefix_lists),
            ("vpc-endpoints", dump.vpc_endpoints),
        ] {
            fs::write(desk.path(&format!("aws/describe-{name}.json")), answer.to_string()).unwrap();
        }
        let [candidate, _] = stage.trees();
        let result = Element::new("result").with(candidate);
        let answer = Element::new("response").with_attribute("status", "success").with(result);
        fs::write(desk.path("firewall.xml"), answer.to_string()).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A word of a document as it is typed at this desk.
    fn word(&self, word: &str, stage: &Stage) -> String {
        let name = Path::new(word).file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match name {
            "drawbridge.toml" | "aws" | "firewall.xml" | "api-key" => self.path(name).to_str().unwrap().to_owned(),
            _ if word.starts_with("i-") => stage.real("i-web-2"),
            _ => word.to_owned(),
        }
    }
}

/// The settings that the documents give to a host, which say nothing of the key.
fn settings_of_a_host() -> String {
    blocks(&file("docs/host.md")).into_iter().find(|block| block.trim_start().starts_with("mode = ")).unwrap()
}

/// A firewall and an account that are as the command expects them; the environment names them, and wins over the file.
async fn world(used: &Use) -> Stage {
    let stage = Stage::new().await.with_work();
    match used.words[0].as_str() {
        "uninstall" => assert_eq!(stage.run(&["apply"]).await.status, Some(0)),
        "adopt" => {
            stage.tell("admin admin rule i-web-2 untrust:any -> trust:172.20.200.225 app ssl service application-default allow");
            stage.tell("admin admin commit all");
        }
        // It compares clocks.
        "doctor" => in_real_time(&stage),
        _ => {}
    }
    stage
}

async fn run(used: &Use) -> Ended {
    let mut stage = world(used).await;
    let desk = Desk::new(&stage);
    for (name, value) in &used.variables {
        if name == "DRAWBRIDGE_FIREWALL_API_KEY_FILE" {
            stage = stage.unset("PANOS_API_KEY");
        }
        let value = desk.word(value, &stage);
        stage = stage.set(name, &value);
    }
    let words: Vec<_> = used.words.iter().map(|word| desk.word(word, &stage)).collect();
    stage.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn every_command_of_the_documents_does_what_it_is_there_for() {
    let mut commands = Vec::new();
    for (path, line) in typed() {
        let Some(used) = Use::of(&line) else { continue };
        let ended = run(&used).await;
        assert_eq!(ended.status, Some(used.expected()), "{path:?}: {line}: {ended:#?}");
        commands.push(used.words[0].clone());
    }
    for command in ["plan", "explain", "apply", "doctor", "uninstall", "adopt"] {
        assert!(commands.iter().any(|ran| ran == command), "no document shows `drawbridge {command}`");
    }
}
