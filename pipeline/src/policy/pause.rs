//! `pause_all`: the wait that a server asked for holds back all calls of a stage.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::sleep::sleep;
use crate::run::lock::lock;

/// The time before which no call of the stage starts.
#[derive(Debug, Default)]
pub(super) struct Pause(Mutex<Option<Instant>>);

impl Pause {
    /// Begins a pause, or extends it.
    pub(super) fn begin(&self, wait: Duration) {
        let now = Instant::now();
        let until = now.checked_add(wait).unwrap_or_else(|| now + Duration::from_secs(u64::from(u32::MAX)));
        let mut end = lock(&self.0);
        *end = Some(end.map_or(until, |end| end.max(until)));
    }

    /// The end of the pause; `None` if it is over.
    pub(super) fn until(&self) -> Option<Instant> {
        let mut end = lock(&self.0);
        *end = end.filter(|end| *end > Instant::now());
        *end
    }

    /// Waits for the end of the pause.
    pub(super) async fn over(&self) {
        while let Some(until) = self.until() {
            sleep(until).await;
        }
    }
}
