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

/// The same for values that are not there to stay.
#[derive(Debug)]
pub(super) struct Register<T> {
    numbers: HashMap<T, u32>,
    values: Vec<T>,
    last: u32,
}

impl<T> Default for Register<T> {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            values: Vec::new(),
            last: NONE,
        }
    }
}

impl<T: Clone + Eq + Hash> Register<T> {
    /// The number of a value.
    pub(super) fn number(&mut self, value: &T) -> u32 {
        // Values mostly come several times in a row.
        if self.values.get(self.last as usize) == Some(value) {
            return self.last;
        }
        self.last = match self.numbers.get(value) {
            Some(number) => *number,
            None => {
                let number = self.values.len() as u32;
                self.numbers.insert(value.clone(), number);
                self.values.push(value.clone());
                number
            }
        };
        self.last
    }

    /// The number of a value; `NONE` of none.
    pub(super) fn number_if_any(&mut self, value: Option<&T>) -> u32 {
        value.map_or(NONE, |value| self.number(value))
    }

    /// The values, by number.
    pub(super) fn values(&self) -> &[T] {
        &self.values
    }

    /// The value of a number; `None` of `NONE`.
    pub(super) fn value(&self, number: u32) -> Option<&T> {
        self.values.get(number as usize)
    }
}
