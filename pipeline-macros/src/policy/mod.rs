//! The options of a stage: in its attribute, and as overrides where it is used.

mod check;
mod expand;
mod model;
mod options;
mod parse;

pub(crate) use check::{Body, check_attribute, check_override};
pub(crate) use expand::{agreement, constant, duration, overrides};
pub(crate) use model::Policy;
pub(crate) use parse::{Given, parse_attribute, read_override};
