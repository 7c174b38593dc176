//! The region and its availability zones.

use super::{
    answer::Refusal,
    shape::{Record, Shape},
};

/// One of the availability zones of the region. Three is what most regions have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Zone {
    /// The one that new subnets get.
    #[default]
    A,
    /// The second.
    B,
    /// The third.
    C,
}

impl Zone {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::A, Self::B, Self::C];

    fn letter(self) -> char {
        match self {
            Self::A => 'a',
            Self::B => 'b',
            Self::C => 'c',
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::A => 1,
            Self::B => 2,
            Self::C => 3,
        }
    }

    /// `eu-west-1a`
    pub fn name(self, region: &str) -> String {
        format!("{region}{}", self.letter())
    }

    /// `euw1-az1`, the name that is the same for all accounts.
    pub fn id(self, region: &str) -> String {
        format!("{}-az{}", short(region), self.number())
    }

    /// The zone of that name or id.
    pub(super) fn called(text: &str, region: &str) -> Result<Self, Refusal> {
        let found = Self::ALL.into_iter().find(|zone| zone.name(region) == text || zone.id(region) == text);
        found.ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|zone| zone.name(region)).collect();
            let message = format!(
                "Value ({text}) for parameter availabilityZone is invalid. Subnets can currently only be created in the \
                 following availability zones: {}.",
                known.join(", ")
            );
            Refusal::new("InvalidParameterValue", message)
        })
    }

    /// What DescribeAvailabilityZones says of it.
    pub(super) fn shape(self, region: &str) -> Record {
        Record::new()
            .renamed("zoneState", "State", "available")
            .with("optInStatus", "opt-in-not-required")
            .renamed("messageSet", "Messages", Shape::List(vec![]))
            .with("regionName", region)
            .with("zoneName", self.name(region))
            .with("zoneId", self.id(region))
            .with("groupName", format!("{region}-zg-1"))
            .with("networkBorderGroup", region)
            .with("zoneType", "availability-zone")
    }
}

/// `eu-west-1` becomes `euw1`, `ap-southeast-2` becomes `apse2`.
fn short(region: &str) -> String {
    let initials = |part: &str| match part {
        "northeast" => "ne".to_owned(),
        "northwest" => "nw".to_owned(),
        "southeast" => "se".to_owned(),
        "southwest" => "sw".to_owned(),
        other => other.chars().take(1).collect(),
    };
    let mut parts = region.split('-');
    let first = parts.next().unwrap_or_default();
    parts.map(initials).fold(first.to_owned(), |name, part| name + &part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_goes_by_its_name_and_by_its_id() {
        for (zone, name, id) in [(Zone::A, "eu-west-1a", "euw1-az1"), (Zone::C, "eu-west-1c", "euw1-az3")] {
            assert_eq!((zone.name("eu-west-1").as_str(), zone.id("eu-west-1").as_str()), (name, id));
            assert_eq!(Zone::called(name, "eu-west-1"), Ok(zone));
            assert_eq!(Zone::called(id, "eu-west-1"), Ok(zone));
        }
        assert_eq!(Zone::A.id("ap-southeast-2"), "apse2-az1");
        let refusal = Zone::called("eu-west-1z", "eu-west-1").unwrap_err();
        assert_eq!(refusal.code, "InvalidParameterValue");
        assert!(refusal.message.contains("eu-west-1b"), "{}", refusal.message);
    }
}
