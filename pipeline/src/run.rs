//! What all items of a run share.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use crate::pipeline::Settings;

/// Tells the runs of a process apart: in logs, and in what stages keep in their own places.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run-{}", self.0)
    }
}

/// A run: one call of a verb of a pipeline.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// 0 until somebody asks: most runs of one item never need a number of their own.
    id: AtomicU64,
    settings: &'a Settings,
}

impl<'a> Run<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Self { id: AtomicU64::new(0), settings }
    }

    pub(crate) fn id(&self) -> RunId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let known = self.id.load(Ordering::Relaxed);
        if known != 0 {
            return RunId(known);
        }
        let fresh = NEXT.fetch_add(1, Ordering::Relaxed);
        match self.id.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => RunId(fresh),
            Err(first) => RunId(first),
        }
    }

    pub(crate) fn cancel(&self) -> Option<&CancellationToken> {
        self.settings.cancel.as_ref()
    }

    /// What the jitter of one wait is drawn from. Under a seed the same wait gets the same draw, whatever else runs.
    #[cold]
    pub(crate) fn rng(&self, index: usize, stage: &str, attempt: u32) -> fastrand::Rng {
        let Some(seed) = self.settings.seed else { return fastrand::Rng::new() };
        // FNV-1a (Fowler, Noll, Vo) over what names the wait: stable across platforms and releases of std.
        let words = [seed, index as u64, u64::from(attempt)];
        let bytes = words.iter().flat_map(|word| word.to_le_bytes()).chain(stage.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        fastrand::Rng::with_seed(hash)
    }
}
