//! Numbers for values that repeat, in the order in which they come.

use std::collections::HashMap;
use std::hash::Hash;

use super::NONE;

/// Values and their numbers.
pub(super) struct Dictionary<'a, T> {
    numbers: HashMap<&'a T, u32>,
    values: Vec<T>,
}

impl<'a, T: Clone + Eq + Hash> Dictionary<'a, T> {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self {
            numbers: HashMap::new(),
            values: Vec::new(),
        }
    }

    /// The number of a value; `NONE` of none.
    pub(super) fn number(&mut self, value: Option<&'a T>) -> u32 {
        let Some(value) = value else { return NONE };
        *self.numbers.entry(value).or_insert_with(|| {
            self.values.push(value.clone());
            self.values.len() as u32 - 1
        })
    }

    /// The values, by number.
    pub(super) fn finish(self) -> Vec<T> {
        self.values
    }
}
