//! One item on its way.

use std::sync::{Arc, OnceLock};

use crate::Extensions;
use crate::footing::Place;
use crate::run::Run;

/// One item of a run. Made for each, so it is small, and owns nothing until somebody asks for it.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    run: &'a Run<'a>,
    index: usize,
    extra: OnceLock<Arc<Extra>>,
}

/// What few items need.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    pub(crate) extensions: Extensions,
    fell: OnceLock<Place>,
}

impl<'a> Item<'a> {
    #[inline]
    pub(crate) fn new(run: &'a Run<'a>, index: usize) -> Self {
        Self { run, index, extra: OnceLock::new() }
    }

    pub(crate) fn run(&self) -> &'a Run<'a> {
        self.run
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    #[cold]
    pub(crate) fn extra(&self) -> &Arc<Extra> {
        self.extra.get_or_init(Arc::default)
    }

    /// The first stage to say so is the one that it was.
    pub(crate) fn fell_in(&self, place: Place) {
        self.extra().fell.get_or_init(|| place);
    }

    /// Where a panic came from.
    pub(crate) fn fall(&self) -> Option<Place> {
        self.extra.get()?.fell.get().copied()
    }
}
