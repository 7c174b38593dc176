//! Whether resources that services manage are shown to those who do not ask for them.

use crate::{
    clock::Moment,
    cloud::{Cloud, Visibility, answer::Refusal, parameters::Parameters, shape::Record},
};

pub(super) fn modify(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    cloud.settings.managed_resources = match parameters.required("DefaultVisibility")? {
        "visible" => Visibility::Visible,
        "hidden" => Visibility::Hidden,
        other => return Err(Refusal::value("DefaultVisibility", other)),
    };
    Ok(cloud.visibility())
}

impl Cloud {
    /// GetManagedResourceVisibility
    pub(in crate::cloud) fn visibility(&self) -> Record {
        let word = match self.settings.managed_resources {
            Visibility::Visible => "visible",
            Visibility::Hidden => "hidden",
        };
        Record::new().with("visibility", Record::new().with("defaultVisibility", word))
    }
}
