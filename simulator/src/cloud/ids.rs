//! Ids of EC2 resources, and the mint that makes new ones.

use std::{fmt, str::FromStr};

use super::shape::Shape;

/// A text that is not an id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {kind} id: write `{prefix}-` and 8 or 17 lower-case hex digits")]
pub struct MalformedId {
    text: String,
    kind: &'static str,
    prefix: &'static str,
}

/// An id of one kind of resource.
pub trait ResourceId: Ord + FromStr<Err = MalformedId> + fmt::Display {
    /// What stands before the dash.
    const PREFIX: &'static str;
    /// The resource in words.
    const KIND: &'static str;
    /// What EC2's error codes about such ids begin with.
    const ERROR: &'static str;
}

macro_rules! ids {
    ($($name:ident = $prefix:literal, $kind:literal, $error:literal;)+) => {$(
        #[doc = concat!("The id of a ", $kind, ": `", $prefix, "-…`.")]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl ResourceId for $name {
            const PREFIX: &'static str = $prefix;
            const KIND: &'static str = $kind;
            const ERROR: &'static str = $error;
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                match text.strip_prefix(concat!($prefix, "-")) {
                    Some(digits) if is_id_digits(digits) => Ok(Self(text.to_owned())),
                    _ => Err(MalformedId { text: text.to_owned(), kind: $kind, prefix: $prefix }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&$name> for Shape {
            fn from(id: &$name) -> Self {
                Self::Text(id.0.clone())
            }
        }
    )+};
}

ids! {
    InstanceId = "i", "instance", "InvalidInstanceID";
    InterfaceId = "eni", "network interface", "InvalidNetworkInterfaceID";
    AttachmentId = "eni-attach", "attachment", "InvalidAttachmentID";
    SubnetId = "subnet", "subnet", "InvalidSubnetID";
    VpcId = "vpc", "VPC", "InvalidVpcID";
    CidrAssociationId = "vpc-cidr-assoc", "CIDR association", "InvalidVpcCidrBlockAssociationID";
    RouteTableId = "rtb", "route table", "InvalidRouteTableID";
    AssociationId = "rtbassoc", "route table association", "InvalidAssociationID";
    GroupId = "sg", "security group", "InvalidGroup";
    RuleId = "sgr", "security group rule", "InvalidSecurityGroupRuleId";
    PrefixListId = "pl", "prefix list", "InvalidPrefixListID";
    EndpointId = "vpce", "VPC endpoint", "InvalidVpcEndpointId";
    InternetGatewayId = "igw", "internet gateway", "InvalidInternetGatewayID";
    NatGatewayId = "nat", "NAT gateway", "InvalidNatGatewayID";
    TransitGatewayId = "tgw", "transit gateway", "InvalidTransitGatewayID";
    PeeringId = "pcx", "VPC peering connection", "InvalidVpcPeeringConnectionID";
    EgressGatewayId = "eigw", "egress-only internet gateway", "InvalidGatewayID";
    TransitAttachmentId = "tgw-attach", "transit gateway attachment", "InvalidTransitGatewayAttachmentID";
    SubnetCidrAssociationId = "subnet-cidr-assoc", "CIDR association", "InvalidSubnetCidrBlockAssociationID";
    AllocationId = "eipalloc", "allocation", "InvalidAllocationID";
    AddressAssociationId = "eipassoc", "association", "InvalidAssociationID";
    ReservationId = "r", "reservation", "InvalidReservationID";
}

/// Ids were eight digits long before 2018, and old resources keep them.
fn is_id_digits(text: &str) -> bool {
    matches!(text.len(), 8 | 17) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Makes ids that look random and are the same in every run.
#[derive(Clone, Debug)]
pub(super) struct Mint {
    salt: u64,
    made: u64,
}

impl Mint {
    /// Mints with different salts make different ids.
    pub(super) fn salted(salt: u64) -> Self {
        Self { salt, made: 0 }
    }

    /// A new id of one kind.
    pub(super) fn id<I: ResourceId>(&mut self) -> I {
        let digits = format!("0{:016x}", self.next());
        format!("{}-{digits}", I::PREFIX).parse().expect("17 hex digits make an id")
    }

    /// A new GUID: request ids and event ids.
    pub(super) fn guid(&mut self) -> String {
        guid(self.next(), self.next())
    }

    /// Sixteen letters and digits: the end of a log file's name.
    pub(super) fn suffix(&mut self) -> String {
        const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut rest = u128::from(self.next()) << 64 | u128::from(self.next());
        let mut text = String::new();
        for _ in 0..16 {
            text.push(char::from(LETTERS[usize::try_from(rest % 62).unwrap_or(0)]));
            rest /= 62;
        }
        text
    }

    fn next(&mut self) -> u64 {
        self.made += 1;
        scattered(self.salt << 48 | self.made)
    }
}

/// A GUID of version 4's form.
pub(super) fn guid(high: u64, low: u64) -> String {
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

/// A number whose bits depend on all bytes of the text: for what has to look random and follow from content.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const FNV_PRIME: u64 = 0x0100_0000_01b3;
    scattered(bytes.iter().fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)))
}

/// The output function of SplitMix64: neighbours become strangers.
fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_the_real_form_are_taken() {
        assert!("i-0123456789abcdef0".parse::<InstanceId>().is_ok());
        assert!("i-0123abcd".parse::<InstanceId>().is_ok());
        for text in ["i-1", "i-0123456789ABCDEF0", "eni-0123abcd", "0123abcd", "", "i-"] {
            assert!(text.parse::<InstanceId>().is_err(), "{text}");
        }
        let error = "i-1".parse::<InstanceId>().unwrap_err().to_string();
        assert_eq!(error, "`i-1` is no instance id: write `i-` and 8 or 17 lower-case hex digits");
    }

    #[test]
    fn two_mints_make_the_same_ids_and_one_mint_never_the_same_twice() {
        let (mut first, mut second) = (Mint::salted(1), Mint::salted(1));
        let a: InstanceId = first.id();
        assert_eq!(a, second.id());
        assert_ne!(a, first.id());
        assert_eq!(first.guid().len(), 36);
        assert_eq!(first.suffix().len(), 16);
    }
}
