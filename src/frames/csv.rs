//! Frames as comma-separated values.

use chrono::{DateTime, SecondsFormat};

use super::frame::{Field, FieldValues, Frame};

const WRITTEN: &str = "memory takes every write, and every row has the header's length";

/// Frames below each other; the header is written again only where it changes.
///
/// Shape: a column per label behind the first field, so that the series of an answer form one table. Null is empty.
pub fn csv(frames: &[Frame]) -> String {
    let mut text = String::new();
    let mut header = Vec::new();
    for frame in frames {
        let columns = frame.columns();
        let names: Vec<String> = columns.iter().map(Column::name).collect();
        let mut rows = csv::Writer::from_writer(Vec::new());
        if names != header {
            if !text.is_empty() {
                text.push('\n');
            }
            if !names.is_empty() {
                rows.write_record(&names).expect(WRITTEN);
            }
            header = names;
        }
        for row in 0..frame.rows() {
            rows.write_record(columns.iter().map(|column| column.cell(row)))
                .expect(WRITTEN);
        }
        let bytes = rows.into_inner().expect(WRITTEN);
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    text
}

impl Frame {
    /// The frame as comma-separated values, with a header.
    pub fn to_csv(&self) -> String {
        csv(std::slice::from_ref(self))
    }

    /// The columns of a table: labels stand behind the first field (the time).
    fn columns(&self) -> Vec<Column<'_>> {
        let mut columns: Vec<Column<'_>> = self.fields.iter().map(Column::Field).collect();
        let labels = self.fields.iter().filter_map(|field| field.labels.as_ref());
        let labels = labels
            .flatten()
            .map(|(name, value)| Column::Label(name, value));
        let at = columns.len().min(1);
        columns.splice(at..at, labels);
        columns
    }
}

enum Column<'a> {
    Field(&'a Field),
    Label(&'a str, &'a str),
}

impl Column<'_> {
    fn name(&self) -> String {
        match self {
            Self::Field(field) => field.name.to_string(),
            Self::Label(name, _) => (*name).to_owned(),
        }
    }

    fn cell(&self, row: usize) -> String {
        let values = match self {
            Self::Field(field) => &field.values,
            Self::Label(_, value) => return (*value).to_owned(),
        };
        if values.as_array().is_null(row) {
            return String::new();
        }
        match values {
            FieldValues::Text(values) => values.value(row).to_owned(),
            FieldValues::Number(values) => values.value(row).to_string(),
            FieldValues::Time(values) => DateTime::from_timestamp_nanos(values.value(row))
                .to_rfc3339_opts(SecondsFormat::Millis, true),
            FieldValues::Flag(values) => values.value(row).to_string(),
        }
    }
}
