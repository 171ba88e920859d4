//! Limits that all calls of a stage share: how many at once, how many in a period.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::Spec;
#[cfg(feature = "rate")]
use super::rate::Bucket;

/// What a call has to pass before it may start.
pub trait Limit: Send + Sync {
    /// Held while the call is under way.
    type Permit<'a>: Send
    where
        Self: 'a;

    /// Takes the call's turn, if it has come.
    fn try_enter<'a>(&'a self, spec: &'a Spec) -> Option<Self::Permit<'a>>;

    /// Waits for the call's turn.
    fn enter<'a>(&'a self, spec: &'a Spec) -> impl Future<Output = Self::Permit<'a>> + Send;
}

/// No limit: most stages.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

impl Limit for Unlimited {
    type Permit<'a> = ();

    #[inline]
    fn try_enter<'a>(&'a self, _: &'a Spec) -> Option<()> {
        Some(())
    }

    async fn enter<'a>(&'a self, _: &'a Spec) -> Self::Permit<'a> {}
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

impl Limit for Limited {
    type Permit<'a> = Option<SemaphorePermit<'a>>;

    fn try_enter<'a>(&'a self, spec: &'a Spec) -> Option<Self::Permit<'a>> {
        if spec.rate.is_some() {
            // A token that was taken cannot be given back, should there be no permit.
            return None;
        }
        match self.semaphore(spec) {
            Some(semaphore) => semaphore.try_acquire().ok().map(Some),
            None => Some(None),
        }
    }

    async fn enter<'a>(&'a self, spec: &'a Spec) -> Self::Permit<'a> {
        #[cfg(feature = "rate")]
        if let Some(rate) = spec.rate {
            self.0.bucket.get_or_init(|| Bucket::new(rate)).take().await;
        }
        // Nobody closes it.
        self.semaphore(spec)?.acquire().await.ok()
    }
}

impl Limited {
    fn semaphore(&self, spec: &Spec) -> Option<&Semaphore> {
        let n = spec.concurrency?;
        Some(self.0.semaphore.get_or_init(|| Semaphore::new((n.get() as usize).min(Semaphore::MAX_PERMITS))))
    }
}

impl<L: Limit> Limit for Option<L> {
    type Permit<'a>
        = Option<L::Permit<'a>>
    where
        L: 'a;

    fn try_enter<'a>(&'a self, spec: &'a Spec) -> Option<Self::Permit<'a>> {
        match self {
            Some(limit) => limit.try_enter(spec).map(Some),
            None => Some(None),
        }
    }

    async fn enter<'a>(&'a self, spec: &'a Spec) -> Self::Permit<'a> {
        match self {
            Some(limit) => Some(limit.enter(spec).await),
            None => None,
        }
    }
}
