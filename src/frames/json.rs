//! A frame in Grafana's own JSON form.
//!
//! Source: `data/frame_json.go` of grafana-plugin-sdk-go.

use arrow_array::Array;
use serde_json::{Value, json};

use super::frame::{Field, FieldValues, Frame};
use super::ipc::Labels;

/// Nanoseconds of a millisecond.
const NANOSECONDS: i64 = 1_000_000;

impl Frame {
    /// The frame as `{"schema":{…},"data":{"values":[…]}}`; times are milliseconds since 1970.
    pub fn to_json(&self) -> Value {
        json!({
            "schema": {
                "name": &*self.name,
                "refId": &*self.ref_id,
                "meta": self.meta,
                "fields": self.fields.iter().map(Field::json_schema).collect::<Vec<_>>(),
            },
            "data": {
                "values": self.fields.iter().map(Field::json_values).collect::<Vec<_>>(),
            },
        })
    }
}

impl Field {
    fn json_schema(&self) -> Value {
        let (kind, frame) = match &self.values {
            FieldValues::Text(_) => ("string", "string"),
            FieldValues::Number(_) => ("number", "float64"),
            FieldValues::Time(_) => ("time", "time.Time"),
            FieldValues::Flag(_) => ("boolean", "bool"),
        };
        let mut schema = json!({
            "name": &*self.name,
            "type": kind,
            "typeInfo": { "frame": frame, "nullable": true },
        });
        if let Some(labels) = &self.labels {
            schema["labels"] = json!(Labels(labels));
        }
        if !self.config.is_empty() {
            schema["config"] = json!(self.config);
        }
        schema
    }

    fn json_values(&self) -> Value {
        match &self.values {
            FieldValues::Text(values) => values.iter().map(Value::from).collect(),
            FieldValues::Number(values) => values.iter().map(Value::from).collect(),
            FieldValues::Time(values) => (0..values.len())
                .map(|row| {
                    let is_known = !values.is_null(row);
                    is_known.then(|| values.value(row).div_euclid(NANOSECONDS))
                })
                .map(Value::from)
                .collect(),
            FieldValues::Flag(values) => values.iter().map(Value::from).collect(),
        }
    }
}
