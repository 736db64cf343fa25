//! Names that must not be swapped: each is its own type around shared text.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Shared immutable text: cloning it costs a counter, so that a million events can share one name.
pub type Text = Arc<str>;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Text);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The shared text behind the name.
            pub fn text(&self) -> &Text {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<Text> for $name {
            fn from(text: Text) -> Self {
                Self(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The unit measured; hierarchical names (`payments/shop`) are allowed.
    Application
);
name!(
    /// Where a deployment went (`production`, `eu-staging`).
    Environment
);
name!(
    /// The cluster a deployment ran in.
    Cluster
);
name!(
    /// A repository as `host/owner/name` in lower case (`github.com/acme/shop`).
    Repository
);
name!(
    /// The natural key of an event, stable across restarts and providers.
    EventId
);
name!(
    /// The name of a configured source (`^[a-z0-9][a-z0-9-]{0,39}$`).
    SourceName
);

impl Application {
    /// What stands before the last `/` of the name (`payments/shop` → `payments`); `None` without one.
    pub fn team(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(team, _)| team)
    }
}

impl EventId {
    /// The natural id of a commit.
    pub fn of_commit(repository: &Repository, hash: &CommitHash) -> Self {
        format!("commit:{repository}@{hash}").into()
    }

    /// The natural id of a pull request.
    pub fn of_pull_request(repository: &Repository, number: u64) -> Self {
        format!("pull_request:{repository}#{number}").into()
    }
}

/// A commit's object name: 20 bytes of SHA-1 or 32 bytes of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitHash {
    bytes: [u8; 32],
    length: u8,
}

/// A text that is no full commit hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a commit hash of 40 or 64 hexadecimal digits")]
pub struct InvalidHash;

impl CommitHash {
    /// Takes the 20 or 32 raw bytes of an object name.
    ///
    /// # Errors
    /// Any other length is `InvalidHash`.
    pub fn from_bytes(raw: &[u8]) -> Result<Self, InvalidHash> {
        if raw.len() != 20 && raw.len() != 32 {
            return Err(InvalidHash);
        }
        let mut bytes = [0; 32];
        bytes[..raw.len()].copy_from_slice(raw);
        Ok(Self {
            bytes,
            length: raw.len() as u8,
        })
    }

    /// The raw bytes, 20 or 32 of them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The hash as one number: the ledger's key of a commit, the same in every repository.
    ///
    /// All bytes count, for hashes made by hand often differ only at their end.
    pub fn key(&self) -> u64 {
        let mut words = self.bytes.chunks_exact(8).map(|word| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(word);
            u64::from_be_bytes(bytes)
        });
        let first = words.next().unwrap_or_default();
        let rest = words.fold(0_u64, |key, word| {
            (key ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        });
        first ^ rest ^ rest >> 32
    }
}

impl FromStr for CommitHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        let mut bytes = [0; 32];
        let length = text.len() / 2;
        if text.len() != 40 && text.len() != 64 {
            return Err(InvalidHash);
        }
        hex::decode_to_slice(text, &mut bytes[..length]).map_err(|_| InvalidHash)?;
        Ok(Self {
            bytes,
            length: length as u8,
        })
    }
}

impl fmt::Display for CommitHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 64];
        let digits = &mut digits[..2 * usize::from(self.length)];
        hex::encode_to_slice(self.as_bytes(), digits).map_err(|_| fmt::Error)?;
        formatter.write_str(std::str::from_utf8(digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for CommitHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for CommitHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CommitHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl serde::de::Visitor<'_> for Digits {
            type Value = CommitHash;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a commit hash of 40 or 64 hexadecimal digits")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<CommitHash, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Digits)
    }
}

/// The ledger's key of an event: eight bytes made of its natural key.
///
/// A commit's key is made of its hash alone, so that a commit is found without knowing its repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey(pub u64);

impl EventKey {
    /// The key of a commit.
    pub fn of_commit(hash: &CommitHash) -> Self {
        Self(hash.key())
    }

    /// The key of any other event.
    pub fn of_id(id: &EventId) -> Self {
        Self(xxhash_rust::xxh3::xxh3_64(id.as_str().as_bytes()))
    }
}

/// The digest part of an image reference (`quay.io/acme/shop@sha256:…` or `sha256:…`).
pub fn image_digest(reference: &str) -> Option<&str> {
    let digest = reference
        .rsplit_once('@')
        .map_or(reference, |(_, digest)| digest);
    (digest.starts_with("sha256:") || digest.starts_with("sha512:")).then_some(digest)
}

/// The name part of an image reference, without tag and digest (`quay.io/acme/shop`).
pub fn image_name(reference: &str) -> Option<&str> {
    let name = reference
        .split_once('@')
        .map_or(reference, |(name, _)| name);
    if name.starts_with("sha256:") || name.starts_with("sha512:") || name.is_empty() {
        return None;
    }
    // A colon after the last slash starts a tag; one before it belongs to the registry's port.
    let slash = name.rfind('/').map_or(0, |at| at + 1);
    Some(
        name[slash..]
            .find(':')
            .map_or(name, |colon| &name[..slash + colon]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_is_what_stands_before_the_last_slash() {
        assert_eq!(
            Application::from("payments/eu/shop").team(),
            Some("payments/eu")
        );
        assert_eq!(Application::from("shop").team(), None);
    }

    #[test]
    fn a_commit_hash_has_40_or_64_digits() {
        let text = "7a7d7658ad4439d66e4093321f2633f022e808f6";
        assert_eq!(text.parse::<CommitHash>().unwrap().to_string(), text);
        assert!("7a7d765".parse::<CommitHash>().is_err());
        assert!(
            "zz7d7658ad4439d66e4093321f2633f022e808f6"
                .parse::<CommitHash>()
                .is_err()
        );
    }

    #[test]
    fn an_image_reference_parts_into_name_and_digest() {
        assert_eq!(
            image_name("localhost:5000/shop:1.2@sha256:ab"),
            Some("localhost:5000/shop")
        );
        assert_eq!(
            image_digest("localhost:5000/shop:1.2@sha256:ab"),
            Some("sha256:ab")
        );
        assert_eq!(image_name("sha256:ab"), None);
        assert_eq!(image_digest("acme/shop:1.2"), None);
    }
}
