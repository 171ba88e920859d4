//! The boundaries, which change the number of items. One file each.

pub(crate) mod batch;
pub(crate) mod each;
