//! The one limit that the runtime's traits for tuples set.

/// The longest tuple that the runtime implements its traits for: branches, arms, arguments, captures, names in a pattern.
///
/// Chains and routes that are longer nest. Everything else that is longer is an error.
pub(crate) const MAX_ARITY: usize = 8;
