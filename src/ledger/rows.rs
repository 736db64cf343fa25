//! The rows of the table `event`: what `encode` makes and `decode` reads.
//!
//! What the subject says is not stored again. Commits and deployments, of which there are millions, have columns of their
//! own; the rest of them and the other kinds are JSON with the fields of an events file. Texts that only people read
//! (`title`, `url`) stand apart, so that correlation does not read them.

use chrono::{DateTime, Utc};
use rusqlite::Row;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Depth;
use super::error::corrupt;
use crate::model::{CommitHash, Outcome, Text};

/// The columns that correlation needs, in the order of `RowView`.
pub(super) const COLUMNS: &str =
    "subject, time, began, ended, commit_hash, parents, natural_id, body, checksum";

/// All columns that make an event, in the order of `RowView`.
pub(super) const WHOLE: &str =
    "subject, time, began, ended, commit_hash, parents, natural_id, body, checksum, title, url";

/// What a row of `event` says of the event. Kind, key and source follow from it, so reading leaves them out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RowView<'a> {
    pub(super) subject: i64,
    pub(super) time: i64,
    pub(super) began: Option<i64>,
    pub(super) ended: Option<i64>,
    pub(super) commit: Option<&'a [u8]>,
    pub(super) parents: Option<&'a [u8]>,
    pub(super) natural_id: Option<&'a str>,
    pub(super) body: Option<&'a str>,
    pub(super) title: Option<&'a str>,
    pub(super) url: Option<&'a str>,
}

impl<'a> RowView<'a> {
    /// Reads the row at a cursor whose first columns are `COLUMNS` or `WHOLE`.
    pub(super) fn read(row: &'a Row<'_>, depth: Depth) -> rusqlite::Result<Self> {
        let text =
            |at| -> rusqlite::Result<Option<&'a str>> { Ok(row.get_ref(at)?.as_str_or_null()?) };
        let blob =
            |at| -> rusqlite::Result<Option<&'a [u8]>> { Ok(row.get_ref(at)?.as_blob_or_null()?) };
        let (title, url) = match depth {
            Depth::Columns => (None, None),
            Depth::Whole => (text(9)?, text(10)?),
        };
        let view = Self {
            subject: row.get(0)?,
            time: row.get(1)?,
            began: row.get(2)?,
            ended: row.get(3)?,
            commit: blob(4)?,
            parents: blob(5)?,
            natural_id: text(6)?,
            body: text(7)?,
            title,
            url,
        };
        let written: Option<i64> = row.get(8)?;
        let is_whole = match (written, depth) {
            (None, _) => true,
            (Some(written), Depth::Columns) => written >> TEXT_BITS == view.checksum() >> TEXT_BITS,
            (Some(written), Depth::Whole) => written == view.checksum(),
        };
        if is_whole {
            Ok(view)
        } else {
            Err(corrupt("an event is not what was written"))
        }
    }

    /// What tells a row from one in which a bit has flipped: 32 bits of the columns, then 16 of the texts that only
    /// people read.
    pub(super) fn checksum(&self) -> i64 {
        let mut numbers = [0; 34];
        numbers[..8].copy_from_slice(&self.subject.to_le_bytes());
        numbers[8..16].copy_from_slice(&self.time.to_le_bytes());
        numbers[16..24].copy_from_slice(&self.began.unwrap_or(0).to_le_bytes());
        numbers[24..32].copy_from_slice(&self.ended.unwrap_or(0).to_le_bytes());
        numbers[32] = u8::from(self.began.is_some());
        numbers[33] = u8::from(self.ended.is_some());
        let columns = [
            self.commit,
            self.parents,
            self.natural_id.map(str::as_bytes),
            self.body.map(str::as_bytes),
        ];
        let columns = summed(xxh3_64_with_seed(&numbers, 0), &columns) >> 32;
        let texts = [self.title, self.url].map(|text| text.map(str::as_bytes));
        let texts = summed(0, &texts) >> (64 - TEXT_BITS);
        // 48 bits are never negative.
        (columns << TEXT_BITS | texts) as i64
    }
}

/// Bits of a checksum that speak of the texts that only people read.
const TEXT_BITS: u32 = 16;

fn summed(start: u64, parts: &[Option<&[u8]>]) -> u64 {
    parts.iter().fold(start, |sum, part| match part {
        Some(bytes) => xxh3_64_with_seed(bytes, sum),
        None => sum.rotate_left(1),
    })
}

/// What of a commit has no column.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct CommitRest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) branch: Option<Text>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) default_branch: bool,
    #[serde(skip_serializing_if = "SmallVec::is_empty")]
    pub(super) reverts: SmallVec<[CommitHash; 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) picked_from: Option<CommitHash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pull_request: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) paths: Vec<Text>,
    /// Only where they are not as long as the commit's own hash.
    #[serde(skip_serializing_if = "SmallVec::is_empty")]
    pub(super) parents: SmallVec<[CommitHash; 1]>,
}

/// What of a deployment has neither a column nor a place in the subject.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct DeploymentRest {
    #[serde(skip_serializing_if = "is_succeeded")]
    pub(super) outcome: Outcome,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) images: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revision: Option<Text>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) rollback: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fixes: Option<Text>,
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_succeeded(outcome: &Outcome) -> bool {
    *outcome == Outcome::Succeeded
}

/// The instant of a stored number.
///
/// # Errors
/// A number beyond all dates is damage.
pub(super) fn instant(milliseconds: i64) -> rusqlite::Result<DateTime<Utc>> {
    DateTime::from_timestamp_millis(milliseconds)
        .ok_or_else(|| corrupt("an instant lies beyond all dates"))
}

/// How the natural id of a commit begins.
pub(super) const COMMIT_ID: &str = "commit:";

/// The digits of a hash.
pub(super) fn digits_of<'b>(hash: &CommitHash, buffer: &'b mut [u8; 64]) -> &'b str {
    let digits = &mut buffer[..2 * hash.as_bytes().len()];
    hex::encode_to_slice(hash.as_bytes(), digits).expect("two digits a byte fit");
    std::str::from_utf8(digits).expect("hexadecimal digits are ASCII")
}
