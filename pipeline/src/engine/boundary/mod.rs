//! Where the number of items changes: one file per boundary.

pub(crate) mod batch;
pub(crate) mod each;
