//! `concurrency`: the semaphore that limits the concurrent calls of a stage.

use std::sync::OnceLock;

use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};

use crate::stage::attribute::Policy;

/// The semaphore of one use of a stage, created at the first call, which knows the policy.
#[derive(Debug, Default)]
pub(super) struct ConcurrencyLimit(OnceLock<Semaphore>);

impl ConcurrencyLimit {
    /// Acquires a permit if one is available. `None` if the policy has no limit.
    pub(super) fn try_acquire(
        &self,
        policy: &Policy,
    ) -> Result<Option<SemaphorePermit<'_>>, TryAcquireError> {
        self.semaphore(policy).map(Semaphore::try_acquire).transpose()
    }

    /// Whether a permit is available.
    pub(super) fn is_available(&self, policy: &Policy) -> bool {
        self.semaphore(policy).is_none_or(|semaphore| semaphore.available_permits() > 0)
    }

    /// Waits for a permit. `None` if the policy has no limit.
    pub(super) async fn acquire(&self, policy: &Policy) -> Option<SemaphorePermit<'_>> {
        // `acquire` only fails on a closed semaphore, and this one is never closed.
        self.semaphore(policy)?.acquire().await.ok()
    }

    fn semaphore(&self, policy: &Policy) -> Option<&Semaphore> {
        let n = policy.concurrency?;
        Some(self.0.get_or_init(|| Semaphore::new((n.get() as usize).min(Semaphore::MAX_PERMITS))))
    }
}
