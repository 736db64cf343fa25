//! A frame as a complete Arrow IPC file, as Grafana's decoder wants it.
//!
//! Source: `data/arrow.go` of grafana-plugin-sdk-go.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{ArrowError, Schema};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::frame::{Field, FieldValues, Frame};
use crate::model::Text;

const ENCODED: &str = "memory takes every write, and a frame's columns have one length";

/// Frames from which two threads encode: below it costs more than it saves.
const MANY: usize = 64;

/// Each frame as an Arrow IPC file, in order.
pub fn encode(frames: &[Frame]) -> Vec<Vec<u8>> {
    let one_by_one = |frames: &[Frame]| frames.iter().map(Frame::to_ipc).collect::<Vec<_>>();
    if frames.len() < MANY {
        return one_by_one(frames);
    }
    let (first, second) = frames.split_at(frames.len() / 2);
    let (mut encoded, rest) = rayon::join(|| one_by_one(first), || one_by_one(second));
    encoded.extend(rest);
    encoded
}

impl Frame {
    /// The frame as an Arrow IPC file with one batch, also without rows.
    pub fn to_ipc(&self) -> Vec<u8> {
        let batch = self.batch();
        let encode = || -> Result<Vec<u8>, ArrowError> {
            let mut writer = FileWriter::try_new(Vec::new(), &batch.schema())?;
            writer.write(&batch)?;
            writer.into_inner()
        };
        encode().expect(ENCODED)
    }

    /// The frame as an Arrow IPC stream, for tools that read from a pipe.
    pub fn to_ipc_stream(&self) -> Vec<u8> {
        let batch = self.batch();
        let encode = || -> Result<Vec<u8>, ArrowError> {
            let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
            writer.write(&batch)?;
            writer.into_inner()
        };
        encode().expect(ENCODED)
    }

    fn batch(&self) -> RecordBatch {
        let fields: Vec<_> = self.fields.iter().map(Field::schema).collect();
        let columns = self.fields.iter().map(Field::array).collect();
        let metadata = HashMap::from([
            ("name".to_owned(), self.name.to_string()),
            ("refId".to_owned(), self.ref_id.to_string()),
            ("meta".to_owned(), json(&self.meta)),
        ]);
        let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        // A frame without fields has no column that could tell the number of rows.
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows()));
        RecordBatch::try_new_with_options(schema, columns, &options).expect(ENCODED)
    }
}

impl Field {
    fn schema(&self) -> arrow_schema::Field {
        let mut metadata = HashMap::new();
        if let Some(labels) = &self.labels {
            metadata.insert("labels".to_owned(), json(&Labels(labels)));
        }
        if !self.config.is_empty() {
            metadata.insert("config".to_owned(), json(&self.config));
        }
        let data_type = self.values.as_array().data_type().clone();
        arrow_schema::Field::new(&*self.name, data_type, true).with_metadata(metadata)
    }

    fn array(&self) -> ArrayRef {
        match &self.values {
            FieldValues::Text(values) => Arc::new(values.clone()),
            FieldValues::Number(values) => Arc::new(values.clone()),
            FieldValues::Time(values) => Arc::new(values.clone()),
            FieldValues::Flag(values) => Arc::new(values.clone()),
        }
    }
}

/// Labels as a JSON object.
pub(super) struct Labels<'a>(pub(super) &'a [(String, Text)]);

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, &**value)?;
        }
        map.end()
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("metadata has text keys only, which JSON can say")
}
