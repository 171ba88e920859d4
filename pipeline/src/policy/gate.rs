//! `Gate`: what an attempt must acquire before it starts. `Limited` composes the rate and the concurrency limit.

use std::future::Future;
use std::sync::Arc;
#[cfg(feature = "rate")]
use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::SemaphorePermit;

use super::concurrency::ConcurrencyLimit;
use super::pause::Pause;
#[cfg(feature = "rate")]
use super::rate::SlidingWindow;
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

    /// No call starts before `wait` is over: the server asked for it.
    fn pause(&self, wait: Duration) {
        let _ = wait;
    }

    /// Records the outcome of the attempt that holds the permit, for gates that depend on it, such as a circuit breaker.
    ///
    /// A timeout is a failure. An attempt that panics or is dropped is not recorded. There is no `self`: storing the gate
    /// until the attempt ends would slow down each call, so a gate that records has a reference to itself in its permit.
    #[inline]
    fn record(permit: &Self::Permit<'_>, policy: &Policy, succeeded: bool) {
        let _ = (permit, policy, succeeded);
    }
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
    pause: Pause,
    /// Created at the first call, which knows the policy.
    #[cfg(feature = "rate")]
    window: OnceLock<Option<SlidingWindow>>,
}

impl Limited {
    /// Whether a permit is available. The rate is not considered.
    #[must_use]
    pub fn can_start(&self, policy: &Policy) -> bool {
        self.0.concurrency.is_available(policy)
    }

    #[cfg(feature = "rate")]
    fn window(&self, policy: &Policy) -> Option<&SlidingWindow> {
        let window = || policy.rate.map(|rate| SlidingWindow::new(rate, policy.burst));
        self.0.window.get_or_init(window).as_ref()
    }
}

impl Gate for Limited {
    type Permit<'a> = Option<SemaphorePermit<'a>>;

    fn try_acquire<'a>(&'a self, policy: &'a Policy) -> Option<Self::Permit<'a>> {
        // Where calls are in order, even the first waits for its turn.
        if policy.in_order || (policy.pause_all && self.0.pause.until().is_some()) {
            return None;
        }
        let permit = self.0.concurrency.try_acquire(policy).ok()?;
        #[cfg(feature = "rate")]
        if let Some(window) = self.window(policy)
            && !window.try_start()
        {
            return None;
        }
        Some(permit)
    }

    /// The rate comes last: what counts is when the call starts.
    async fn acquire<'a>(&'a self, policy: &'a Policy) -> Self::Permit<'a> {
        let permit = self.0.concurrency.acquire(policy).await;
        loop {
            self.0.pause.over().await;
            #[cfg(feature = "rate")]
            if let Some(window) = self.window(policy) {
                window.start().await;
            }
            // A pause may have begun during the wait for the rate.
            if self.0.pause.until().is_none() {
                return permit;
            }
        }
    }

    fn pause(&self, wait: Duration) {
        self.0.pause.begin(wait);
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

    fn pause(&self, wait: Duration) {
        if let Some(gate) = self {
            gate.pause(wait);
        }
    }

    #[inline]
    fn record(permit: &Self::Permit<'_>, policy: &Policy, succeeded: bool) {
        if let Some(permit) = permit {
            L::record(permit, policy, succeeded);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::call::stage_context::StageContext;
    use crate::error::panic_origin::CallSite;
    use crate::error::stage_error::StageError;
    use crate::error::step_id::StepId;
    use crate::policy::retry::retrying;
    use crate::policy::single::single;
    use crate::policy::stage_use::StageUse;
    use crate::run::item::Item;
    use crate::run::settings::Settings;
    use crate::run::shared::Run;
    use crate::stage::attribute::Backoff;
    use crate::stage::function::{Function, Repeat, Retry, StageFn};

    /// A gate that keeps the outcomes of the attempts.
    #[derive(Default)]
    struct Recorder(Mutex<Vec<bool>>);

    impl Gate for Recorder {
        type Permit<'a> = &'a Self;

        fn try_acquire<'a>(&'a self, _: &'a Policy) -> Option<&'a Self> {
            Some(self)
        }

        async fn acquire<'a>(&'a self, _: &'a Policy) -> &'a Self {
            self
        }

        fn record(permit: &&Self, _: &Policy, succeeded: bool) {
            permit.0.lock().unwrap().push(succeeded);
        }
    }

    /// A stage that fails on its first `n` attempts.
    struct FailsFirst(Mutex<u32>);

    impl StageFn for FailsFirst {
        type Error = String;
        type __This = Self;

        const __POLICY: Policy = Policy::new("fails_first");

        fn __this(self) -> Self {
            self
        }
    }

    impl Function<(), ()> for FailsFirst {
        type Value = ();

        fn call_once(
            &self,
            (): (),
            _: StageContext<'_, ()>,
            _: CallSite,
        ) -> impl Future<Output = Result<(), String>> + Send {
            let mut left = self.0.lock().unwrap();
            let result = if *left == 0 { Ok(()) } else { Err("failed".to_owned()) };
            *left = left.saturating_sub(1);
            ready(result)
        }
    }

    impl Repeat<(), ()> for FailsFirst {
        type Borrowed = ();
        type Moved = ();

        fn split((): ()) -> ((), ()) {
            ((), ())
        }

        fn call_again(
            &self,
            (): &(),
            (): (),
            cx: StageContext<'_, ()>,
            site: CallSite,
        ) -> impl Future<Output = Result<(), String>> + Send {
            self.call_once((), cx, site)
        }
    }

    /// The outcomes that a gate records for one call, and its result.
    async fn outcomes(failures: u32, retries: u32) -> (Vec<bool>, Result<(), StageError>) {
        let policy = Policy {
            retries,
            backoff: Backoff::DEFAULT.with_delay(Duration::from_millis(1)),
            ..FailsFirst::__POLICY
        };
        let (stage, gate) = (FailsFirst(Mutex::new(failures)), Recorder::default());
        let (settings, state) = (Settings::<()>::default().run, Arc::new(()));
        let run = Run::single(&settings);
        let item = Item::new(&run, 0, false);
        let cx = StageContext::new(&state, &item);
        let stage_use = StageUse { stage: &stage, policy: &policy, step: &StepId::NONE, gate: &gate };
        let result = if retries == 0 {
            single(stage_use, (), cx.plain()).await
        } else {
            retrying(stage_use, Retry(|(): &()| ()), (), cx.plain()).await
        };
        (gate.0.into_inner().unwrap(), result)
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_records_the_outcome_of_each_attempt() {
        let (recorded, result) = outcomes(0, 0).await;
        assert_eq!((recorded, result.is_ok()), (vec![true], true));
        let (recorded, result) = outcomes(1, 0).await;
        assert_eq!((recorded, result.is_ok()), (vec![false], false));
        let (recorded, result) = outcomes(2, 3).await;
        assert_eq!((recorded, result.is_ok()), (vec![false, false, true], true));
        let (recorded, result) = outcomes(9, 2).await;
        assert_eq!((recorded, result.is_ok()), (vec![false, false, false], false));
    }
}
