//! Whether Drawbridge keeps its promises: after every deed, whatever it has committed is judged.

use drawbridge::settings::Settings;
use drawbridge_simulator::serve::SharedWorld;

/// What stood there before the deed.
pub(crate) struct Judge {}

impl Judge {
    /// Before anything happens.
    pub(crate) fn new(_world: &SharedWorld, _settings: &Settings) -> Self {
        Self {}
    }

    /// After a deed.
    pub(crate) fn judge(&mut self, _world: &SharedWorld) -> Result<(), String> {
        Ok(())
    }
}
