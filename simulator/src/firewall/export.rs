//! `type=export`: files that leave the firewall.

use super::{Answer, Call, Firewall, answer::Refusal};

impl Firewall {
    /// The running configuration as a file; certificates, packet captures and whatever else there is are not modelled.
    pub(super) fn export(&self, call: &Call<'_>) -> Answer {
        match call.required("category") {
            Ok("configuration") => {
                let declaration = "<?xml version=\"1.0\"?>\n";
                Answer::file("running-config.xml", format!("{declaration}{}\n", self.running))
            }
            Ok(unknown) => Err(Refusal::illegal_parameter("category", unknown)).into(),
            Err(refusal) => Err(refusal).into(),
        }
    }
}
