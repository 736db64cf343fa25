//! Records of a CSV file, one at a time and of bounded length.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::lines::{LONGEST_BYTES, Next};

/// More columns than any header of ours has; a record beyond is none.
const MOST_COLUMNS: usize = 1_024;

/// Records under way.
pub(super) struct Table<R> {
    reader: R,
    core: Reader,
    cells: Vec<u8>,
    ends: Vec<usize>,
    used: usize,
    columns: usize,
    /// Bytes of the file before the next record.
    pub(super) offset: u64,
    /// Lines of the file before the next record.
    pub(super) passed: u64,
    /// Line on which the record read last begins, from 1.
    pub(super) line: u64,
}

impl<R: BufRead> Table<R> {
    /// Records of a reader that stands at this place of its file.
    pub(super) fn new(reader: R, delimiter: u8, offset: u64, passed: u64) -> Self {
        Self {
            reader,
            core: ReaderBuilder::new().delimiter(delimiter).build(),
            cells: vec![0; 4 << 10],
            ends: vec![0; MOST_COLUMNS],
            used: 0,
            columns: 0,
            offset,
            passed,
            line: passed,
        }
    }

    /// The cells of the record read last; `None` where they are no UTF-8.
    pub(super) fn cells(&self) -> Option<Vec<&str>> {
        // What is no UTF-8 is told by the caller.
        let text = std::str::from_utf8(&self.cells[..self.used]).ok()?;
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let ends = self.ends.iter().take(self.columns);
        starts
            .zip(ends)
            .map(|(start, end)| text.get(start..*end))
            .collect()
    }

    /// Reads the next record; blank lines are none.
    pub(super) fn read_next(&mut self) -> io::Result<Next> {
        self.skip_blank_lines()?;
        self.line = self.passed + 1;
        (self.used, self.columns) = (0, 0);
        let mut is_too_long = false;
        let mut is_ended = false;
        loop {
            let input = self.reader.fill_buf()?;
            let is_last = input.is_empty();
            let (result, read, written, columns) = self.core.read_record(
                input,
                &mut self.cells[self.used..],
                &mut self.ends[self.columns..],
            );
            if read > 0 {
                is_ended = matches!(input[read - 1], b'\n' | b'\r');
                self.passed += input[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
            }
            self.offset += read as u64;
            self.reader.consume(read);
            self.used += written;
            self.columns += columns;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.cells.len() < LONGEST_BYTES => {
                    self.cells.resize(self.cells.len() * 2, 0);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    // The rest of the record is read over what it had.
                    is_too_long = true;
                    (self.used, self.columns) = (0, 0);
                }
                ReadRecordResult::Record if is_too_long => return Ok(Next::TooLong),
                ReadRecordResult::Record => {
                    return Ok(Next::Whole {
                        is_ended: is_ended && !is_last,
                    });
                }
                ReadRecordResult::End => return Ok(Next::End),
            }
        }
    }

    /// Passes the ends of lines before a record, so that it is told of by the line on which it begins.
    fn skip_blank_lines(&mut self) -> io::Result<()> {
        loop {
            let input = self.reader.fill_buf()?;
            let blank = input
                .iter()
                .take_while(|byte| matches!(byte, b'\n' | b'\r'))
                .count();
            if blank == 0 {
                return Ok(());
            }
            self.passed += input[..blank].iter().filter(|byte| **byte == b'\n').count() as u64;
            self.offset += blank as u64;
            self.reader.consume(blank);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<String> {
        let mut table = Table::new(text.as_bytes(), b',', 0, 0);
        let mut told = Vec::new();
        loop {
            match table.read_next().unwrap() {
                Next::Whole { is_ended } => {
                    let cells = table.cells().unwrap().join("|");
                    let end = if is_ended { "" } else { " open" };
                    told.push(format!("{} {cells}{end}", table.line));
                }
                Next::TooLong => told.push(format!("{} too long", table.line)),
                Next::End => return told,
            }
        }
    }

    #[test]
    fn records_know_the_line_on_which_they_begin() {
        assert_eq!(
            records("a,b\r\n\r\n1,\"two\nlines\"\r\n3,\"x\"\"y\"\n\n5,6"),
            ["1 a|b", "3 1|two\nlines", "5 3|x\"y", "7 5|6 open"]
        );
    }

    #[test]
    fn a_quote_that_is_never_closed_ends_with_the_file() {
        assert_eq!(
            records("a,b\n1,\"two\n3,4\n"),
            ["1 a|b", "2 1|two\n3,4\n open"]
        );
    }

    #[test]
    fn a_record_that_is_too_long_is_passed_by() {
        let text = format!("a,b\n1,{}\n2,3\n", "x".repeat(LONGEST_BYTES + 10));
        assert_eq!(records(&text), ["1 a|b", "2 too long", "3 2|3"]);
    }
}
