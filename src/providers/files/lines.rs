//! Lines of a file, one at a time and of bounded length.

use std::io::{self, BufRead, Read as _};

/// Longest line, or record, that is read: beyond, it is passed by without being held in memory.
pub(super) const LONGEST_BYTES: usize = 16 << 20;

/// What comes next in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A line or record, and whether its end was seen.
    Whole { is_ended: bool },
    /// One that is longer than `LONGEST_BYTES`, passed by.
    TooLong,
    /// The end of the file.
    End,
}

/// Lines under way.
pub(super) struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    /// Bytes of the file before the next line.
    pub(super) offset: u64,
    /// Lines of the file before the next one.
    pub(super) passed: u64,
}

impl<R: BufRead> Lines<R> {
    /// Lines of a reader that stands at this place of its file.
    pub(super) fn new(reader: R, offset: u64, passed: u64) -> Self {
        Self {
            reader,
            line: Vec::new(),
            offset,
            passed,
        }
    }

    /// The line read last, without its end.
    pub(super) fn line(&self) -> &[u8] {
        &self.line
    }

    /// Reads the next line; of a run of empty ones all that are at hand, as one.
    pub(super) fn read_next(&mut self) -> io::Result<Next> {
        self.line.clear();
        let limit = LONGEST_BYTES as u64 + 1;
        let read = (&mut self.reader)
            .take(limit)
            .read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(Next::End);
        }
        self.offset += read as u64;
        self.passed += 1;
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            if self.line.last() == Some(&b'\r') {
                self.line.pop();
            }
            if self.line.is_empty() {
                self.pass_empty_lines()?;
            }
            return Ok(Next::Whole { is_ended: true });
        }
        if read > LONGEST_BYTES {
            self.line = Vec::new();
            self.offset += self.reader.skip_until(b'\n')? as u64;
            return Ok(Next::TooLong);
        }
        Ok(Next::Whole { is_ended: false })
    }

    /// Passes the line ends that the reader has at hand: a small `.gz` may hold a thousand million of them.
    fn pass_empty_lines(&mut self) -> io::Result<()> {
        let at_hand = self.reader.fill_buf()?;
        let ends = at_hand.iter().take_while(|byte| **byte == b'\n').count();
        self.reader.consume(ends);
        self.offset += ends as u64;
        self.passed += ends as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_passed_by_and_the_next_one_read() {
        let mut text = vec![b'x'; LONGEST_BYTES + 10];
        text.extend_from_slice(b"\nshort\r\nlast");
        let mut lines = Lines::new(&text[..], 0, 0);
        assert_eq!(lines.read_next().unwrap(), Next::TooLong);
        assert_eq!(lines.read_next().unwrap(), Next::Whole { is_ended: true });
        assert_eq!((lines.line(), lines.passed), (&b"short"[..], 2));
        assert_eq!(lines.read_next().unwrap(), Next::Whole { is_ended: false });
        assert_eq!(lines.line(), b"last");
        assert_eq!(lines.offset, text.len() as u64);
        assert_eq!(lines.read_next().unwrap(), Next::End);
    }

    #[test]
    fn a_run_of_empty_lines_is_passed_as_one() {
        let text = b"one\n\n\n\n\r\nsix\n\n\n";
        let mut lines = Lines::new(&text[..], 0, 0);
        let mut read = Vec::new();
        while lines.read_next().unwrap() != Next::End {
            let line = String::from_utf8(lines.line().to_vec()).unwrap();
            read.push((line, lines.passed, lines.offset));
        }
        let read: Vec<_> = read
            .iter()
            .map(|(line, passed, offset)| (line.as_str(), *passed, *offset))
            .collect();
        assert_eq!(
            read,
            [
                ("one", 1, 4),
                ("", 4, 7),
                ("", 5, 9),
                ("six", 6, 13),
                ("", 8, 15)
            ]
        );
    }
}
