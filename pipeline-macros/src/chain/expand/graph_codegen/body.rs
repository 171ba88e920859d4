//! The body: calls in series, in parallel, or neither.

use proc_macro2::TokenStream;
use quote::quote;

use super::generator::Generator;
use super::schedule::Schedule;
use crate::chain::dataflow::Use;

impl Generator<'_> {
    /// Statements that run these calls, and bind those of their outputs that are in `later_values`.
    pub(super) fn statements(
        &mut self,
        schedule: &Schedule,
        later_values: &[usize],
        prepared: &[Use],
    ) -> TokenStream {
        match schedule {
            Schedule::Call(call) => self.call(*call, later_values, prepared),
            Schedule::Series(parts) => {
                let inputs = |part: &Schedule| self.inputs(&part.calls());
                let inputs: Vec<_> = parts.iter().map(inputs).collect();
                let parts = parts.iter().enumerate().map(|(index, part)| {
                    let mut later_values = later_values.to_vec();
                    later_values.extend(inputs[index + 1..].iter().flatten().map(|(value, _)| value));
                    self.statements(part, &later_values, prepared)
                });
                parts.collect()
            }
            Schedule::Parallel(parts) => {
                let groups: Vec<_> = parts.iter().map(Schedule::calls).collect();
                let (share_inputs, prepared) = self.share_inputs(&groups, later_values, prepared);
                let blocks = parts.iter().map(|part| {
                    let statements = self.statements(part, later_values, &prepared);
                    (statements, self.outputs(&part.calls(), later_values))
                });
                let blocks: Vec<_> = blocks.collect();
                let run = self.join(blocks);
                quote!(#share_inputs #run)
            }
            Schedule::NonSeriesParallel(calls) => self.non_series_parallel(calls, later_values, prepared),
        }
    }
}
