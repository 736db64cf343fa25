//! Keeps a panic within the query or request that it happened in.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use super::failure::Failure;

/// What the work yields, or the failure that a panic in it is.
///
/// # Errors
/// `Failure::panicked`; the hook has logged where it was.
pub(super) async fn guarded<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    // What the work held is dropped or behind locks that know poisoning, so nothing half-done is seen later.
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .map_err(|_| Failure::panicked())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure_of_ours_without_its_payload() {
        let failure = guarded(async { panic!("canary") }).await;
        let failure: Failure = failure.map(|(): ()| ()).unwrap_err();
        assert_eq!(failure.status, 500);
        assert!(!failure.text.contains("canary"));
    }
}
