//! Calls whose dependencies are not series-parallel: they wait for each other through cells.

use proc_macro2::TokenStream;
use quote::quote;

use super::calls::Block;
use super::generator::{Generator, nested_tuple};
use super::names::{argument, cell, cell_ref, value_type, value_variable};
use crate::chain::dataflow::{SharedUse, Use};

impl Generator<'_> {
    /// Calls that each start when the last of their arguments is there.
    pub(super) fn non_series_parallel(
        &mut self,
        calls: &[usize],
        later_values: &[usize],
        prepared: &[Use],
    ) -> TokenStream {
        let private = self.crate_path.private();
        let groups: Vec<_> = calls.iter().map(|&call| vec![call]).collect();
        let (share_inputs, prepared) = self.share_inputs(&groups, later_values, prepared);
        let celled_values: Vec<_> =
            calls.iter().flat_map(|&call| self.celled_values(call, calls, later_values)).collect();
        let cells = celled_values.iter().map(|&(value, owned)| {
            let (cell_ref, cell) = (cell_ref(value), cell(value));
            let kind = if owned { quote!(MoveCell) } else { quote!(SharedCell) };
            quote! {
                let #cell = #private::#kind::default();
                let #cell_ref = &#cell;
            }
        });
        let cells: TokenStream = cells.collect();
        let blocks = calls.iter().map(|&call| {
            let (wait_statements, prepared) = self.wait_statements(call, &celled_values, &prepared);
            let run = self.call(call, later_values, &prepared);
            let (celled, outputs): (Vec<_>, Vec<_>) = self.dataflow.calls[call]
                .output
                .values()
                .into_iter()
                .partition(|value| celled_values.iter().any(|(celled, _)| celled == value));
            let puts = celled.into_iter().map(|value| {
                let (cell_ref, value_variable) = (cell_ref(value), value_variable(value));
                quote!(#cell_ref.put(#private::ValueCell::take(&mut #value_variable));)
            });
            Block::Statements {
                statements: quote!(#wait_statements #run #(#puts)*),
                outputs: outputs.into_iter().filter(|value| later_values.contains(value)).collect(),
            }
        });
        let blocks = blocks.collect();
        let run = self.join(blocks);
        let taken =
            celled_values.iter().filter(|(value, _)| later_values.contains(value)).map(|&(value, _)| {
                let (value_variable, cell) = (value_variable(value), cell(value));
                quote!(let mut #value_variable = #cell.into_value();)
            });
        quote!(#share_inputs #cells #run #(#taken)*)
    }

    /// The outputs of a call that other calls here wait for, and whether the one that waits may own it.
    fn celled_values(&self, call: usize, group: &[usize], later_values: &[usize]) -> Vec<(usize, bool)> {
        let uses: Vec<_> = group.iter().flat_map(|&call| self.dataflow.calls[call].uses(call)).collect();
        let values = self.dataflow.calls[call].output.values().into_iter();
        let counted = values.map(|value| (value, uses.iter().filter(|(used, _)| *used == value).count()));
        let celled = counted.filter(|(_, uses)| *uses > 0);
        celled.map(|(value, uses)| (value, uses == 1 && !later_values.contains(&value))).collect()
    }

    /// Statements that wait for the arguments of a call, and the uses that are prepared then.
    fn wait_statements(
        &mut self,
        call: usize,
        celled_values: &[(usize, bool)],
        prepared: &[Use],
    ) -> (TokenStream, Vec<Use>) {
        let private = self.crate_path.private();
        let mut prepared = prepared.to_vec();
        let mut wait_statements = TokenStream::new();
        let all = self.dataflow.calls[call].uses(call);
        for &(value, owned) in celled_values {
            let uses: Vec<_> = all.iter().filter(|(used, _)| *used == value).map(|(_, used)| *used).collect();
            let (cell_ref, value_variable, ty) = (cell_ref(value), value_variable(value), value_type(value));
            if uses.is_empty() {
                continue;
            }
            if owned {
                wait_statements.extend(
                    quote!(let mut #value_variable = #private::ValueCell::new(#cell_ref.wait().await);),
                );
                continue;
            }
            let list = nested_tuple(&uses.iter().map(|used| self.mode(*used)).collect::<Vec<_>>());
            let pattern = nested_tuple(&uses.iter().map(|used| argument(*used)).collect::<Vec<_>>());
            self.require(&uses, "SharedInput", &ty);
            self.bounds.push(quote!(#ty: #private::Sync));
            wait_statements
                .extend(quote!(let #pattern = #private::share::<#ty, #list>(#cell_ref.wait().await);));
            prepared.extend(&uses);
            self.shared_uses.push(SharedUse { value, uses, used_later: true });
        }
        (wait_statements, prepared)
    }
}
