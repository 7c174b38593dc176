//! Faults as a scenario spells them.

use std::fmt;

use super::words::{Name, Parsed, Words};
use crate::faults::{AwsMishap, Command, Fault, Moment, On, Trouble, When};

impl Command {
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let name = words.word("a command such as `commit`")?;
        Self::ALL.into_iter().find(|command| command.name() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|command| command.name()).collect();
            format!("`{name}` is no command of a run; known are {}, request and job", known.join(", "))
        })
    }
}

impl Fault {
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let on = if words.keyword("request") { On::Request } else { On::Command(Command::take(words)?) };
        let when = if words.keyword("always") {
            When::Always
        } else {
            When::Nth(words.value("`always` or the number of a command to come, such as `1`,")?)
        };
        let fault = Self { on, when, trouble: Trouble::take(words)? };
        if fault.can_happen() {
            return Ok(fault);
        }
        let remedy = "`s3` meets fetch, `ec2`, `stale`, `torn` and `aws same page` meet observe, `aws` meets fetch and observe, a kill and `content type` meet anything, \
                      all else what talks to the firewall; a request meets what is about one and its answer";
        Err(format!("`{}` cannot happen to {}: {remedy}", fault.trouble, on.name()))
    }
}

impl Trouble {
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let first = words.word("what goes wrong")?;
        match first.as_str() {
            "panos" => {
                words.expect("error")?;
                Ok(Self::Panos {
                    code: words.value("a PAN-OS code such as `13`")?,
                    text: words.word("a text in quotes")?,
                })
            }
            "ec2" => Ok(Self::Ec2(words.word("an error code such as `RequestLimitExceeded`")?)),
            "s3" => Ok(Self::S3(words.value("an HTTP status such as `503`")?)),
            "lost" => words.expect("answer").map(|()| Self::LostAnswer),
            "not" => words.expect("sent").map(|()| Self::NotSent),
            "stale" => Ok(Self::Stale),
            "torn" => Ok(Self::Torn),
            "fail" => words.expect("over").map(|()| Self::FailOver),
            "kill" => match words.word("`before` or `after`")?.as_str() {
                "before" => Ok(Self::Kill(Moment::Before)),
                "after" => Ok(Self::Kill(Moment::After)),
                other => Err(format!("`{other}` is no moment; a process dies `before` or `after` a command")),
            },
            "http" => Ok(Self::Http(words.value("an HTTP status such as `502`")?)),
            "html" => Ok(Self::Html),
            "half" => Ok(Self::Half),
            "slow" => Ok(Self::Slow),
            "content" => words.expect("type").map(|()| Self::ContentType),
            "aws" => AwsMishap::take(words).map(Self::Aws),
            other => Err(format!(
                "`{other}` is nothing that goes wrong; known are panos error, ec2, s3, lost answer, not sent, stale, torn, fail over, \
                 kill, http, html, half, slow, content type and aws"
            )),
        }
    }
}

impl AwsMishap {
    fn take(words: &mut Words) -> Parsed<Self> {
        match words.word("what goes wrong with an answer of AWS")?.as_str() {
            "half" => Ok(Self::Half),
            "slow" => Ok(Self::Slow),
            "empty" => Ok(Self::Empty),
            "same" => words.expect("page").map(|()| Self::SamePage),
            other => {
                Err(format!("`aws {other}` is nothing that goes wrong; known are half, slow, empty and same page"))
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.on.name())?;
        match self.when {
            When::Nth(nth) => write!(f, "{nth} {}", self.trouble),
            When::Always => write!(f, "always {}", self.trouble),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panos { code, text } => write!(f, "panos error {code} {}", Name(text)),
            Self::Ec2(code) => write!(f, "ec2 {code}"),
            Self::S3(status) => write!(f, "s3 {status}"),
            Self::LostAnswer => f.write_str("lost answer"),
            Self::NotSent => f.write_str("not sent"),
            Self::Stale => f.write_str("stale"),
            Self::Torn => f.write_str("torn"),
            Self::FailOver => f.write_str("fail over"),
            Self::Kill(Moment::Before) => f.write_str("kill before"),
            Self::Kill(Moment::After) => f.write_str("kill after"),
            Self::Http(status) => write!(f, "http {status}"),
            Self::Html => f.write_str("html"),
            Self::Half => f.write_str("half"),
            Self::Slow => f.write_str("slow"),
            Self::ContentType => f.write_str("content type"),
            Self::Aws(AwsMishap::Half) => f.write_str("aws half"),
            Self::Aws(AwsMishap::Slow) => f.write_str("aws slow"),
            Self::Aws(AwsMishap::Empty) => f.write_str("aws empty"),
            Self::Aws(AwsMishap::SamePage) => f.write_str("aws same page"),
        }
    }
}
