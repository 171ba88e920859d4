//! The options of a stage: in its attribute, and as overrides where it is used.

mod check;
mod expand;
mod model;
mod options;
mod parse;

pub(crate) use check::{check_attribute, check_override};
pub(crate) use expand::{
    Qualities, duration, output_assertion, overridden_policy, override_assertions, policy_constant,
};
pub(crate) use model::{Asyncness, Policy, Predicate};
#[cfg(test)]
pub(crate) use options::overridable;
pub(crate) use parse::{RawOption, parse_attribute, parse_override};
