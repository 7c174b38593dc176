//! Names of which a configuration does not tell what they stand for.
//!
//! A virtual system's own objects win over shared ones. Where those that Panorama has pushed stand between the two, no public
//! source tells for certain, nor whether it matters who wrote the rule: what a pushed object means in another way than one of
//! the firewall's own of its name can mean either. And a name can be both a region and something else.

use std::collections::HashSet;

use super::objects::{Alike, Object, Objects, Table};

/// Names by the columns in which they stand.
#[derive(Default)]
pub(super) struct Unclear<'s> {
    addresses: HashSet<&'s str>,
    services: HashSet<&'s str>,
    applications: HashSet<&'s str>,
}

impl<'s> Unclear<'s> {
    /// Looks through what Panorama has pushed, and for regions through everything.
    pub(super) fn of(own: [&'s Objects<'_>; 2], pushed: &'s Objects<'_>) -> Self {
        let mut addresses = clashes(own.map(|objects| &objects.addresses), &pushed.addresses);
        addresses.extend(own.into_iter().chain([pushed]).flat_map(|objects| &objects.regions).map(|name| &**name));
        Self {
            addresses,
            services: clashes(own.map(|objects| &objects.services), &pushed.services),
            applications: clashes(own.map(|objects| &objects.applications), &pushed.applications),
        }
    }

    /// Whether the name of an address, a group or a region is one. PAN-OS brings along the countries as regions, by their codes:
    /// what has such a name may be the country, whatever object it is as well.
    pub(super) fn has_address(&self, name: &str) -> bool {
        is_country(name) || self.addresses.contains(name)
    }

    /// Whether the name of a service or a group is one.
    pub(super) fn has_service(&self, name: &str) -> bool {
        self.services.contains(name)
    }

    /// Whether the name of an application, a group or a filter is one.
    pub(super) fn has_application(&self, name: &str) -> bool {
        self.applications.contains(name)
    }
}

/// The countries, by their codes (ISO 3166-1 alpha-2), and what else PAN-OS takes for one (`AN`, `AP` and `EU` are in
/// `cpainchaud/pan-configurator`, `predefined.xml`; other databases of addresses have the rest).
const COUNTRIES: &str = "A1 A2 AN AP EU O1 XK \
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT \
    BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH \
    ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT \
    HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS \
    LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI \
    NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG \
    SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG \
    UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

fn is_country(name: &str) -> bool {
    name.len() == 2 && COUNTRIES.split(' ').any(|code| code == name)
}

/// Names of pushed objects under which one of the firewall's own says something else.
fn clashes<'s, T: Alike>(
    own: [&'s Table<'_, Object<'_, T>>; 2],
    pushed: &'s Table<'_, Object<'_, T>>,
) -> HashSet<&'s str> {
    let differs = |name: &str, object: &Object<'_, T>| {
        own.iter().any(|table| table.get(name).is_some_and(|own| !own.is_like(object)))
    };
    pushed.iter().filter(|(name, object)| differs(name, object)).map(|(name, _)| &**name).collect()
}
