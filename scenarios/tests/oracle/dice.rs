//! Decisions by the dice: read off a tape that shrinks, or made up from a seed.

/// Where decisions come from. At its end a tape says 0 for ever, which every generator takes for the simplest.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    tape: Vec<u16>,
    next: usize,
    seed: Option<u64>,
}

impl Dice {
    pub(crate) fn of(tape: &[u16]) -> Self {
        Self { tape: tape.to_vec(), next: 0, seed: None }
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        Self { tape: Vec::new(), next: 0, seed: Some(seed) }
    }

    fn roll(&mut self) -> usize {
        if let Some(seed) = &mut self.seed {
            // SplitMix64: good enough for dice, and the same everywhere.
            *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *seed;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            return usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap_or_default();
        }
        let rolled = self.tape.get(self.next).copied().unwrap_or_default();
        self.next += 1;
        rolled.into()
    }

    /// A number below `sides`.
    pub(crate) fn below(&mut self, sides: usize) -> usize {
        self.roll() % sides.max(1)
    }

    /// True once in so many times, and never at the end of a tape.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// One of these, the first at the end of a tape.
    pub(crate) fn pick<'t, T>(&mut self, these: &'t [T]) -> &'t T {
        &these[self.below(these.len())]
    }

    /// One of these words.
    pub(crate) fn word<'t>(&mut self, these: &[&'t str]) -> &'t str {
        these[self.below(these.len())]
    }

    /// Up to `most` of these, at least one, each once.
    pub(crate) fn some<T: Clone + PartialEq>(&mut self, these: &[T], most: usize) -> Vec<T> {
        let mut drawn = Vec::new();
        for _ in 0..=self.below(most) {
            let one = self.pick(these).clone();
            if !drawn.contains(&one) {
                drawn.push(one);
            }
        }
        drawn
    }

    /// Another order of these.
    pub(crate) fn shuffle<T>(&mut self, these: &mut [T]) {
        for last in (1..these.len()).rev() {
            these.swap(last, self.below(last + 1));
        }
    }
}
