//! Names of things, each a type of its own.

use std::{fmt, str::FromStr, sync::Arc};

/// A text that is not the id it was taken for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}")]
pub struct NotAnId {
    text: String,
    wanted: &'static str,
}

/// An id of AWS: a fixed prefix, then lower-case letters and digits (8 or 17 hexadecimal ones today). No hyphen can
/// follow the prefix, so that `<id>-<n>` splits in one way only.
fn is_aws_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        (1..=32).contains(&rest.len()) && rest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'z'))
    })
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $wanted:literal, $valid:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(NotAnId { text: text.to_owned(), wanted: $wanted })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )+};
}

names! {
    /// An EC2 instance, `i-…`.
    InstanceId: "an instance id (`i-…`)", |text| is_aws_id(text, "i-");
    /// A network interface, `eni-…`.
    InterfaceId: "a network interface id (`eni-…`)", |text| is_aws_id(text, "eni-");
    /// A security group, `sg-…`.
    GroupId: "a security group id (`sg-…`)", |text| is_aws_id(text, "sg-");
    /// A VPC, `vpc-…`.
    VpcId: "a VPC id (`vpc-…`)", |text| is_aws_id(text, "vpc-");
    /// A subnet, `subnet-…`.
    SubnetId: "a subnet id (`subnet-…`)", |text| is_aws_id(text, "subnet-");
    /// A route table, `rtb-…`.
    RouteTableId: "a route table id (`rtb-…`)", |text| is_aws_id(text, "rtb-");
    /// A prefix list, `pl-…`.
    PrefixListId: "a prefix list id (`pl-…`)", |text| is_aws_id(text, "pl-");
    /// A VPC endpoint, `vpce-…`; only Gateway Load Balancer endpoints can stand before a firewall.
    EndpointId: "a VPC endpoint id (`vpce-…`)", |text| is_aws_id(text, "vpce-");
    /// A transit gateway, `tgw-…`.
    TransitGatewayId: "a transit gateway id (`tgw-…`)", |text| is_aws_id(text, "tgw-");
    /// An AWS account: twelve digits.
    AccountId: "an account id (12 digits)", |text| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    /// An AWS region, such as `eu-west-1`.
    Region: "a region (such as `eu-west-1`)", |text| {
        text.contains('-') && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    /// A security rule's name as the firewall has it: at most 63 characters (31 before PAN-OS 8.1).
    RuleName: "a rule name (1 to 63 characters)", |text| (1..=63).contains(&text.chars().count()) && is_printable(text);
    /// An administrator of the firewall.
    AdminName: "an administrator's name", |text| !text.is_empty() && is_printable(text);
    /// A security zone: at most 31 characters.
    ZoneName: "a zone name (1 to 31 characters)", |text| (1..=31).contains(&text.chars().count()) && is_printable(text);
    /// A tag of PAN-OS: at most 127 characters.
    TagName: "a tag (1 to 127 characters)", |text| (1..=127).contains(&text.chars().count()) && is_printable(text);
    /// An application that PAN-OS can tell apart.
    AppName: "an application name", |text| !text.is_empty() && is_printable(text);
    /// A service object: at most 63 characters.
    ServiceName: "a service name (1 to 63 characters)", |text| (1..=63).contains(&text.chars().count()) && is_printable(text);
    /// A security profile group or a log forwarding profile.
    ProfileName: "a profile name (1 to 63 characters)", |text| (1..=63).contains(&text.chars().count()) && is_printable(text);
}

/// No control characters: they can be written in no XML document.
fn is_printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// A run, by a name that nobody else's work bears: it is in logs, in descriptions of rules and of commits, so that one search
/// finds all that belongs together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(u64);

impl RunId {
    const BITS: u64 = (1 << 48) - 1;

    /// The id of a run whose jitter is drawn from `seed`: the same seed gives the same id, neighbouring ones very different
    /// ones (the finalizer of SplitMix64).
    pub const fn of_seed(seed: u64) -> Self {
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((mixed ^ (mixed >> 31)) & Self::BITS)
    }
}

/// Twelve hexadecimal digits.
impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}", self.0)
    }
}

impl FromStr for RunId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let number = (text.len() == 12).then(|| u64::from_str_radix(text, 16).ok()).flatten();
        number
            .map(Self)
            .ok_or_else(|| NotAnId { text: text.to_owned(), wanted: "the id of a run (12 hexadecimal digits)" })
    }
}

/// A job of the firewall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {}", self.0)
    }
}

/// What a rule of ours is named after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The instance whose start, launch or attachment caused the rule.
    Instance(InstanceId),
    /// The security group whose permissions caused the rule.
    Group(GroupId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(id) => id.fmt(f),
            Self::Group(id) => id.fmt(f),
        }
    }
}

/// `<instance-id>-<n>` or `<group-id>-<n>`: the form of the names of our rules. Changes can hold no other name.
///
/// The form alone does not make a rule ours: it must carry our tag as well.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnedName {
    /// What the rule is named after.
    pub subject: Subject,
    /// From 1.
    pub number: u32,
}

impl OwnedName {
    /// The name, if the text has exactly the form in which we write it (no leading zeros, from 1).
    pub fn parse(text: &str) -> Option<Self> {
        let (id, digits) = text.rsplit_once('-')?;
        let number = digits.starts_with(|first| matches!(first, '1'..='9')).then(|| digits.parse().ok()).flatten()?;
        let subject = match id.split_once('-')? {
            ("i", _) => Subject::Instance(id.parse().ok()?),
            ("sg", _) => Subject::Group(id.parse().ok()?),
            _ => return None,
        };
        Some(Self { subject, number })
    }

    /// The same name as any rule's name.
    pub fn rule_name(&self) -> RuleName {
        RuleName(self.to_string().into())
    }
}

impl fmt::Display for OwnedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.subject, self.number)
    }
}

/// A name of the forms that the Lambda function of 2016 gave its rules: those of ours, or the bare id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FormerName {
    /// What the rule is named after.
    pub subject: Subject,
    /// None where the name is the id alone.
    pub number: Option<u32>,
}

impl FormerName {
    /// The name, if the text has one of these forms.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(OwnedName { subject, number }) = OwnedName::parse(text) {
            return Some(Self { subject, number: Some(number) });
        }
        let instance = text.parse().map(Subject::Instance).ok();
        let subject = instance.or_else(|| text.parse().map(Subject::Group).ok())?;
        Some(Self { subject, number: None })
    }

    /// The name of ours that it is already, if it has a number.
    pub fn owned(&self) -> Option<OwnedName> {
        Some(OwnedName { subject: self.subject.clone(), number: self.number? })
    }
}

impl fmt::Display for FormerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(f, "{}-{number}", self.subject),
            None => self.subject.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_name_is_the_bare_id_or_one_of_ours() {
        let parsed = |text: &str| FormerName::parse(text).map(|name| (name.to_string(), name.number));
        assert_eq!(parsed("i-0aaaaaaaaaaaaaaa1"), Some(("i-0aaaaaaaaaaaaaaa1".to_owned(), None)));
        assert_eq!(parsed("sg-0f00baa1"), Some(("sg-0f00baa1".to_owned(), None)));
        assert_eq!(parsed("i-12345678-2"), Some(("i-12345678-2".to_owned(), Some(2))));
        for text in ["", "i-", "i-1-0", "web", "eni-1", "i-1-1-1", "Clean up"] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_form_we_write_is_an_owned_name() {
        for text in ["i-0aaaaaaaaaaaaaaa1-1", "sg-0f00baa1-12", "i-12345678-4294967295"] {
            assert_eq!(OwnedName::parse(text).map(|name| name.to_string()).as_deref(), Some(text));
        }
        for text in [
            "i-0aaaaaaaaaaaaaaa1",
            "i-1-01",
            "i-1-0",
            "i-1-+1",
            "web-1",
            "i--1",
            "I-1-1",
            "sg-a-b-1",
            "i-1-1 ",
            "eni-1-1",
        ] {
            assert_eq!(OwnedName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ids_of_other_things_are_refused() {
        assert!("eni-0a".parse::<InstanceId>().is_err());
        assert_eq!(
            "sg-x y".parse::<GroupId>().unwrap_err().to_string(),
            "`sg-x y` is not a security group id (`sg-…`)"
        );
        assert!("a\nb".parse::<RuleName>().is_err());
        assert!("x".repeat(64).parse::<RuleName>().is_err());
    }
}
