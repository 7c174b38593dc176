//! `simulator`: a fake PAN-OS firewall and a fake AWS to try things on.

mod options;

use std::{fs, net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use anstream::{eprintln, println};
use clap::{Parser, Subcommand};
use drawbridge_simulator::{
    http::tls::Identity,
    script::Script,
    serve::{Served, SharedWorld},
    world::{DRAWBRIDGE, World},
};
use options::FirewallOptions;
use time::OffsetDateTime;
use tokio::net::TcpListener;

/// A fake PAN-OS firewall and a fake AWS (EC2, S3, CloudTrail), to try Drawbridge and other clients on.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves a world in real time until Ctrl-C.
    ///
    /// The firewall speaks PAN-OS's XML API at /api/. EC2 and S3 share one port; any credentials will do, and the access
    /// key is the caller's name in CloudTrail. What the AWS CLI changes, CloudTrail writes down in the bucket `trail`.
    #[command(
        after_help = "Example:\n  simulator serve --world scenarios/first-day.scenario\n\nA world is the set-up of a \
                            scenario file: its sections `cloud` and `firewall`. What happens later in the file is left out."
    )]
    Serve(Serve),
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// Where the firewall listens; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    panos: SocketAddr,
    /// Where EC2 and S3 listen; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    aws: SocketAddr,
    /// What is there at first; without it, a firewall without rules and one subnet behind it.
    #[arg(long, value_name = "FILE.scenario")]
    world: Option<PathBuf>,
    /// Serve the firewall over TLS, with a new certificate that is written to this file.
    #[arg(long, value_name = "FILE.pem")]
    tls: Option<PathBuf>,
    /// How often CloudTrail writes what happened into a log file. Real ones come about every five minutes.
    #[arg(long, value_name = "SPAN", default_value = "10s", value_parser = humantime::parse_duration)]
    deliver: Duration,
    #[command(flatten)]
    firewall: FirewallOptions,
    /// How AWS behaves, such as `reads-lag=3s` or `managed-resources=hidden`; `GET /_simulator/settings` tells all of it.
    #[arg(long = "aws-setting", value_name = "NAME=VALUE", value_parser = setting)]
    aws_settings: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let split = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    split.ok_or_else(|| "write NAME=VALUE".to_owned())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Arguments { command: Command::Serve(serve) } = Arguments::parse();
    match serve.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Serve {
    async fn run(&self) -> Result<(), String> {
        let world = SharedWorld::new(self.build()?);
        let identity = self.identity()?;
        let (panos, aws) = (bound(self.panos).await?, bound(self.aws).await?);
        let served = world.clone().serve(panos, aws, identity.as_ref()).map_err(|error| error.to_string())?;
        self.introduce(&world, &served);
        tokio::select! {
            stopped = tokio::signal::ctrl_c() => stopped.map_err(|error| format!("cannot wait for Ctrl-C: {error}")),
            () = self.deliver_logs(&world) => Ok(()),
            () = tell_unknown(&world) => Ok(()),
        }
    }

    fn build(&self) -> Result<World, String> {
        let script = match &self.world {
            Some(path) => {
                let file = path.display().to_string();
                let text = fs::read_to_string(path).map_err(|error| format!("cannot read `{file}`: {error}"))?;
                Script::parse(&file, &text)
            }
            None => Script::parse("default", ""),
        };
        let mut world = script.and_then(|script| World::build(&script)).map_err(|mistake| mistake.to_string())?;
        self.firewall.apply_to(world.firewall_settings());
        for (name, value) in &self.aws_settings {
            world.cloud_mut().settings_mut().set(name, value).map_err(|error| error.to_string())?;
        }
        world.cloud_mut().keep_messages();
        world.run_in_real_time(OffsetDateTime::now_utc());
        Ok(world)
    }

    fn identity(&self) -> Result<Option<Identity>, String> {
        let Some(path) = &self.tls else { return Ok(None) };
        let host = self.panos.ip().to_string();
        let identity = Identity::self_signed(&["localhost", &host]).map_err(|error| error.to_string())?;
        fs::write(path, identity.certificate_pem())
            .map_err(|error| format!("cannot write the certificate to `{}`: {error}", path.display()))?;
        Ok(Some(identity))
    }

    /// Tells a newcomer what is there and how to talk to it.
    fn introduce(&self, world: &SharedWorld, served: &Served) {
        let world = world.lock();
        let (scheme, trust) = match &self.tls {
            Some(path) => ("https", format!(" --cacert {}", path.display())),
            None => ("http", String::new()),
        };
        let (url, key, region) = (format!("{scheme}://{}/api/", served.panos), world.key(), world.cloud().region());
        println!("firewall   {url}");
        println!("  API key  {key}   (administrator {DRAWBRIDGE})");
        println!(
            "  try      curl{trust} -H 'X-PAN-KEY: {key}' -d type=op -d 'cmd=<show><system><info/></system></show>' {url}"
        );
        println!("AWS        http://{}", served.aws);
        println!(
            "  as       AWS_ENDPOINT_URL=http://{} AWS_ACCESS_KEY_ID={DRAWBRIDGE} AWS_SECRET_ACCESS_KEY=any AWS_REGION={region} AWS_DEFAULT_REGION={region}",
            served.aws
        );
        println!("  try      aws --region {region} --endpoint-url http://{} ec2 describe-instances", served.aws);
        for instance in world.cloud().resources().instances.values() {
            let id = instance.id.to_string();
            println!("  {}  {}  {}", id, world.names().shorten(&id), instance.state.name());
        }
        println!("Ctrl-C stops both.");
    }

    async fn deliver_logs(&self, world: &SharedWorld) {
        loop {
            tokio::time::sleep(self.deliver).await;
            let keys = world.lock().write_logs();
            for key in keys {
                println!("CloudTrail wrote s3://trail/{key}");
            }
        }
    }
}

/// How often what nobody could answer is told.
const TELLING: Duration = Duration::from_millis(200);

async fn tell_unknown(world: &SharedWorld) {
    loop {
        tokio::time::sleep(TELLING).await;
        let unknown = world.lock().cloud_mut().take_unknown_actions();
        for action in unknown {
            println!("EC2 was asked for `{action}`, which is not part of it: answered InvalidAction");
        }
    }
}

async fn bound(address: SocketAddr) -> Result<TcpListener, String> {
    let listening = TcpListener::bind(address).await;
    listening.map_err(|error| format!("cannot listen at `{address}`: {error}; choose another address, or port 0"))
}
