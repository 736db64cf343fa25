//! Reads what people name, which may be no end of it: a device, a log, another program.

use std::io::{self, Read};

/// The text of a source of at most that many MiB.
///
/// # Errors
/// The source's own, a text that is longer, or one that is no UTF-8.
pub(super) fn read(source: impl Read, most_mebibytes: usize) -> io::Result<String> {
    let most = most_mebibytes << 20;
    let mut bytes = Vec::new();
    source.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::other(format!(
            "it is larger than {most_mebibytes} MiB"
        )));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is no UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_refused_and_what_fits_is_read() {
        let refused = read(io::repeat(b'x'), 1).unwrap_err();
        assert_eq!(refused.to_string(), "it is larger than 1 MiB");
        assert_eq!(read(&b"timezone: UTC"[..], 1).unwrap(), "timezone: UTC");
        assert_eq!(
            read(&b"\xff"[..], 1).unwrap_err().to_string(),
            "it is no UTF-8"
        );
    }
}
