//! What Drawbridge gets to hear: the models' answers, unless something is armed for the command that it is at.

use super::World;
use crate::{
    cloud::{self, Dump},
    faults::{AwsMishap, Command, Trouble},
    firewall::{Answer, Body, Request},
    http::aws,
    xml::Element,
};

/// How a faulty answer of the firewall's comes about.
enum Disturbance {
    /// It takes the place of the real one, and nothing takes effect.
    Instead(Answer),
    /// The request takes effect first.
    Afterwards(fn(Answer) -> Answer),
}

impl World {
    /// Answers a request to the firewall, of a pair to its first unit.
    pub fn panos(&mut self, request: &Request) -> Answer {
        self.panos_unit(0, request)
    }

    pub(super) fn answer(&mut self, request: &Request) -> Answer {
        if let Some(other) = self.answer_instead(request) {
            return other;
        }
        let of_this = self.faults.request();
        match of_this.as_ref().and_then(disturbance).or_else(|| self.disturbance(request)) {
            Some(Disturbance::Instead(answer)) => answer,
            Some(Disturbance::Afterwards(spoil)) => spoil(self.undisturbed(request)),
            None => self.undisturbed(request),
        }
    }

    /// Answers a request to AWS, made with that access key.
    pub fn aws(&mut self, call: &aws::Call, access_key: &str) -> cloud::Answer {
        let answer = self.aws_answer(call, access_key);
        self.cloud.dated(answer, self.now())
    }

    fn aws_answer(&mut self, call: &aws::Call, access_key: &str) -> cloud::Answer {
        let is_ec2 = matches!(call, aws::Call::Ec2(_));
        match self.aws_trouble(if is_ec2 { Command::Observe } else { Command::Fetch }) {
            Some(answer) => answer,
            None => {
                let now = self.now();
                let cloud = match &mut self.earlier {
                    Some(earlier) if is_ec2 && is_late(self.faults.now(), call.action()) => earlier,
                    Some(_) | None => &mut self.cloud,
                };
                let first_page =
                    (self.faults.now().contains(&Trouble::Aws(AwsMishap::SamePage))).then(|| first_page(call));
                let answer = first_page.as_ref().unwrap_or(call).perform(cloud, access_key, now);
                self.faults.now().iter().fold(answer, |answer, trouble| spoiled(answer, trouble, is_ec2))
            }
        }
    }

    /// What goes wrong with answers of AWS while the command is under way; [`World::aws`] has seen to what stands in them.
    pub fn aws_mishap(&self) -> Option<AwsMishap> {
        let mishap = |trouble: &Trouble| if let Trouble::Aws(mishap) = trouble { Some(*mishap) } else { None };
        self.faults.now().iter().find_map(mishap)
    }

    /// Everything that EC2 would tell, or its refusal.
    pub fn dump(&mut self) -> Result<Dump, cloud::Answer> {
        match self.aws_trouble(Command::Observe) {
            Some(answer) => Err(answer),
            None => {
                let now = self.now();
                let dump = self.cloud.dump(now);
                Ok(match &mut self.earlier {
                    Some(earlier) if self.faults.now().contains(&Trouble::Stale) => earlier.dump(now),
                    Some(earlier) if self.faults.now().contains(&Trouble::Torn) => {
                        let Dump { instances, network_interfaces, .. } = earlier.dump(now);
                        Dump { instances, network_interfaces, ..dump }
                    }
                    Some(_) | None => dump,
                })
            }
        }
    }

    /// A number that is another one whenever EC2 may tell something else than before; nothing while a fault is met.
    pub fn cloud_generation(&mut self) -> Option<u64> {
        let now = self.now();
        self.faults.now().is_empty().then(|| self.cloud.generation(now))
    }

    /// The same of the firewall; nothing also while answers depend on the time.
    pub fn firewall_generation(&mut self) -> Option<u64> {
        let now = self.now();
        let is_undisturbed = self.faults.now().is_empty() && !self.faults.awaits_request();
        if is_undisturbed { self.firewall.generation(now) } else { None }
    }

    /// Whether the request under way is never answered by the firewall.
    pub fn is_slow(&self) -> bool {
        self.faults.now().contains(&Trouble::Slow)
    }

    fn undisturbed(&mut self, request: &Request) -> Answer {
        let now = self.now();
        if request.parameter("type") != Some("commit") {
            return self.firewall.request(request, now);
        }
        // Not before its turn: a job that is still under way must not fail in its place.
        let due = self.failing_jobs.iter().filter(|(before, _)| *before == 0);
        due.for_each(|(_, details)| self.firewall.fail_next_job(details));
        self.failing_jobs.retain(|(before, _)| *before > 0);
        let answer = self.firewall.request(request, now);
        if matches!(&answer.body, Body::Xml(response) if response.at(&["result", "job"]).is_some()) {
            self.failing_jobs.iter_mut().for_each(|(before, _)| *before -= 1);
        }
        answer
    }

    /// What is armed for the firewall. A fault of a command that writes meets the write, not what is read along with it.
    fn disturbance(&self, request: &Request) -> Option<Disturbance> {
        if !self.meets(request) {
            return None;
        }
        self.faults.now().iter().find_map(disturbance)
    }

    /// Whether a fault of the command under way meets this request.
    pub(super) fn meets(&self, request: &Request) -> bool {
        self.faults.command().is_some_and(|command| !command.writes() || writes(request))
    }

    /// What is armed for AWS while that command is under way.
    fn aws_trouble(&self, command: Command) -> Option<cloud::Answer> {
        if self.faults.command() != Some(command) {
            return None;
        }
        self.faults.now().iter().find_map(|trouble| {
            if let Trouble::Ec2(code) = trouble {
                Some(ec2_refusal(code))
            } else if let Trouble::S3(status) = trouble {
                Some(s3_refusal(*status))
            } else {
                None
            }
        })
    }
}

/// Whether EC2 answers this action with what was.
fn is_late(troubles: &[Trouble], action: Option<&str>) -> bool {
    troubles.contains(&Trouble::Stale)
        || troubles.contains(&Trouble::Torn)
            && matches!(action, Some("DescribeInstances" | "DescribeNetworkInterfaces"))
}

/// Whether a request changes the firewall.
fn writes(request: &Request) -> bool {
    match request.parameter("type") {
        Some("commit") => true,
        Some("config") => !matches!(request.parameter("action"), Some("get" | "show" | "complete") | None),
        Some("op") => request.parameter("cmd").is_some_and(|command| command.trim_start().starts_with("<revert>")),
        _ => false,
    }
}

fn disturbance(trouble: &Trouble) -> Option<Disturbance> {
    let text = |status, text: &str| Answer::new(status, Body::Text(text.to_owned()));
    match trouble {
        Trouble::Panos { code: 403, text: words } if words == "Invalid Credential" => {
            Some(Disturbance::Instead(Answer::invalid_credentials()))
        }
        Trouble::Panos { code, text: words } => {
            let line = Element::text("line", words);
            let response = Element::new("response")
                .with_attribute("status", "error")
                .with_attribute("code", code.to_string())
                .with(Element::new("msg").with(line));
            Some(Disturbance::Instead(Answer::xml(response)))
        }
        Trouble::NotSent | Trouble::Slow => Some(Disturbance::Instead(Answer::new(200, Body::Cut))),
        Trouble::LostAnswer => Some(Disturbance::Afterwards(|answer| Answer { body: Body::Cut, ..answer })),
        Trouble::Http(status) => Some(Disturbance::Instead(text(*status, "<html><body>unavailable</body></html>"))),
        Trouble::Html => Some(Disturbance::Instead(text(200, "<!DOCTYPE html><html><title>Sign in</title></html>"))),
        Trouble::Half => Some(Disturbance::Afterwards(|answer| {
            let mut half = answer.text();
            half.truncate(half.floor_char_boundary(half.len() / 2));
            Answer { body: Body::Text(half), ..answer }
        })),
        Trouble::ContentType => {
            Some(Disturbance::Afterwards(|answer| Answer { content_type: Some("text/html"), ..answer }))
        }
        Trouble::Ec2(_) | Trouble::S3(_) | Trouble::Stale | Trouble::Torn | Trouble::Kill(_) | Trouble::FailOver => {
            None
        }
        Trouble::Aws(_) => None,
    }
}

/// The same question without saying how far the list was read.
fn first_page(call: &aws::Call) -> aws::Call {
    let mut call = call.clone();
    if let aws::Call::Ec2(parameters) = &mut call {
        parameters.retain(|(name, _)| name != "NextToken");
    }
    call
}

/// An answer of AWS with something wrong in it.
fn spoiled(mut answer: cloud::Answer, trouble: &Trouble, is_ec2: bool) -> cloud::Answer {
    if *trouble == Trouble::ContentType {
        answer.headers.retain(|(name, _)| *name != "content-type");
        answer.headers.push(("content-type", "text/html".to_owned()));
    } else if *trouble == Trouble::Aws(AwsMishap::Empty) {
        answer.body.clear();
    } else if *trouble == Trouble::Aws(AwsMishap::SamePage) && is_ec2 {
        let text = answer.text();
        let (before, end) = text.split_at(text.rfind("</").unwrap_or(text.len()));
        answer.body = format!("{before}<nextToken>same</nextToken>{end}").into_bytes();
    }
    answer
}

/// EC2's refusal with that code. Statuses as in the EC2 API reference, "Error codes for the Amazon EC2 API".
fn ec2_refusal(code: &str) -> cloud::Answer {
    let status = match code {
        "AuthFailure" => 401,
        "UnauthorizedOperation" => 403,
        "RequestLimitExceeded" | "Unavailable" | "ServiceUnavailable" => 503,
        "InternalError" => 500,
        _ => 400,
    };
    let message = match code {
        "UnauthorizedOperation" => "You are not authorized to perform this operation.",
        "RequestLimitExceeded" => "Request limit exceeded.",
        _ => "The request was refused.",
    };
    let id = "00000000-0000-4000-8000-000000000000";
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message>\
         </Error></Errors><RequestID>{id}</RequestID></Response>"
    );
    let headers = vec![("content-type", "text/xml;charset=UTF-8".to_owned()), ("x-amzn-requestid", id.to_owned())];
    cloud::Answer { status, headers, body: body.into_bytes() }
}

/// S3's refusal with that status.
fn s3_refusal(status: u16) -> cloud::Answer {
    let (code, message) = match status {
        403 => ("AccessDenied", "Access Denied"),
        404 => ("NoSuchKey", "The specified key does not exist."),
        503 => ("SlowDown", "Please reduce your request rate."),
        _ => ("InternalError", "We encountered an internal error. Please try again."),
    };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <RequestId>0000000000000000</RequestId></Error>"
    );
    let headers =
        vec![("content-type", "application/xml".to_owned()), ("x-amz-request-id", "0000000000000000".to_owned())];
    cloud::Answer { status, headers, body: body.into_bytes() }
}
