//! Points and rectangles, in pixels.

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A rectangle, given by its centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub(super) center: Point,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rect {
    pub(super) fn left(&self) -> f64 {
        self.center.x - self.width / 2.0
    }

    pub(super) fn right(&self) -> f64 {
        self.center.x + self.width / 2.0
    }

    pub(super) fn top(&self) -> f64 {
        self.center.y - self.height / 2.0
    }

    pub(super) fn bottom(&self) -> f64 {
        self.center.y + self.height / 2.0
    }

    pub(super) fn contains(&self, inner: &Self) -> bool {
        self.left() <= inner.left()
            && inner.right() <= self.right()
            && self.top() <= inner.top()
            && inner.bottom() <= self.bottom()
    }
}

/// Rounds to a tenth of a pixel: finer digits differ from machine to machine.
pub(super) fn px(length: f64) -> f64 {
    // Adding zero turns a negative zero into a positive one.
    (length * 10.0).round() / 10.0 + 0.0
}
