//! The forms of the original.

use chrono::DateTime;

use super::upstream::{formatted, python};

#[test]
fn names_of_applications_stand_between_slashes_as_the_original_has_them() {
    for (name, wanted) in [
        ("robotron", "/robotron/"),
        ("robotron,rufus", "/robotron/,/rufus/"),
        ("group/sub/robotron", "/group/sub/robotron/"),
        ("G1/T1/A1,F1/A1,C1/S1/A1", "/G1/T1/A1/,/F1/A1/,/C1/S1/A1/"),
        (
            "group/robotron/,/other/rufus",
            "/group/robotron/,/other/rufus/",
        ),
    ] {
        assert_eq!(formatted(name), wanted);
    }
}

#[test]
fn values_stand_as_pythons_client_writes_them() {
    for (milliseconds, wanted) in [
        (1_700_000_000_000, "1.7e+09"),
        (1_700_000_123_000, "1.700000123e+09"),
        (1_577_836_801_500, "1.5778368015e+09"),
        (1_234_567_000, "1.234567e+06"),
        (123_456_000, "123456.0"),
        (0, "0.0"),
    ] {
        let at = DateTime::from_timestamp_millis(milliseconds).unwrap();
        assert_eq!(python(at), wanted);
    }
}
