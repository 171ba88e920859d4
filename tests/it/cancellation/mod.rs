//! What happens to the items of a run that is cancelled: by tokens, or because its future is dropped.

mod dropped_runs;
mod observed;
mod tokens;
