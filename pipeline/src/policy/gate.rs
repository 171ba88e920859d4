//! Limits that all calls of a stage share: how many at once, how many in a period.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use tokio::sync::{Semaphore, SemaphorePermit};

#[cfg(feature = "rate")]
use super::rate::Bucket;
use crate::stage::attribute::Policy;

/// What a call has to pass before it may start.
pub trait Gate: Send + Sync {
    /// Held while the call is under way.
    type Permit<'a>: Send
    where
        Self: 'a;

    /// Takes the call's turn, if it has come.
    fn try_acquire<'a>(&'a self, policy: &'a Policy) -> Option<Self::Permit<'a>>;

    /// Waits for the call's turn.
    fn acquire<'a>(&'a self, policy: &'a Policy) -> impl Future<Output = Self::Permit<'a>> + Send;
}

/// No limit: most stages.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

impl Gate for Unlimited {
    type Permit<'a> = ();

    #[inline]
    fn try_acquire<'a>(&'a self, _: &'a Policy) -> Option<()> {
        Some(())
    }

    async fn acquire<'a>(&'a self, _: &'a Policy) -> Self::Permit<'a> {}
}

/// The limits of one use of a stage, shared by the clones of its pipeline.
#[derive(Debug, Clone, Default)]
pub struct Limited(Arc<Shared>);

/// Set up at the first call, which knows the policy.
#[derive(Debug, Default)]
struct Shared {
    semaphore: OnceLock<Semaphore>,
    #[cfg(feature = "rate")]
    bucket: OnceLock<Bucket>,
}

impl Gate for Limited {
    type Permit<'a> = Option<SemaphorePermit<'a>>;

    fn try_acquire<'a>(&'a self, policy: &'a Policy) -> Option<Self::Permit<'a>> {
        if policy.rate.is_some() {
            // A token that was taken cannot be given back, should there be no permit.
            return None;
        }
        match self.semaphore(policy) {
            Some(semaphore) => semaphore.try_acquire().ok().map(Some),
            None => Some(None),
        }
    }

    async fn acquire<'a>(&'a self, policy: &'a Policy) -> Self::Permit<'a> {
        #[cfg(feature = "rate")]
        if let Some(rate) = policy.rate {
            self.0.bucket.get_or_init(|| Bucket::new(rate)).take().await;
        }
        // Nobody closes it.
        self.semaphore(policy)?.acquire().await.ok()
    }
}

impl Limited {
    fn semaphore(&self, policy: &Policy) -> Option<&Semaphore> {
        let n = policy.concurrency?;
        Some(self.0.semaphore.get_or_init(|| Semaphore::new((n.get() as usize).min(Semaphore::MAX_PERMITS))))
    }
}

impl<L: Gate> Gate for Option<L> {
    type Permit<'a>
        = Option<L::Permit<'a>>
    where
        L: 'a;

    fn try_acquire<'a>(&'a self, policy: &'a Policy) -> Option<Self::Permit<'a>> {
        match self {
            Some(gate) => gate.try_acquire(policy).map(Some),
            None => Some(None),
        }
    }

    async fn acquire<'a>(&'a self, policy: &'a Policy) -> Self::Permit<'a> {
        match self {
            Some(gate) => Some(gate.acquire(policy).await),
            None => None,
        }
    }
}
