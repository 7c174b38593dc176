//! How instances get from one state to the next.

use super::{CHANGES_MAX, Cloud, Instance, InstanceId, InstanceState, OnTermination, StateChange};
use crate::clock::Moment;

impl Cloud {
    /// Lets time pass: instances that are due reach their next state.
    pub fn tick(&mut self, now: Moment) {
        let due = |instance: &Instance| Some((instance.due.filter(|due| *due <= now)?, instance.state.next()?));
        let mut arrivals: Vec<_> = self
            .resources
            .instances
            .values()
            .filter_map(|instance| due(instance).map(|(at, next)| (at, instance.id.clone(), next)))
            .collect();
        arrivals.sort_by_key(|(at, ..)| *at);
        for (at, id, next) in arrivals {
            self.enter(&id, next, at);
        }
    }

    /// A number that is another one whenever EC2 may describe something else than before.
    pub fn generation(&mut self, now: Moment) -> u64 {
        self.tick(now);
        self.generation
    }

    /// When the next instance reaches its next state, if one is on its way.
    pub fn next_change(&self) -> Option<Moment> {
        self.resources.instances.values().filter_map(|instance| instance.due).min()
    }

    /// The states that instances have reached since this was last asked.
    pub fn take_state_changes(&mut self) -> Vec<StateChange> {
        self.changes.drain(..).collect()
    }

    /// Puts an instance into a state. From a passing one it moves on by itself when it is due.
    pub(super) fn enter(&mut self, id: &InstanceId, state: InstanceState, at: Moment) {
        let span = if state == InstanceState::Pending { self.settings.starting } else { self.settings.stopping };
        self.generation += 1;
        self.remember(at);
        let Some(instance) = self.resources.instances.get_mut(id) else { return };
        instance.state = state;
        instance.due = state.next().map(|_| at + span);
        if state == InstanceState::Pending {
            instance.launched = at;
        }
        if state == InstanceState::Terminated {
            self.release_interfaces(id);
        }
        self.announce(StateChange { instance: id.clone(), state, at });
    }

    /// A terminated instance's interfaces go with it, or stay behind attached to nothing.
    fn release_interfaces(&mut self, id: &InstanceId) {
        self.resources.interfaces.retain(|_, interface| {
            let attachment = interface.attachment.as_ref();
            interface.instance() != Some(id)
                || attachment.is_none_or(|attachment| attachment.on_termination == OnTermination::Keep)
        });
        for interface in self.resources.interfaces.values_mut().filter(|interface| interface.instance() == Some(id)) {
            interface.attachment = None;
        }
        // An elastic address stands for nothing any more if its interface is gone.
        let there = &self.resources.interfaces;
        for address in self.resources.addresses.values_mut() {
            if address.association.as_ref().is_some_and(|used| !there.contains_key(&used.interface)) {
                address.association = None;
            }
        }
    }

    fn announce(&mut self, change: StateChange) {
        self.post_state_change(&change);
        if self.changes.len() == CHANGES_MAX {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
    }
}
