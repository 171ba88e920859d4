//! Which stage a panic came out of.

use std::cell::Cell;
use std::thread;

use crate::Scope;
use crate::plan::Slot;

/// A stage, and an attempt of it.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub(crate) stage: &'static str,
    pub(crate) slot: Slot,
    pub(crate) attempt: u32,
    /// Whether the call had to wait before.
    pub(crate) waits: bool,
}

impl Place {
    /// That of a call which is attempted once, and never waits.
    #[inline]
    pub(crate) fn of(stage: &'static str, slot: Slot) -> Self {
        Self { stage, slot, attempt: 1, waits: false }
    }

    /// Where the panic came from that was just caught on this thread.
    pub(crate) fn of_panic() -> Self {
        FALL.take().unwrap_or_else(|| Self::of("?", Slot::NONE))
    }
}

/// What a piece of the user's code that is no stage goes by: the `match` of a route, the expressions of a graph.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    pub(crate) name: &'static str,
    pub(crate) slot: Slot,
}

/// Runs such a piece.
#[inline]
pub fn evaluated<S, T>(Named { name, slot }: Named, cx: &Scope<'_, S>, piece: impl FnOnce() -> T) -> T {
    Footing::guard(Place::of(name, cx.slot(slot)), piece)
}

thread_local! {
    /// The stage that the panic under way came out of.
    static FALL: Cell<Option<Place>> = const { Cell::new(None) };
}

/// Says which stage a panic came out of.
///
/// A panic is caught far out, where the stage is no longer known. Each part of a stage runs on a footing: in the normal
/// course it is forgotten, at no cost; when the stack unwinds it is dropped, and leaves the stage's name for whoever
/// catches the panic, on the same thread.
pub(crate) struct Footing {
    place: Place,
}

impl Footing {
    /// Runs a part of a stage.
    #[inline]
    pub(crate) fn guard<T>(place: Place, part: impl FnOnce() -> T) -> T {
        let footing = Self { place };
        let output = part();
        std::mem::forget(footing);
        output
    }
}

impl Drop for Footing {
    #[inline]
    fn drop(&mut self) {
        fell(self.place);
    }
}

/// Takes what a footing holds by value: a reference would keep it in memory during each call.
#[cold]
#[inline(never)]
fn fell(place: Place) {
    // A call that is merely dropped (cancelled) did not fall. Of nested stages the innermost unwinds first.
    if thread::panicking() {
        FALL.set(Some(FALL.take().unwrap_or(place)));
    }
}
