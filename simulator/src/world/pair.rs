//! Two units as one firewall: the active one has the candidate, the jobs and the locks; the other only what was committed.

use super::World;
use crate::{
    faults::Trouble,
    firewall::{Answer, Body, Ha, Request},
};

/// Which unit carries the traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pair {
    active: usize,
    dead: Option<usize>,
}

impl World {
    /// Whether the firewall is a pair of units.
    pub fn is_pair(&self) -> bool {
        self.pair.is_some()
    }

    /// Whether one of its units has died.
    pub fn lacks_a_unit(&self) -> bool {
        self.pair.is_some_and(|pair| pair.dead.is_some())
    }

    /// The unit that died comes back, and is passive: what is in force it takes from the other one.
    pub(super) fn bring_back(&mut self) -> Result<(), String> {
        match &mut self.pair {
            Some(Pair { dead: dead @ Some(_), .. }) => {
                *dead = None;
                Ok(())
            }
            Some(_) => Err("both units are there; let one fail first with `fault … fail over`".to_owned()),
            None => Err("the firewall stands alone; add `ha pair` to the firewall section".to_owned()),
        }
    }

    /// Answers a request to one unit of a pair, 0 or 1; of a firewall that stands alone only 0 is there.
    pub fn panos_unit(&mut self, unit: usize, request: &Request) -> Answer {
        let cut = Answer::new(200, Body::Cut);
        let Some(pair) = self.pair else { return if unit == 0 { self.answer(request) } else { cut } };
        if pair.dead.is_none() && self.meets(request) && self.faults.now().contains(&Trouble::FailOver) {
            self.pair = Some(Pair { active: 1 - pair.active, dead: Some(pair.active) });
            self.firewall.take_over();
        }
        match self.pair {
            Some(pair) if pair.dead == Some(unit) => cut,
            Some(pair) if pair.active != unit => {
                self.firewall.settings.ha = Ha::pair("passive");
                let answer = self.firewall.request(request, self.now());
                self.firewall.settings.ha = Ha::pair("active");
                answer
            }
            Some(_) | None => self.answer(request),
        }
    }
}
