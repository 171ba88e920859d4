//! A dataflow → a stage of its own: a struct that holds the callees, whose call is one async block.

mod body;
mod calls;
mod generator;
mod items;
mod names;
mod non_series_parallel;
mod schedule;

use proc_macro2::TokenStream;

use self::generator::Generator;
pub(super) use self::items::struct_name;
pub(super) use self::names::{call_field, expression_field};
use self::schedule::Schedule;
use crate::chain::dataflow::{Dataflow, SharedUse};
use crate::crate_path::CratePath;

/// The generated struct, and what its values have to support.
pub(super) struct Generated {
    /// The struct and its impls.
    pub(super) items: TokenStream,
    pub(super) shared_uses: Vec<SharedUse>,
}

pub(super) fn generate(dataflow: &Dataflow, crate_path: &CratePath) -> Generated {
    let mut generator = Generator { dataflow, crate_path, bounds: Vec::new(), shared_uses: Vec::new() };
    let body = if dataflow.calls.is_empty() {
        TokenStream::new()
    } else {
        generator.statements(&Schedule::new(&dataflow.dependencies()), &dataflow.output.values(), &[])
    };
    let items = generator.items(&body);
    Generated { items, shared_uses: generator.shared_uses }
}
