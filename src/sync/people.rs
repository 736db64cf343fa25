//! Names of people, treated before anything is stored (definitions, section 6).

use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

use crate::config::People;
use crate::model::{Body, Event, Text};

const PSEUDONYM_PREFIX: &str = "person-";

/// Hides, replaces or keeps the names of people.
#[derive(Debug)]
pub struct Names {
    policy: People,
    key: SecretSlice<u8>,
}

impl Names {
    /// Treats names by that policy; `key` keys the pseudonyms.
    pub fn new(policy: People, key: SecretSlice<u8>) -> Self {
        Self { policy, key }
    }

    /// Treats every name in the event; treating it twice changes nothing.
    pub fn treat(&self, event: &mut Event) {
        let author = match &mut event.body {
            Body::Commit(commit) => &mut commit.author,
            Body::PullRequest(request) => &mut request.author,
            Body::Verdict(verdict) => &mut verdict.author,
            Body::Build(_) | Body::Deployment(_) | Body::Incident(_) | Body::Release(_) => return,
        };
        *author = author.take().and_then(|name| self.treated(&name));
    }

    /// What to call a person; `None` nothing.
    pub fn treated(&self, name: &Text) -> Option<Text> {
        match self.policy {
            People::Shown => Some(name.clone()),
            People::Hidden => None,
            People::Pseudonym if is_pseudonym(name) => Some(name.clone()),
            People::Pseudonym => Some(self.pseudonym(name)),
        }
    }

    /// The stable stand-in of a name: `person-` and eight hexadecimal digits.
    fn pseudonym(&self, name: &str) -> Text {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose_secret())
            .expect("HMAC takes keys of every length");
        mac.update(name.trim().as_bytes());
        let digest = mac.finalize().into_bytes();
        format!("{PSEUDONYM_PREFIX}{}", hex::encode(&digest[..4])).into()
    }
}

fn is_pseudonym(name: &str) -> bool {
    name.strip_prefix(PSEUDONYM_PREFIX).is_some_and(|digits| {
        digits.len() == 8
            && digits
                .bytes()
                .all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::fakes::commit;

    fn treated(policy: People, key: &[u8], name: &str) -> Option<Text> {
        let names = Names::new(policy, SecretSlice::from(key.to_vec()));
        let mut event = commit("a", "2026-01-01T00:00:00Z");
        let Body::Commit(body) = &mut event.body else {
            unreachable!()
        };
        body.author = Some(name.into());
        names.treat(&mut event);
        names.treat(&mut event);
        match event.body {
            Body::Commit(commit) => commit.author,
            _ => unreachable!(),
        }
    }

    #[test]
    fn hidden_names_are_dropped() {
        assert_eq!(treated(People::Hidden, b"key", "Ann"), None);
    }

    #[test]
    fn shown_names_stay() {
        assert_eq!(
            treated(People::Shown, b"key", "Ann").as_deref(),
            Some("Ann")
        );
    }

    #[test]
    fn a_pseudonym_is_stable_for_a_key_and_differs_between_keys() {
        // RFC 4231, test case 2: HMAC-SHA256 of this text by the key "Jefe" starts with 5bdcc146.
        let name = "what do ya want for nothing?";
        let pseudonym = treated(People::Pseudonym, b"Jefe", name);
        assert_eq!(pseudonym.as_deref(), Some("person-5bdcc146"));
        assert_ne!(treated(People::Pseudonym, b"other", name), pseudonym);
    }
}
