//! Sets of rule numbers, one bit each.

/// A set of the numbers below a length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits(Box<[Block]>);

/// Words that are taken together: a machine intersects blocks faster than single words.
type Block = [u64; 8];

const WORD: usize = u64::BITS as usize;
const BLOCK: usize = WORD * size_of::<Block>() / size_of::<u64>();

impl Bits {
    /// No number below this length.
    pub(super) fn none(length: usize) -> Self {
        Self(vec![Block::default(); length.div_ceil(BLOCK)].into())
    }

    /// These numbers, all of them below the length.
    pub(super) fn of(length: usize, numbers: impl IntoIterator<Item = usize>) -> Self {
        let mut bits = Self::none(length);
        numbers.into_iter().for_each(|number| bits.insert(number));
        bits
    }

    /// About how many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// Adds a number.
    pub(super) fn insert(&mut self, number: usize) {
        *self.word(number) |= 1 << (number % WORD);
    }

    /// Takes a number out.
    pub(super) fn remove(&mut self, number: usize) {
        *self.word(number) &= !(1 << (number % WORD));
    }

    /// Takes a number out that is there, or adds it.
    pub(super) fn toggle(&mut self, number: usize) {
        *self.word(number) ^= 1 << (number % WORD);
    }

    fn word(&mut self, number: usize) -> &mut u64 {
        &mut self.0[number / BLOCK][number % BLOCK / WORD]
    }

    /// Adds all numbers of another set.
    pub(super) fn add(&mut self, other: &Self) {
        let words = self.0.iter_mut().flatten().zip(other.0.iter().flatten());
        words.for_each(|(word, more)| *word |= more);
    }

    /// Keeps only numbers of another set.
    pub(super) fn keep(&mut self, other: &Self) {
        let words = self.0.iter_mut().flatten().zip(other.0.iter().flatten());
        words.for_each(|(word, kept)| *word &= kept);
    }
}

/// The numbers that are in all three, in order.
pub(super) fn common<'b>([a, b, c]: [&'b Bits; 3]) -> impl Iterator<Item = usize> + 'b {
    let mut blocks = a.0.iter().zip(&b.0).zip(&c.0);
    let (mut block, mut passed) = (Block::default(), 0);
    std::iter::from_fn(move || {
        // Most blocks have nothing in common.
        while is_bare(&block) {
            let ((a, b), c) = blocks.next()?;
            block = intersection(a, b, c);
            passed += BLOCK;
        }
        let place = block.iter().position(|word| *word != 0)?;
        let bit = block[place].trailing_zeros() as usize;
        block[place] &= block[place] - 1;
        Some(passed - BLOCK + place * WORD + bit)
    })
}

#[inline]
fn intersection(a: &Block, b: &Block, c: &Block) -> Block {
    let mut common = *a;
    for ((word, b), c) in common.iter_mut().zip(b).zip(c) {
        *word &= b & c;
    }
    common
}

#[inline]
fn is_bare(block: &Block) -> bool {
    block.iter().fold(0, |any, word| any | word) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(bits: &Bits) -> Vec<usize> {
        common([bits; 3]).collect()
    }

    #[test]
    fn numbers_come_and_go() {
        let mut bits = Bits::of(1030, [0, 63, 64, 1029]);
        assert_eq!(numbers(&bits), [0, 63, 64, 1029]);
        bits.remove(63);
        bits.toggle(64);
        bits.toggle(512);
        bits.insert(1);
        assert_eq!(numbers(&bits), [0, 1, 512, 1029]);
        bits.add(&Bits::of(1030, [1, 2]));
        bits.keep(&Bits::of(1030, [0, 1, 2, 3, 1029]));
        assert_eq!(numbers(&bits), [0, 1, 2, 1029]);
    }

    #[test]
    fn common_numbers_are_in_all_three() {
        let [a, b, c] = [[1, 64, 70, 600], [1, 2, 70, 600], [1, 64, 70, 600]].map(|numbers| Bits::of(700, numbers));
        assert_eq!(common([&a, &b, &c]).collect::<Vec<_>>(), [1, 70, 600]);
    }
}
