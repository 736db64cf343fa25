//! A Bloom filter over the keys of the index table: most events of an import are new, and it says so without a read.

use super::tail::Space;

const BITS_PER_KEY: usize = 12;
const WORDS: usize = 8;
const PROBES: u32 = 6;

/// Says of a key that it is surely unknown, or may be known. One cache line is touched a question.
pub(super) struct Filter {
    blocks: Vec<[u64; WORDS]>,
    keys: usize,
    capacity: usize,
}

impl Filter {
    /// An empty filter for about that many keys.
    pub(super) fn for_keys(capacity: usize) -> Self {
        let capacity = capacity.max(1 << 16);
        let blocks = (capacity * BITS_PER_KEY / (WORDS * 64)).next_power_of_two();
        Self {
            blocks: vec![[0; WORDS]; blocks],
            keys: 0,
            capacity: blocks * WORDS * 64 / BITS_PER_KEY,
        }
    }

    /// Whether it holds more keys than it was made for, and so lets too many questions through.
    pub(super) fn is_full(&self) -> bool {
        self.keys > self.capacity
    }

    /// Adds a key.
    pub(super) fn insert(&mut self, space: Space, key: u64) {
        let (block, mut bits) = self.place(space, key);
        self.keys += 1;
        for _ in 0..PROBES {
            self.blocks[block][(bits >> 6) as usize % WORDS] |= 1 << (bits & 63);
            bits >>= 9;
        }
    }

    /// Whether the key may have been added.
    pub(super) fn may_hold(&self, space: Space, key: u64) -> bool {
        let (block, mut bits) = self.place(space, key);
        for _ in 0..PROBES {
            if self.blocks[block][(bits >> 6) as usize % WORDS] & (1 << (bits & 63)) == 0 {
                return false;
            }
            bits >>= 9;
        }
        true
    }

    fn place(&self, space: Space, key: u64) -> (usize, u64) {
        let first = mix(key ^ (u64::from(space.0) << 56));
        let block = first as usize & (self.blocks.len() - 1);
        (block, mix(first))
    }
}

/// Spreads a number over all bits (splitmix64).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_forgets_no_key_and_lets_few_strangers_through() {
        let mut filter = Filter::for_keys(100_000);
        (0..100_000).for_each(|key| filter.insert(Space(0), key));
        assert!((0..100_000).all(|key| filter.may_hold(Space(0), key)));
        let strangers = (0..100_000)
            .filter(|key| filter.may_hold(Space(1), *key))
            .count();
        assert!(strangers < 3_000, "{strangers} of 100000 let through");
        assert!(!filter.is_full());
    }
}
