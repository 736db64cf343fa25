//! What tells two settings of a data source apart.

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::caller::DataSource;

/// A digest of everything that makes an instance what it is.
///
/// The time of saving alone does not do: it has whole seconds, and provisioning leaves it unchanged. Since everybody
/// on the host can connect to the plugin, it is also the proof that a caller knows the data source's secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a data source's settings.
    pub(super) fn of(data_source: &DataSource) -> Self {
        let mut digest = Sha256::new();
        // Lengths before texts, so that no two settings run into the same bytes.
        let mut part = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        part(&data_source.json_data);
        part(data_source.url.as_bytes());
        part(&data_source.updated_ms.to_le_bytes());
        let mut secrets: Vec<_> = data_source.secrets.iter().collect();
        secrets.sort_by_key(|(key, _)| *key);
        for (key, secret) in secrets {
            part(key.as_bytes());
            part(secret.expose_secret().as_bytes());
        }
        Self(digest.finalize().into())
    }
}
