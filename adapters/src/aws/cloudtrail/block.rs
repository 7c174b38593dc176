//! 64 bytes of JSON at a time: where strings and brackets begin and end, one bit for each byte. Comparing all of them and
//! then walking through the few bits that are set is several times faster than a decision for each byte.

/// How many bytes are looked at together.
pub(super) const BYTES: usize = u64::BITS as usize;

/// What stands where in a block: bit 0 is the first byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Brackets outside of strings.
    opening: u64,
    closing: u64,
    /// Whether the next block begins inside of a string.
    pub(super) ends_inside: bool,
}

impl Block {
    /// Looks at a block that begins inside of a string or outside. None if there are escapes in it, whose meaning depends on
    /// what stands before each of them.
    pub(super) fn of(bytes: &[u8; BYTES], begins_inside: bool) -> Option<Self> {
        if bits(bytes, |byte| byte == b'\\') != 0 {
            return None;
        }
        let quotes = bits(bytes, |byte| byte == b'"');
        // The odd bit out: whether the number of quotes up to a byte is odd says whether it is inside.
        let odd = [1, 2, 4, 8, 16, 32].into_iter().fold(quotes, |odd, shift| odd ^ odd << shift);
        let inside = if begins_inside { !odd } else { odd };
        Some(Self {
            opening: bits(bytes, |byte| matches!(byte, b'{' | b'[')) & !inside,
            closing: bits(bytes, |byte| matches!(byte, b'}' | b']')) & !inside,
            ends_inside: inside >> (BYTES - 1) != 0,
        })
    }

    /// Follows the depth through the block, or up to the bracket that closes the outermost of so many levels: where that
    /// stands.
    pub(super) fn follow(self, depth: &mut usize, outermost: usize) -> Option<usize> {
        let mut brackets = self.opening | self.closing;
        while brackets != 0 {
            let at = brackets.trailing_zeros();
            if self.opening >> at & 1 == 1 {
                *depth += 1;
            } else if *depth == outermost {
                return Some(at as usize);
            } else {
                *depth -= 1;
            }
            brackets &= brackets - 1;
        }
        None
    }
}

/// One bit for each byte that is meant.
fn bits(bytes: &[u8; BYTES], is_meant: impl Fn(u8) -> bool) -> u64 {
    // The compiler turns this loop into comparisons of 16 bytes or more at a time.
    let mut meant = [0_u8; BYTES];
    for (flag, byte) in meant.iter_mut().zip(bytes) {
        *flag = u8::from(is_meant(*byte));
    }
    let (eights, _) = meant.as_chunks::<8>();
    // Eight flags of 0 or 1 make eight bits: the factor moves each of them into the highest byte, where none meets another.
    let gathered = eights.iter().map(|eight| u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56);
    gathered.rev().fold(0, |bits, byte| bits << 8 | byte)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// The brackets that count, below the text; `^` after it where it ends inside of a string.
    #[track_caller]
    fn check(text: &str, begins_inside: bool, expected: &Expect) {
        let mut bytes = [b' '; BYTES];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        let shown = Block::of(&bytes, begins_inside).map_or("escapes".to_owned(), |block| {
            let bit = |index: usize| match (block.opening >> index & 1, block.closing >> index & 1) {
                (1, 0) => '<',
                (0, 1) => '>',
                _ => '.',
            };
            let marks: String = (0..BYTES).map(bit).collect();
            format!("{}{}", marks.trim_end_matches('.'), if block.ends_inside { "^" } else { "" })
        });
        expected.assert_eq(&shown);
    }

    #[test]
    fn brackets_count_outside_of_strings() {
        check(r#"{"a":[1,{"}":"]"}]}"#, false, &expect!["<....<..<.......>>>"]);
        check(r#"}"],{"a":"{"#, true, &expect!["..>.<^"]);
        check(
            &"]".repeat(BYTES),
            false,
            &expect![[r#">>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>"#]],
        );
        check(&"]".repeat(BYTES), true, &expect!["^"]);
        check(r#"{"a":"\""}"#, false, &expect!["escapes"]);
    }

    #[test]
    fn the_depth_is_followed_to_the_end_of_the_outermost_level() {
        let mut bytes = [b'{'; BYTES];
        bytes[..7].copy_from_slice(b"[{}]]}{");
        let block = Block::of(&bytes, false).unwrap();
        let mut depth = 4;
        assert_eq!((block.follow(&mut depth, 3), depth), (Some(5), 3));
        let mut depth = 5;
        assert_eq!((block.follow(&mut depth, 3), depth), (None, 5 - 2 + 58));
    }
}
