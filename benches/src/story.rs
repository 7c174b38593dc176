//! A simulated account and firewall, at the moment at which Drawbridge hears of something.

use std::{fmt::Write, time::Duration};

use drawbridge::{driver, envelope::Envelope, settings::Settings};
use drawbridge_core::{
    command::{Command, Look, Perform, Reply},
    report::Outcome,
};
use drawbridge_scenarios::{direct::Direct, stage::Stage};
use drawbridge_simulator::{
    cloud::Dump,
    script::Script,
    serve::SharedWorld,
    world::{Performed, World},
};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{
    INSTANCES_OF_A_GROUP, address,
    rulebase::{BOTTOM_RULE, OPEN_PORT},
    sequence::Sequence,
    settings,
};

/// A world in which everything is in step but for one instance, of whose start Drawbridge is about to hear.
pub struct Eve {
    world: World,
    settings: Settings,
    news: Value,
    runtime: Runtime,
}

impl Eve {
    /// So many running instances in groups of ten, half as many rules of administrators, and as many of ours as the groups
    /// need: three each. They are brought about by a run before the one that is measured.
    pub fn of(instances: usize) -> Self {
        Self::told(&told(instances, INSTANCES_OF_A_GROUP, instances / 2))
    }

    /// What a small account has: ten instances in five groups, and twenty rules of administrators.
    pub fn small() -> Self {
        Self::told(&told(10, 2, 20))
    }

    fn told(story: &str) -> Self {
        let script = Script::parse("made up", story).expect("what is written here is a story");
        let world = World::build(&script).expect("the story has a world");
        let mut settings = settings(&world.names().lengthen("i-fw"), world.key());
        (settings.config.limits.additions.number, settings.config.limits.removals.number) = (usize::MAX, usize::MAX);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers starts");
        let world = SharedWorld::new(world);
        let mut news = Value::Null;
        for deed in script.blocks.iter().flat_map(|block| &block.deeds) {
            if !news.is_null() {
                runtime.block_on(run(&world, &settings, &news));
            }
            let performed = world.lock().perform(&deed.what);
            if let Performed::Heard(event) = performed.expect("the deed can be done") {
                news = event;
            }
        }
        let world = world.lock().clone();
        Self { world, settings, news, runtime }
    }

    /// Everything there is in the cloud, as the AWS CLI prints it.
    pub fn dump(&self) -> Dump {
        self.world.clone().dump().expect("nothing is armed against it")
    }

    /// A world of its own for one run.
    pub fn world(&self) -> SharedWorld {
        SharedWorld::new(self.world.clone())
    }

    /// Lets Drawbridge hear the news, and do what there is to do.
    pub fn run(&self, world: &SharedWorld) -> Outcome {
        self.runtime.block_on(run(world, &self.settings, &self.news))
    }

    /// What a look shows by then.
    pub fn sequence(&self) -> Sequence {
        let world = self.world();
        let mut actor = Direct::new(world.clone(), &self.settings);
        let look = Command::Observe(Look::Everything);
        let looked = self.runtime.block_on(Stage::new(world, &mut actor).perform(&look, BUDGET));
        let Ok(Reply::Facts(Some(inventory), firewall)) = looked else { panic!("a look shows everything") };
        Sequence { config: self.settings.config.clone(), inventory: *inventory, firewall: *firewall }
    }
}

/// More than any run takes, in the time of the story.
pub(crate) const BUDGET: Duration = Duration::from_secs(15 * 60);

async fn run(world: &SharedWorld, settings: &Settings, news: &Value) -> Outcome {
    let mut run = driver::begin(Envelope::open(news).trigger(), &settings.config, BUDGET, 1);
    let mut actor = Direct::new(world.clone(), settings);
    driver::drive(&mut run, &mut Stage::new(world.clone(), &mut actor)).await
}

fn told(instances: usize, of_a_group: usize, rules: usize) -> String {
    let mut story = String::from(
        "# One more instance starts in a large account.\n\n\
         cloud\n\
         vpc vpc-1 10.64.0.0/16\n\
         subnet subnet-fw 10.64.0.0/24\n\
         subnet subnet-1 10.64.128.0/17\n\
         route-table rtb-fw for subnet-fw\n\
         route rtb-fw 0.0.0.0/0 -> igw-1\n\
         route-table rtb-1 main\n\
         route rtb-1 0.0.0.0/0 -> eni-fw\n\
         sg sg-fw\n\
         instance i-fw 10.64.0.10 sg-fw running\n",
    );
    let mut line = |line: String| writeln!(story, "{line}").expect("text takes everything");
    for group in 0..instances.div_ceil(of_a_group) {
        line(format!(
            "sg sg-{group} allow tcp/{OPEN_PORT} from 0.0.0.0/0; tcp/443 from 0.0.0.0/0; tcp/22 from 198.51.100.0/24; \
             udp/5000-5004 from 203.0.{}.0/24",
            group % 250
        ));
    }
    for number in 0..instances {
        line(format!("instance i-{number} {} sg-{} running", address(number), number / of_a_group));
    }
    line(format!("instance i-new {} sg-0", address(instances)));
    line("firewall".to_owned());
    line(format!("rule \"web in\" untrust:any -> trust:any service tcp/{OPEN_PORT} allow"));
    for number in 0..rules {
        let (partner, action) = (number % 250, if number % 8 == 2 { "deny" } else { "allow" });
        let port = 20_000 + number % 64;
        line(format!(
            "rule rule-{number} untrust:192.0.2.{partner} -> trust:{} service tcp/{port} {action}",
            address(number)
        ));
    }
    line(format!("rule {BOTTOM_RULE} any -> any deny"));
    line("----\n\nschedule\ndeliver StartInstances i-new\n----".to_owned());
    story
}
