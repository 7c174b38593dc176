//! Faults that a story arms: which of Drawbridge's commands meets one, and what happens to it.
//!
//! The table is plain data. Whoever drives Drawbridge says when a command begins ([`Faults::begin`]); whoever answers its
//! requests, or performs it, asks what goes wrong meanwhile ([`Faults::now`]).

/// What Drawbridge does with the world, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Reads a log file.
    Fetch,
    /// Looks at the cloud and the firewall, or at the firewall alone.
    Observe,
    /// Writes to the candidate configuration.
    Apply,
    /// Asks for a commit.
    Commit,
    /// Asks how a job is getting on.
    Poll,
    /// Takes back its own uncommitted changes.
    Revert,
}

impl Command {
    pub(crate) const ALL: [Self; 6] = [Self::Fetch, Self::Observe, Self::Apply, Self::Commit, Self::Poll, Self::Revert];

    /// Its name in scenarios and transcripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Observe => "observe",
            Self::Apply => "apply",
            Self::Commit => "commit",
            Self::Poll => "poll",
            Self::Revert => "revert",
        }
    }

    /// Whether the command changes the firewall. Its faults meet the change itself, not what is read along with it.
    pub const fn writes(self) -> bool {
        match self {
            Self::Fetch | Self::Observe | Self::Poll => false,
            Self::Apply | Self::Commit | Self::Revert => true,
        }
    }
}

/// What meets a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A command.
    Command(Command),
    /// A single request to the firewall, whichever command it belongs to: what is read along with a write as well.
    Request,
}

impl On {
    /// Its name in scenarios and transcripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command(command) => command.name(),
            Self::Request => "request",
        }
    }
}

/// Which of the commands, or requests, to come is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The one of that number, beginning at 1 and counted from the moment the fault was armed.
    Nth(u32),
    /// Every one.
    Always,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The firewall answers with an error of its own.
    Panos {
        /// PAN-OS's code.
        code: u16,
        /// What it says.
        text: String,
    },
    /// EC2 answers with that error code.
    Ec2(String),
    /// S3 answers with that HTTP status.
    S3(u16),
    /// The request takes effect, but its answer never arrives.
    LostAnswer,
    /// The request never arrives.
    NotSent,
    /// EC2 answers as if nothing had happened since the fault was armed.
    Stale,
    /// EC2 tells of instances and interfaces as they were when the fault was armed, and of everything else as it is: what
    /// goes on while somebody reads page after page.
    Torn,
    /// The active unit of a pair dies when the request arrives, and the other one takes over.
    FailOver,
    /// The process that runs Drawbridge dies.
    Kill(Moment),
    /// The firewall's web server answers with that status itself.
    Http(u16),
    /// A web page comes instead of an answer.
    Html,
    /// The connection breaks in the middle of the answer.
    Half,
    /// The answer takes longer than anybody waits.
    Slow,
    /// The answer is right, and says of itself that it is a web page.
    ContentType,
    /// An answer of EC2 or S3 goes wrong.
    Aws(AwsMishap),
}

impl Trouble {
    /// Whether it is about one request to the firewall and its answer.
    fn is_of_one_request(&self) -> bool {
        match self {
            Self::Panos { .. } | Self::LostAnswer | Self::NotSent | Self::Http(_) | Self::Html | Self::Half => true,
            Self::ContentType => true,
            Self::Ec2(_) | Self::S3(_) | Self::Aws(_) | Self::Stale | Self::Torn => false,
            // Units fail, clocks run and processes die while a command is under way.
            Self::FailOver | Self::Slow | Self::Kill(_) => false,
        }
    }
}

/// What goes wrong with an answer of EC2 or S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwsMishap {
    /// The connection breaks in the middle of it.
    Half,
    /// It begins, and does not end while anybody waits.
    Slow,
    /// There is nothing in it.
    Empty,
    /// Each page of a listing has the token of the same next page.
    SamePage,
}

/// When a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the command is begun.
    Before,
    /// When the command has taken effect, before its answer is seen.
    After,
}

/// One line of a story: `fault commit 1 lost answer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What meets it.
    pub on: On,
    /// Which of them.
    pub when: When,
    /// What happens.
    pub trouble: Trouble,
}

impl Fault {
    /// Whether what meets it has to do with what goes wrong.
    pub fn can_happen(&self) -> bool {
        let On::Command(on) = self.on else { return self.trouble.is_of_one_request() };
        match self.trouble {
            Trouble::S3(_) => on == Command::Fetch,
            Trouble::Ec2(_) | Trouble::Stale | Trouble::Torn => on == Command::Observe,
            Trouble::Aws(AwsMishap::SamePage) => on == Command::Observe,
            Trouble::Aws(_) => matches!(on, Command::Observe | Command::Fetch),
            Trouble::Kill(_) | Trouble::ContentType => true,
            Trouble::Panos { .. } | Trouble::LostAnswer | Trouble::NotSent | Trouble::FailOver => on != Command::Fetch,
            Trouble::Http(_) | Trouble::Html | Trouble::Half | Trouble::Slow => on != Command::Fetch,
        }
    }
}

/// The armed faults, and those that meet the command under way.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    armed: Vec<(Fault, u32)>,
    command: Option<Command>,
    now: Vec<Trouble>,
    /// What single requests have met since somebody asked.
    met: Vec<Trouble>,
}

impl Faults {
    /// Arms a fault; commands are counted from here on.
    pub fn arm(&mut self, fault: Fault) {
        self.armed.push((fault, 0));
    }

    /// Says that a command begins, and with it what goes wrong until the next one does.
    pub fn begin(&mut self, command: Command) {
        self.command = Some(command);
        self.now.clear();
        let now = &mut self.now;
        self.armed.retain_mut(|(fault, seen)| {
            let on = fault.on;
            on != On::Command(command) || come(fault, seen, now)
        });
    }

    /// Says that a request to the firewall comes, and what goes wrong with it by itself. Requests of nobody's command are not counted.
    pub fn request(&mut self) -> Option<Trouble> {
        self.command?;
        let mut met = Vec::new();
        self.armed.retain_mut(|(fault, seen)| fault.on != On::Request || come(fault, seen, &mut met));
        self.met.extend(met.first().cloned());
        met.into_iter().next()
    }

    /// Whether a request to come meets something, so that each of them counts.
    pub fn awaits_request(&self) -> bool {
        self.armed.iter().any(|(fault, _)| fault.on == On::Request)
    }

    /// What single requests have met since this was asked last.
    pub fn take_met(&mut self) -> Vec<Trouble> {
        std::mem::take(&mut self.met)
    }

    /// Disarms everything.
    pub fn clear(&mut self) {
        self.armed.clear();
        self.now.clear();
    }

    /// Says that no command is under way any more.
    pub fn end(&mut self) {
        self.command = None;
        self.now.clear();
    }

    /// The command under way.
    pub fn command(&self) -> Option<Command> {
        self.command
    }

    /// What goes wrong with the command under way, in the order in which it was armed.
    pub fn now(&self) -> &[Trouble] {
        &self.now
    }

    /// Whether the process dies at this moment of the command under way.
    pub fn kills(&self, moment: Moment) -> bool {
        self.now.contains(&Trouble::Kill(moment))
    }
}

/// Counts what a fault waits for, adds its trouble where it is met, and says whether it stays armed.
fn come(fault: &Fault, seen: &mut u32, met: &mut Vec<Trouble>) -> bool {
    *seen += 1;
    let (meets, keep) = match fault.when {
        When::Always => (true, true),
        When::Nth(nth) => (*seen == nth, *seen < nth),
    };
    if meets {
        met.push(fault.trouble.clone());
    }
    keep
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(on: Command, when: When) -> Fault {
        Fault { on: On::Command(on), when, trouble: Trouble::LostAnswer }
    }

    #[test]
    fn requests_are_counted_whatever_command_they_belong_to() {
        let mut faults = Faults::default();
        faults.arm(Fault { on: On::Request, when: When::Nth(2), trouble: Trouble::Half });
        assert_eq!(faults.request(), None, "nobody's");
        faults.begin(Command::Observe);
        assert!(faults.now().is_empty() && faults.awaits_request());
        assert_eq!(faults.request(), None);
        faults.begin(Command::Apply);
        assert_eq!(faults.request(), Some(Trouble::Half));
        assert_eq!(faults.request(), None);
        assert!(!faults.awaits_request());
        assert_eq!((faults.take_met(), faults.take_met()), (vec![Trouble::Half], vec![]));
    }

    #[test]
    fn commands_are_counted_from_the_moment_of_arming() {
        let mut faults = Faults::default();
        faults.begin(Command::Commit);
        faults.arm(lost(Command::Commit, When::Nth(2)));
        let met: Vec<_> = (0..4)
            .map(|_| {
                faults.begin(Command::Observe);
                assert!(faults.now().is_empty());
                faults.begin(Command::Commit);
                faults.now().len()
            })
            .collect();
        assert_eq!(met, [0, 1, 0, 0]);
    }

    #[test]
    fn some_faults_never_stop() {
        let mut faults = Faults::default();
        faults.arm(lost(Command::Poll, When::Always));
        let on = On::Command(Command::Poll);
        faults.arm(Fault { on, when: When::Nth(1), trouble: Trouble::Kill(Moment::After) });
        faults.begin(Command::Poll);
        assert_eq!(faults.now().len(), 2);
        assert!(faults.kills(Moment::After) && !faults.kills(Moment::Before));
        faults.begin(Command::Poll);
        assert_eq!(faults.now(), [Trouble::LostAnswer]);
        faults.end();
        assert!(faults.now().is_empty() && faults.command().is_none());
    }
}
