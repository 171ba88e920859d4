//! The body: calls in series, in parallel, or neither.

use proc_macro2::TokenStream;
use quote::quote;

use super::calls::Block;
use super::generator::Generator;
use super::names::value_variable;
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
                    let statements = self.statements(part, &later_values, prepared);
                    // At the end of the block all are dropped anyway.
                    let is_last = index + 1 == inputs.len();
                    let drops = (!is_last).then(|| self.drops(part, &later_values, prepared));
                    quote!(#statements #drops)
                });
                parts.collect()
            }
            Schedule::Parallel(parts) => {
                let groups: Vec<_> = parts.iter().map(Schedule::calls).collect();
                let (share_inputs, prepared) = self.share_inputs(&groups, later_values, prepared);
                let blocks = parts.iter().map(|part| {
                    if let Schedule::Call(call) = part
                        && let Some(block) = self.lone_call(*call, later_values, &prepared)
                    {
                        return block;
                    }
                    let statements = self.statements(part, later_values, &prepared);
                    Block::Statements { statements, outputs: self.outputs(&part.calls(), later_values) }
                });
                let blocks: Vec<_> = blocks.collect();
                let run = self.join(blocks);
                quote!(#share_inputs #run)
            }
            Schedule::NonSeriesParallel(calls) => self.non_series_parallel(calls, later_values, prepared),
        }
    }

    /// Statements that drop the values whose last use was in this part.
    ///
    /// One that was used by a single group of a parallel part has moved into it.
    fn drops(&self, part: &Schedule, later_values: &[usize], prepared: &[Use]) -> TokenStream {
        let is_here = |uses: &[(usize, Use)]| match part {
            Schedule::Call(_) => true,
            Schedule::Parallel(groups) => {
                let uses_value =
                    |group: &&Schedule| uses.iter().any(|(_, used)| group.calls().contains(&used.call));
                groups.iter().filter(uses_value).count() > 1
            }
            Schedule::Series(_) | Schedule::NonSeriesParallel(_) => false,
        };
        let mut uses = self.inputs(&part.calls());
        uses.retain(|(value, used)| !later_values.contains(value) && !prepared.contains(used));
        uses.sort_by_key(|(value, _)| *value);
        let last_uses = uses.chunk_by(|(one, _), (other, _)| one == other).filter(|uses| is_here(uses));
        let private = self.crate_path.private();
        let drops = last_uses.map(|uses| {
            let value = value_variable(uses[0].0);
            quote!(#private::drop(#value);)
        });
        drops.collect()
    }
}
