//! What happens to instances without anybody calling EC2.

use serde_json::json;

use super::{Cloud, InstanceId, InstanceState};
use crate::clock::Moment;

impl Cloud {
    /// The operating system of a running instance shuts down. No call, no record: only the state change tells.
    pub fn shut_down_from_inside(&mut self, instance: &InstanceId, now: Moment) {
        self.tick(now);
        if self.is_on(instance) {
            self.enter(instance, InstanceState::Stopping, now);
            self.tick(now);
        }
    }

    /// EC2 takes a running spot instance back. CloudTrail writes a service event, which is not a call.
    pub fn reclaim_spot(&mut self, instance: &InstanceId, now: Moment) {
        self.tick(now);
        if self.is_on(instance) {
            self.enter(instance, InstanceState::ShuttingDown, now);
            self.tick(now);
            let details = json!({ "instanceIdSet": [instance.to_string()] });
            self.record_service_event("BidEvictedEvent", details, now);
        }
    }

    fn is_on(&self, instance: &InstanceId) -> bool {
        let state = self.resources.instances.get(instance).map(|instance| instance.state);
        matches!(state, Some(InstanceState::Pending | InstanceState::Running))
    }
}
