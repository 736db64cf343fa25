//! The cells of many instants, looked up by their quarter of an hour instead of searched for.

const QUARTER: i64 = 15 * 60 * 1000;
/// Quarters beyond which the table would fall out of the processor's cache (3.7 years).
const LONGEST: usize = 1 << 17;

/// The cell of every quarter of an hour that the cells touch.
#[derive(Clone, Debug)]
pub(super) struct Quarters {
    /// Start of the first quarter, milliseconds.
    origin: i64,
    cells: Box<[u16]>,
}

impl Quarters {
    /// A table for these bounds (of each cell, and one past the last); `None` where it would be too long, or a cell
    /// begins within a quarter, as in zones of the days before railways.
    pub fn new(bounds: &[i64]) -> Option<Self> {
        let (start, end) = (*bounds.first()?, *bounds.last()?);
        let origin = start - start.rem_euclid(QUARTER);
        let length = usize::try_from(end.checked_sub(origin)? / QUARTER + 1).ok()?;
        if length > LONGEST {
            return None;
        }
        let mut cells = Vec::with_capacity(length);
        for (cell, bound) in bounds.iter().enumerate().skip(1) {
            let cell = u16::try_from(cell - 1).ok()?;
            // Cells after the end have no instants.
            if *bound >= end {
                cells.resize(length, cell);
                break;
            }
            if bound.rem_euclid(QUARTER) != 0 {
                return None;
            }
            cells.resize(((bound - origin) / QUARTER) as usize, cell);
        }
        Some(Self {
            origin,
            cells: cells.into(),
        })
    }

    /// The cell of an instant within the bounds.
    #[inline]
    pub fn cell_of(&self, time: i64) -> usize {
        usize::from(self.cells[((time - self.origin) as u64 / QUARTER as u64) as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bound_within_a_quarter_has_no_table() {
        assert!(Quarters::new(&[0, 2 * QUARTER, 3 * QUARTER]).is_some());
        assert!(Quarters::new(&[0, 2 * QUARTER + 1, 3 * QUARTER]).is_none());
        assert!(Quarters::new(&[0, QUARTER, QUARTER * (1 << 17)]).is_none());
    }

    proptest! {
        #[test]
        fn a_look_up_finds_what_a_search_finds(
            start in -3 * QUARTER..3 * QUARTER,
            lengths in proptest::collection::vec(1..9_i64, 1..20),
            cut in 1..QUARTER,
            future in 0..3_usize,
            times in proptest::collection::vec(0.0..1.0_f64, 20),
        ) {
            let mut bounds = vec![start];
            let mut edge = start - start.rem_euclid(QUARTER);
            for length in lengths {
                edge += length * QUARTER;
                bounds.push(edge);
            }
            let last = bounds.len() - 1;
            bounds[last] = (bounds[last] - cut).max(bounds[last - 1] + 1);
            let end = bounds[last];
            // Cells that have not begun are cut down to nothing.
            bounds.extend(std::iter::repeat_n(end, future));
            let quarters = Quarters::new(&bounds).unwrap();
            for share in times {
                let time = start + ((end - start - 1) as f64 * share) as i64;
                let searched = bounds.partition_point(|bound| *bound <= time) - 1;
                prop_assert_eq!(quarters.cell_of(time), searched);
            }
        }
    }
}
