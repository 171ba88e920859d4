//! `Gate`: what an attempt must acquire before it starts. `Limited` composes the rate and the concurrency limit.

use std::future::Future;
use std::sync::Arc;
#[cfg(feature = "rate")]
use std::sync::OnceLock;

use tokio::sync::SemaphorePermit;

use super::concurrency::ConcurrencyLimit;
#[cfg(feature = "rate")]
use super::rate::TokenBucket;
use crate::stage::attribute::Policy;

/// What each attempt of a call must acquire before it starts.
pub trait Gate: Send + Sync {
    /// Held until the attempt ends.
    type Permit<'a>: Send
    where
        Self: 'a;

    /// Acquires a permit if one is available.
    fn try_acquire<'a>(&'a self, policy: &'a Policy) -> Option<Self::Permit<'a>>;

    /// Waits for a permit.
    fn acquire<'a>(&'a self, policy: &'a Policy) -> impl Future<Output = Self::Permit<'a>> + Send;
}

/// The gate of stages without a limit.
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

/// The rate and the concurrency limit of one use of a stage. Clones of the pipeline share them.
#[derive(Debug, Clone, Default)]
pub struct Limited(Arc<Limits>);

#[derive(Debug, Default)]
struct Limits {
    concurrency: ConcurrencyLimit,
    /// Created at the first call, which knows the policy.
    #[cfg(feature = "rate")]
    bucket: OnceLock<TokenBucket>,
}

impl Gate for Limited {
    type Permit<'a> = Option<SemaphorePermit<'a>>;

    fn try_acquire<'a>(&'a self, policy: &'a Policy) -> Option<Self::Permit<'a>> {
        if policy.rate.is_some() {
            // The token would be lost if there is no permit.
            return None;
        }
        self.0.concurrency.try_acquire(policy)
    }

    async fn acquire<'a>(&'a self, policy: &'a Policy) -> Self::Permit<'a> {
        #[cfg(feature = "rate")]
        if let Some(rate) = policy.rate {
            self.0.bucket.get_or_init(|| TokenBucket::new(rate)).take().await;
        }
        self.0.concurrency.acquire(policy).await
    }
}

/// `None` is no limit.
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
