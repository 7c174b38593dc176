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

/// Which of the commands to come is meant.
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
    /// The command that it meets.
    pub on: Command,
    /// Which of them.
    pub when: When,
    /// What happens.
    pub trouble: Trouble,
}

impl Fault {
    /// Whether the command has to do with what goes wrong.
    pub fn can_happen(&self) -> bool {
        match self.trouble {
            Trouble::S3(_) => self.on == Command::Fetch,
            Trouble::Ec2(_) | Trouble::Stale | Trouble::Torn => self.on == Command::Observe,
            Trouble::Aws(AwsMishap::SamePage) => self.on == Command::Observe,
            Trouble::Aws(_) => matches!(self.on, Command::Observe | Command::Fetch),
            Trouble::Kill(_) | Trouble::ContentType => true,
            Trouble::Panos { .. } | Trouble::LostAnswer | Trouble::NotSent | Trouble::FailOver => {
                self.on != Command::Fetch
            }
            Trouble::Http(_) | Trouble::Html | Trouble::Half | Trouble::Slow => self.on != Command::Fetch,
        }
    }
}

/// The armed faults, and those that meet the command under way.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    armed: Vec<(Fault, u32)>,
    command: Option<Command>,
    now: Vec<Trouble>,
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
            if fault.on != command {
                return true;
            }
            *seen += 1;
            let (meets, keep) = match fault.when {
                When::Always => (true, true),
                When::Nth(nth) => (*seen == nth, *seen < nth),
            };
            if meets {
                now.push(fault.trouble.clone());
            }
            keep
        });
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(on: Command, when: When) -> Fault {
        Fault { on, when, trouble: Trouble::LostAnswer }
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
        faults.arm(Fault { on: Command::Poll, when: When::Nth(1), trouble: Trouble::Kill(Moment::After) });
        faults.begin(Command::Poll);
        assert_eq!(faults.now().len(), 2);
        assert!(faults.kills(Moment::After) && !faults.kills(Moment::Before));
        faults.begin(Command::Poll);
        assert_eq!(faults.now(), [Trouble::LostAnswer]);
        faults.end();
        assert!(faults.now().is_empty() && faults.command().is_none());
    }
}
