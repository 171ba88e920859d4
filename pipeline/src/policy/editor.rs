//! What an editor offers after the name of a stage in `pipeline!`: `fetch.` and the policies that can be overridden.

/// The overrides of a stage, while they are being written. The macro emits it for editors only: no program calls these.
#[derive(Debug)]
pub struct Overrides;

#[allow(clippy::must_use_candidate, clippy::return_self_not_must_use)] // They are not called.
impl Overrides {
    /// Its name in reports, metrics and pictures.
    pub fn name(self, _: &str) -> Self {
        self
    }

    /// How often a failed call is attempted again.
    pub fn retries(self, _: u32) -> Self {
        self
    }

    /// How the wait grows from retry to retry: `"exponential"`, `"linear"` or `"fixed"`.
    pub fn backoff(self, _: &str) -> Self {
        self
    }

    /// The wait before the first retry, such as `"100ms"`.
    pub fn delay(self, _: &str) -> Self {
        self
    }

    /// The longest wait between two attempts, such as `"30s"`.
    pub fn max_delay(self, _: &str) -> Self {
        self
    }

    /// A random part of each wait, so that retries of many items spread out.
    pub fn jitter(self) -> Self {
        self
    }

    /// How long an attempt may take, such as `"5s"`.
    pub fn timeout(self, _: &str) -> Self {
        self
    }

    /// How long all attempts and the waits between them may take, such as `"30s"`.
    pub fn deadline(self, _: &str) -> Self {
        self
    }

    /// How many calls may run at a time.
    pub fn concurrency(self, _: u32) -> Self {
        self
    }

    /// How many calls may start in a period, such as `"100/s"`.
    pub fn rate(self, _: &str) -> Self {
        self
    }

    /// How many calls of a `rate` may start at once.
    pub fn burst(self, _: u32) -> Self {
        self
    }

    /// Calls start in the order of the items.
    pub fn in_order(self) -> Self {
        self
    }
}
