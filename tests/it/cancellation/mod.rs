//! What happens to the items of a run that is cancelled by tokens, or whose future is dropped. What a policy does when
//! one of its calls is dropped is tested in `policies/`.

mod dropped_runs;
mod every_verb;
mod observed;
mod stopped;
mod tokens;
