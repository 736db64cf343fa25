//! Exact quantiles by selection: nothing is sorted as a whole.

use std::sync::Mutex;

use rayon::prelude::*;

use super::scatter::Spare;
use super::scope::on_two_threads;

/// Fewer values than this are copied and selected from; more are bracketed first.
const BRACKET_FROM: usize = 2_000;
/// Values from which two threads look for those in the bracket.
const BRACKET_ON_TWO_THREADS_FROM: usize = 200_000;

/// A value of a column: whole seconds or a count (`u32`), or milliseconds (`u64`).
pub(super) trait Value: Copy + Ord + Send + Sync + 'static {
    /// No value is less.
    const LEAST: Self;
    /// No value is greater.
    const GREATEST: Self;
    /// The value in the metric's unit.
    fn number(self) -> f64;
    /// The value as it is summed, in its own unit.
    fn wide(self) -> u128;
    /// A sum in the metric's unit.
    fn total(sum: u128) -> f64;
    /// Where room for values is kept from one answer to the next.
    fn spare() -> &'static Spare<Self>;
}

impl Value for u32 {
    const LEAST: Self = u32::MIN;
    const GREATEST: Self = u32::MAX;
    fn number(self) -> f64 {
        f64::from(self)
    }
    fn wide(self) -> u128 {
        u128::from(self)
    }
    fn total(sum: u128) -> f64 {
        sum as f64
    }
    fn spare() -> &'static Spare<Self> {
        static SPARE: Spare<u32> = Mutex::new(Vec::new());
        &SPARE
    }
}

impl Value for u64 {
    const LEAST: Self = u64::MIN;
    const GREATEST: Self = u64::MAX;
    fn number(self) -> f64 {
        self as f64 / 1000.0
    }
    fn wide(self) -> u128 {
        u128::from(self)
    }
    fn total(sum: u128) -> f64 {
        sum as f64 / 1000.0
    }
    fn spare() -> &'static Spare<Self> {
        static SPARE: Spare<u64> = Mutex::new(Vec::new());
        &SPARE
    }
}

/// Where the quantile of `count` values lies: the lower rank and how far it is on the way to the next (type 7).
fn position(count: usize, quantile: f64) -> (usize, f64) {
    let at = (count - 1) as f64 * quantile;
    let rank = (at.floor() as usize).min(count - 1);
    (rank, at - rank as f64)
}

fn between(lower: f64, upper: f64, share: f64) -> f64 {
    if share == 0.0 {
        lower
    } else {
        lower + (upper - lower) * share
    }
}

/// The quantile of values that may be put in another order; `None` without values.
pub(super) fn quantile<V: Value>(values: &mut [V], quantile: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let (rank, share) = position(values.len(), quantile);
    let (_, lower, above) = values.select_nth_unstable(rank);
    let lower = *lower;
    let upper = if share == 0.0 {
        lower
    } else {
        above.iter().min().copied().unwrap_or(lower)
    };
    Some(between(lower.number(), upper.number(), share))
}

/// The quantile of values that lie in several slices; `scratch` is overwritten.
///
/// Many values are not copied: a sample brackets the rank, one pass counts what lies below the bracket and collects
/// what lies in it, and where the rank lies outside after all everything is copied.
pub(super) fn quantile_of_slices<V: Value>(
    slices: &[&[V]],
    quantile_rank: f64,
    scratch: &mut Vec<V>,
) -> Option<f64> {
    let count: usize = slices.iter().map(|slice| slice.len()).sum();
    if count >= BRACKET_FROM {
        let (rank, share) = position(count, quantile_rank);
        let found = if count >= BRACKET_ON_TWO_THREADS_FROM {
            bracketed(slices, count, rank)
        } else {
            narrowed(slices, count, rank, scratch)
        };
        if let Some((lower, upper)) = found {
            return Some(between(lower.number(), upper.number(), share));
        }
    }
    scratch.clear();
    scratch.reserve(count);
    for slice in slices {
        scratch.extend_from_slice(slice);
    }
    quantile(scratch, quantile_rank)
}

/// A lower and an upper bound that the value of the rank most likely lies between, both included.
fn bracket<V: Value>(
    slices: &[&[V]],
    count: usize,
    rank: usize,
    size: usize,
    deviations: f64,
) -> (V, V) {
    let mut sample = sample(slices, count, size);
    let guess = rank as f64 / count as f64 * sample.len() as f64;
    let margin = deviations / 2.0 * (sample.len() as f64).sqrt() + 1.0;
    let low = (guess - margin).max(0.0) as usize;
    let high = ((guess + margin) as usize).min(sample.len() - 1);
    sample.sort_unstable();
    // At the ends of the sample there may be values outside of it.
    let low = if low > 0 { sample[low] } else { V::LEAST };
    let high = if high + 1 < sample.len() {
        sample[high]
    } else {
        V::GREATEST
    };
    (low, high)
}

/// The values of ranks `rank` and `rank + 1` (the same one at the end) among `inside`, which stand after `below` lesser
/// ones; `None` where the sample misled.
fn among<V: Value>(inside: &mut [V], below: usize, rank: usize, count: usize) -> Option<(V, V)> {
    let at = rank.checked_sub(below).filter(|at| *at < inside.len())?;
    if at + 1 == inside.len() && rank + 1 < count {
        return None;
    }
    let (_, lower, above) = inside.select_nth_unstable(at);
    let lower = *lower;
    Some((lower, above.iter().min().copied().unwrap_or(lower)))
}

/// The values of ranks `rank` and `rank + 1` out of many; `None` where the sample misled.
fn bracketed<V: Value>(slices: &[&[V]], count: usize, rank: usize) -> Option<(V, V)> {
    // It misleads once in some ten thousand questions.
    let (low, high) = bracket(slices, count, rank, 8_192, 4.0);
    let parts: Vec<(usize, Vec<V>)> = on_two_threads(|| {
        slices
            .par_chunks(slices.len().div_ceil(8))
            .map(|slices| inside(slices, low, high))
            .collect()
    });
    let below: usize = parts.iter().map(|(below, _)| below).sum();
    let mut inside = Vec::with_capacity(parts.iter().map(|(_, inside)| inside.len()).sum());
    for (_, part) in &parts {
        inside.extend_from_slice(part);
    }
    among(&mut inside, below, rank, count)
}

/// The same out of some thousands: many lie inside the bracket of a sample that is small enough to pay, so that each
/// value is written where the next one inside goes, which takes no branch.
fn narrowed<V: Value>(
    slices: &[&[V]],
    count: usize,
    rank: usize,
    scratch: &mut Vec<V>,
) -> Option<(V, V)> {
    let size = if count < 2 * BRACKET_FROM { 64 } else { 128 };
    let (low, high) = bracket(slices, count, rank, size, 3.0);
    if scratch.len() < count {
        scratch.resize(count, V::LEAST);
    }
    let (mut below, mut kept) = (0, 0);
    for slice in slices {
        for value in *slice {
            let is_below = *value < low;
            below += usize::from(is_below);
            scratch[kept] = *value;
            kept += usize::from(!is_below & (*value <= high));
        }
    }
    among(&mut scratch[..kept], below, rank, count)
}

/// Values at even distances over all slices.
fn sample<V: Value>(slices: &[&[V]], count: usize, size: usize) -> Vec<V> {
    let step = (count / size).max(1);
    let mut sample = Vec::with_capacity(count / step + 1);
    let mut next = step / 2;
    for slice in slices {
        while next < slice.len() {
            sample.push(slice[next]);
            next += step;
        }
        next -= slice.len();
    }
    sample
}

/// How many values lie below the bracket, and those inside.
fn inside<V: Value>(slices: &[&[V]], low: V, high: V) -> (usize, Vec<V>) {
    let mut below = 0;
    let mut inside = Vec::new();
    for slice in slices {
        // Most short stretches have nothing inside: counting them has no branch, and they are not looked at again.
        for stretch in slice.chunks(16) {
            let (mut under, mut within) = (0_u32, 0_u32);
            for value in stretch {
                under += u32::from(*value < low);
                within += u32::from(*value <= high);
            }
            below += under as usize;
            if within > under {
                inside.extend(
                    stretch
                        .iter()
                        .filter(|value| low <= **value && **value <= high),
                );
            }
        }
    }
    (below, inside)
}

/// Sum and count of the values.
pub(super) fn sum<V: Value>(slices: &[&[V]]) -> (u128, u64) {
    let count = slices.iter().map(|slice| slice.len() as u64).sum();
    let sum = slices
        .iter()
        .flat_map(|slice| slice.chunks(1 << 20))
        .map(|chunk| chunk.iter().map(|value| value.wide()).sum::<u128>())
        .sum();
    (sum, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_median_of_none_one_and_two() {
        assert_eq!(quantile::<u32>(&mut [], 0.5), None);
        assert_eq!(quantile(&mut [7_u32], 0.5), Some(7.0));
        assert_eq!(quantile(&mut [1_u32, 4], 0.5), Some(2.5));
    }

    #[test]
    fn quantiles_are_linear_between_ranks() {
        // Type 7 of 1..=5: p90 lies at rank 3.6, between 4 and 5.
        let value = quantile(&mut [5_u32, 3, 1, 4, 2], 0.9).unwrap();
        assert!((value - 4.6).abs() < 1e-9, "{value}");
    }

    #[test]
    fn many_values_in_slices_have_the_same_quantiles_as_one_copy() {
        let values: Vec<u32> = (0..300_000_u32)
            .map(|at| at.wrapping_mul(2_654_435_761) % 90_000)
            .collect();
        let slices: Vec<&[u32]> = values.chunks(701).collect();
        for rank in [0.5, 0.75, 0.9, 0.95] {
            let mut copy = values.clone();
            assert_eq!(
                quantile_of_slices(&slices, rank, &mut Vec::new()),
                quantile(&mut copy, rank)
            );
        }
    }

    #[test]
    fn equal_values_are_no_obstacle() {
        let values = vec![60_u32; 250_000];
        assert_eq!(
            quantile_of_slices(&[&values], 0.5, &mut Vec::new()),
            Some(60.0)
        );
    }

    proptest! {
        #[test]
        fn selection_equals_sorting(mut values in proptest::collection::vec(0..1000_u32, 1..60), percent in 0..=100_u32) {
            let rank = f64::from(percent) / 100.0;
            let got = quantile(&mut values, rank).unwrap();
            values.sort_unstable();
            let at = (values.len() - 1) as f64 * rank;
            let low = values[at.floor() as usize] as f64;
            let high = values[at.ceil() as usize] as f64;
            prop_assert!((got - (low + (high - low) * (at - at.floor()))).abs() < 1e-9);
        }
    }
}
