//! Families of samples in Prometheus' text format, as `/metrics` has them.

use std::fmt::Write as _;

/// The text of `/metrics`, family by family.
#[derive(Debug, Default)]
pub struct Families {
    text: String,
    name: String,
}

impl Families {
    /// Begins a family; each begins once, and its samples follow it.
    pub fn begin(&mut self, name: &str, kind: &str, help: &str) {
        name.clone_into(&mut self.name);
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}")
            .expect("a text takes all");
    }

    /// Adds a sample of the family; labels without a value are left out, as Prometheus has them.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: &str) {
        self.sample_at(labels, value, None);
    }

    /// Adds a sample with a time of its own, in milliseconds.
    pub fn sample_at(&mut self, labels: &[(&str, &str)], value: &str, at: Option<i64>) {
        self.text.push_str(&self.name);
        let named: Vec<String> = labels
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        if !named.is_empty() {
            write!(self.text, "{{{}}}", named.join(",")).expect("a text takes all");
        }
        match at {
            Some(at) => writeln!(self.text, " {value} {at}"),
            None => writeln!(self.text, " {value}"),
        }
        .expect("a text takes all");
    }

    /// The text so far.
    pub fn into_text(self) -> String {
        self.text
    }
}

/// A label's value as the text format takes it.
pub fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
