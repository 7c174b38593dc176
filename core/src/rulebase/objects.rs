//! Service objects of ours.

use super::Rulebase;
use crate::{
    firewall::Configuration,
    id::{ServiceName, TagName},
    service::L4,
    translate::ServicePorts,
};

/// Whether a service object of this name carries our tag.
pub(crate) fn is_own_service(configuration: &Configuration, name: &ServiceName, owner: &TagName) -> bool {
    configuration.services.get(name).is_some_and(|object| object.tags.contains(owner))
}

/// The name under which a service object of ours holds these ports, or the name that a new one gets. A foreign object is
/// never used, whatever it holds, nor one that another administrator works on: only their commit would make it what it
/// seems. A taken name gets our owner as a suffix, and a number after that.
pub(crate) fn service_object(
    rulebase: &Rulebase<'_>,
    ports: ServicePorts,
    owner: &TagName,
) -> (ServiceName, ObjectStatus) {
    let [candidate, running] = [&rulebase.candidate, &rulebase.running].map(|policy| &policy.configuration.services);
    let wanted = match ports {
        ServicePorts::Tcp(ports) => L4::Tcp(ports),
        ServicePorts::Udp(ports) => L4::Udp(ports),
    };
    let suffix: String =
        owner.as_str().chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(30).collect();
    let names = std::iter::once(ports.to_string())
        .chain((1_u32..).map(|n| if n == 1 { format!("{ports}_{suffix}") } else { format!("{ports}_{suffix}_{n}") }));
    names
        .filter_map(|text| text.parse::<ServiceName>().ok())
        .find_map(|name| match candidate.get(&name) {
            None if running.contains_key(&name) => None,
            None => Some((name, ObjectStatus::Missing)),
            Some(object) => {
                let is_ours = object.tags.contains(owner) && object.touched_by.iter().all(|by| by == rulebase.admin);
                (is_ours && object.l4 == [wanted]).then_some((name, ObjectStatus::Present))
            }
        })
        .expect("there are more numbers than objects")
}

/// Whether an object is in the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectStatus {
    Present,
    Missing,
}
