//! One row a group, one column a number.

use comfy_table::{Cell, Table};

use super::{Looks, capitalised, dim, group_text, group_titles, right, shortfall};
use crate::cli::humanise;
use crate::dora::Numbers;

/// A row a group; `None` without a group.
pub(super) fn draw(numbers: &Numbers, looks: Looks) -> Option<Table> {
    if numbers.groups.is_empty() {
        return None;
    }
    let mut header = group_titles(numbers.keys.iter().cloned());
    header.extend(numbers.columns.iter().map(|column| title(&column.name)));
    header.extend(["n", ""].map(str::to_owned));
    let mut table = looks.table(header.iter().map(String::as_str));
    for (row, group) in numbers.groups.iter().enumerate() {
        let mut cells: Vec<Cell> = group
            .iter()
            .map(|value| Cell::new(group_text(value.as_ref())))
            .collect();
        cells.extend(numbers.columns.iter().map(|column| {
            let value = column.values.get(row).copied().flatten();
            right(humanise::value(value, Some(column.unit)))
        }));
        let measure = numbers.measures.get(row);
        let n = super::dash_or(measure.map(|measure| measure.n.to_string()));
        let note = measure.and_then(|measure| shortfall(measure.covered_ratio, "covered"));
        cells.extend([right(n), dim(note.unwrap_or_default())]);
        table.add_row(cells);
    }
    Some(table)
}

/// `lead_time_coding_mean` → `Lead time coding mean`.
fn title(name: &str) -> String {
    capitalised(name)
}
