//! Which stage a panic came out of.

use crate::item::Item;

/// A stage, and an attempt of it.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub(crate) stage: &'static str,
    pub(crate) attempt: u32,
}

/// Says which stage a panic came out of.
///
/// A panic is caught once an item, around its whole chain, where the stage is no longer known. Each part of a stage runs
/// on a footing: in the normal course it is forgotten, at no cost; when the stack unwinds it is dropped, and leaves the
/// stage's name with the item.
pub(crate) struct Footing<'a, P: Copy + Into<Place> = Place> {
    item: &'a Item<'a>,
    place: P,
}

impl<'a, P: Copy + Into<Place>> Footing<'a, P> {
    /// Runs a part of a stage.
    #[inline]
    pub(crate) fn guard<T>(item: &'a Item<'a>, place: P, part: impl FnOnce() -> T) -> T {
        let footing = Self { item, place };
        let output = part();
        std::mem::forget(footing);
        output
    }
}

impl<P: Copy + Into<Place>> Drop for Footing<'_, P> {
    #[inline]
    fn drop(&mut self) {
        fell(self.item, self.place.into());
    }
}

/// Takes what a footing holds by value: a reference would keep it in memory during each call.
#[cold]
#[inline(never)]
fn fell(item: &Item<'_>, place: Place) {
    // A call that is merely dropped (cancelled) did not fall. Of nested stages the innermost unwinds first.
    if std::thread::panicking() {
        item.fell_in(place);
    }
}
