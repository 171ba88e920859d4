//! Results between their end and their turn.

use std::collections::VecDeque;

/// Where results wait: in order for those before them, out of order for nobody.
pub(crate) struct Window<T> {
    ordered: bool,
    /// The number of the first place.
    first: u64,
    places: VecDeque<Place<T>>,
}

enum Place<T> {
    /// It is not there yet.
    Open,
    /// There will be nothing.
    Void,
    Full(T),
}

impl<T> Window<T> {
    pub(crate) fn new(ordered: bool) -> Self {
        Self { ordered, first: 0, places: VecDeque::new() }
    }

    /// Whether a result that is there now could go out at once.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// What waits, and so many calls under way. (In order, a call keeps its place.)
    #[inline]
    pub(crate) fn outstanding(&self, calls: usize) -> usize {
        if self.ordered { self.places.len() } else { self.places.len() + calls }
    }

    /// Keeps a place, the last.
    #[inline]
    pub(crate) fn reserve(&mut self) -> u64 {
        if !self.ordered {
            return 0;
        }
        self.places.push_back(Place::Open);
        self.first + self.places.len() as u64 - 1
    }

    /// Puts a result behind all others.
    #[inline]
    pub(crate) fn push(&mut self, result: T) {
        self.places.push_back(Place::Full(result));
    }

    /// Puts a result behind all others, if there is one.
    pub(crate) fn extend(&mut self, result: Option<T>) {
        self.places.extend(result.map(Place::Full));
    }

    /// Fills a place that was kept; `None` if there is nothing to fill it with.
    pub(crate) fn fill(&mut self, place: u64, result: Option<T>) {
        if !self.ordered {
            self.places.extend(result.map(Place::Full));
            return;
        }
        let index = usize::try_from(place.wrapping_sub(self.first)).unwrap_or(usize::MAX);
        if let Some(place) = self.places.get_mut(index) {
            *place = result.map_or(Place::Void, Place::Full);
        }
    }

    /// The next result, if its turn has come.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        while let Some(place) = self.places.front() {
            if matches!(place, Place::Open) {
                return None;
            }
            self.first += 1;
            if let Some(Place::Full(result)) = self.places.pop_front() {
                return Some(result);
            }
        }
        None
    }

    /// Takes all results, whether their turn has come or not.
    pub(crate) fn clear(&mut self) -> impl Iterator<Item = T> {
        self.first += self.places.len() as u64;
        self.places.drain(..).filter_map(|place| match place {
            Place::Full(result) => Some(result),
            Place::Open | Place::Void => None,
        })
    }
}
