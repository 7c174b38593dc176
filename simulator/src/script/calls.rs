//! API calls: deeds that change the cloud, and are recorded by CloudTrail.

use std::fmt;

use super::{
    cloud::{self, Instance, InstanceState},
    names::{Id, Kind},
    permissions::{Direction, Permissions},
    words::{Name, Parsed, Words, write_list},
};

/// An API call and how it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What is asked for.
    pub request: Request,
    /// How it ends.
    pub ending: Ending,
}

/// What an API call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `StartInstances i-1 i-2`, and the two others like it.
    Instances(Transition, Vec<Id>),
    /// `RunInstances i-new 10.0.1.20 sg-web`
    Run(Instance),
    /// `AuthorizeSecurityGroupIngress sg-web tcp/22 from 0.0.0.0/0`, and the three others like it.
    Permissions(Change, Id, Permissions),
    /// `CreateRoute RouteTableId=rtb-1 …`: any other action, with the parameters of EC2's query form.
    Raw {
        /// The action.
        action: String,
        /// The parameters.
        parameters: Vec<(String, String)>,
    },
}

/// What happens to instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "EC2's own words")]
pub enum Transition {
    Start,
    Stop,
    Terminate,
}

/// What happens to permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "EC2's own words")]
pub enum Change {
    Authorize,
    Revoke,
}

/// How an API call ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It does what it says.
    Done,
    /// `failed Client.UnauthorizedOperation`: it changes nothing and is recorded with that code.
    Failed(String),
    /// `dry-run`: it changes nothing and is recorded as a dry run.
    DryRun,
}

impl Call {
    /// The instance that is launched.
    pub(crate) fn launched(&self) -> Option<&Instance> {
        match (&self.request, &self.ending) {
            (Request::Run(instance), Ending::Done) => Some(instance),
            (Request::Run(_) | Request::Instances(..) | Request::Permissions(..) | Request::Raw { .. }, _) => None,
        }
    }

    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let request = Request::take(words)?;
        let ending = if words.keyword("failed") {
            Ending::Failed(words.word("an error code such as `Client.UnauthorizedOperation`")?)
        } else if words.keyword("dry-run") {
            Ending::DryRun
        } else {
            Ending::Done
        };
        Ok(Self { request, ending })
    }

    fn ends(words: &Words) -> bool {
        words.is_empty() || matches!(words.peek(), Some("failed" | "dry-run"))
    }
}

impl Request {
    /// The name of the action.
    pub fn action(&self) -> &str {
        match self {
            Self::Instances(Transition::Start, _) => "StartInstances",
            Self::Instances(Transition::Stop, _) => "StopInstances",
            Self::Instances(Transition::Terminate, _) => "TerminateInstances",
            Self::Run(_) => "RunInstances",
            Self::Permissions(change, _, permissions) => match (change, permissions.direction) {
                (Change::Authorize, Direction::Ingress) => "AuthorizeSecurityGroupIngress",
                (Change::Authorize, Direction::Egress) => "AuthorizeSecurityGroupEgress",
                (Change::Revoke, Direction::Ingress) => "RevokeSecurityGroupIngress",
                (Change::Revoke, Direction::Egress) => "RevokeSecurityGroupEgress",
            },
            Self::Raw { action, .. } => action,
        }
    }

    /// The ids that it names.
    pub(super) fn ids(&self) -> Vec<Id> {
        match self {
            Self::Instances(_, ids) => ids.clone(),
            Self::Run(instance) => instance.ids().cloned().collect(),
            Self::Permissions(_, group, permissions) => permissions.ids().chain([group]).cloned().collect(),
            Self::Raw { parameters, .. } => parameters.iter().filter_map(|(_, value)| Id::parse(value)).collect(),
        }
    }

    fn take(words: &mut Words) -> Parsed<Self> {
        let action = words.word("an EC2 action such as `StartInstances`")?;
        let raw = words.peek().is_some_and(|word| word.contains('='));
        let request = match action.as_str() {
            _ if raw => Self::raw(action, words)?,
            "StartInstances" => Self::Instances(Transition::Start, Self::instances(words)?),
            "StopInstances" => Self::Instances(Transition::Stop, Self::instances(words)?),
            "TerminateInstances" => Self::Instances(Transition::Terminate, Self::instances(words)?),
            "RunInstances" => Self::Run(Instance::take(words, InstanceState::Pending)?),
            "AuthorizeSecurityGroupIngress" | "AuthorizeSecurityGroupEgress" => {
                Self::permissions(Change::Authorize, &action, words)?
            }
            "RevokeSecurityGroupIngress" | "RevokeSecurityGroupEgress" => {
                Self::permissions(Change::Revoke, &action, words)?
            }
            _ => Self::raw(action, words)?,
        };
        Ok(request)
    }

    fn instances(words: &mut Words) -> Parsed<Vec<Id>> {
        let mut ids = vec![cloud::id(words, Kind::Instance)?];
        while !Call::ends(words) {
            ids.push(cloud::id(words, Kind::Instance)?);
        }
        Ok(ids)
    }

    fn permissions(change: Change, action: &str, words: &mut Words) -> Parsed<Self> {
        let group = cloud::id(words, Kind::Group)?;
        let request = Self::Permissions(change, group, Permissions::take(words)?);
        if request.action() != action {
            return Err(format!(
                "`{action}` has the wrong direction: ingress permissions say `from`, egress ones `to`"
            ));
        }
        Ok(request)
    }

    fn raw(action: String, words: &mut Words) -> Parsed<Self> {
        let mut parameters = Vec::new();
        while !Call::ends(words) {
            let word = words.word("a parameter such as `GroupId=sg-1`")?;
            let (key, value) = word
                .split_once('=')
                .ok_or_else(|| format!("`{word}` is no parameter of `{action}`; write them as in `GroupId=sg-1`"))?;
            parameters.push((key.to_owned(), value.to_owned()));
        }
        Ok(Self::Raw { action, parameters })
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.request.fmt(f)?;
        match &self.ending {
            Ending::Done => Ok(()),
            Ending::Failed(code) => write!(f, " failed {code}"),
            Ending::DryRun => f.write_str(" dry-run"),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.action())?;
        match self {
            Self::Instances(_, ids) => {
                f.write_str(" ")?;
                write_list(f, " ", ids)
            }
            Self::Run(instance) => write!(f, " {instance}"),
            Self::Permissions(_, group, permissions) => write!(f, " {group} {permissions}"),
            Self::Raw { parameters, .. } => {
                parameters.iter().try_for_each(|(key, value)| write!(f, " {}", Name(&format!("{key}={value}"))))
            }
        }
    }
}
