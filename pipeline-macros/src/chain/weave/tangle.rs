//! Calls that fall into neither rows nor columns.

use proc_macro2::TokenStream;
use quote::quote;

use super::names::{argument, value_type, variable, wire, wire_place};
use super::{Meeting, Ready, Use, Weaver, nested};

impl Weaver<'_> {
    /// Calls that begin each when the last value that it waits for is there, whichever that is.
    pub(super) fn tangle(&mut self, calls: &[usize], later: &[usize], ready: &Ready) -> TokenStream {
        let private = self.crate_path.private();
        let groups: Vec<_> = calls.iter().map(|&call| vec![call]).collect();
        let (meet, ready) = self.meet(&groups, later, ready);
        let wires: Vec<_> = calls.iter().flat_map(|&call| self.wires(call, calls, later)).collect();
        let laid = wires.iter().map(|&(value, owned)| {
            let (wire, place) = (wire(value), wire_place(value));
            let kind = if owned { quote!(MoveCell) } else { quote!(SharedCell) };
            quote! {
                let #place = #private::#kind::default();
                let #wire = &#place;
            }
        });
        let laid: TokenStream = laid.collect();
        let blocks = calls.iter().map(|&call| {
            let (waits, ready) = self.waits(call, &wires, &ready);
            let run = self.call(call, later, &ready);
            let (wired, given): (Vec<_>, Vec<_>) = self.net.calls[call]
                .output
                .values()
                .into_iter()
                .partition(|value| wires.iter().any(|(wired, _)| wired == value));
            let puts = wired.into_iter().map(|value| {
                let (wire, variable) = (wire(value), variable(value));
                quote!(#wire.put(#variable.take());)
            });
            (quote!(#waits #run #(#puts)*), given.into_iter().filter(|value| later.contains(value)).collect())
        });
        let blocks = blocks.collect();
        let run = self.side_by_side(blocks);
        let taken = wires.iter().filter(|(value, _)| later.contains(value)).map(|&(value, _)| {
            let (variable, place) = (variable(value), wire_place(value));
            quote!(let mut #variable = #place.into_value();)
        });
        quote!(#meet #laid #run #(#taken)*)
    }

    /// The values of a call that others of the tangle wait for, and whether the one that does may have it for its own.
    fn wires(&self, call: usize, tangle: &[usize], later: &[usize]) -> Vec<(usize, bool)> {
        let uses: Vec<_> = tangle.iter().flat_map(|&call| self.net.calls[call].uses(call)).collect();
        let values = self.net.calls[call].output.values().into_iter();
        let counted = values.map(|value| (value, uses.iter().filter(|(it, _)| *it == value).count()));
        let wired = counted.filter(|(_, uses)| *uses > 0);
        wired.map(|(value, uses)| (value, uses == 1 && !later.contains(&value))).collect()
    }

    /// Statements that wait for what a call wants of the others, and the uses that are ready then.
    fn waits(&mut self, call: usize, wires: &[(usize, bool)], ready: &Ready) -> (TokenStream, Vec<Use>) {
        let private = self.crate_path.private();
        let mut ready = ready.to_vec();
        let mut waits = TokenStream::new();
        let all = self.net.calls[call].uses(call);
        for &(value, owned) in wires {
            let uses: Vec<_> = all.iter().filter(|(it, _)| *it == value).map(|(_, it)| *it).collect();
            let (wire, variable, ty) = (wire(value), variable(value), value_type(value));
            if uses.is_empty() {
                continue;
            }
            if owned {
                waits.extend(quote!(let mut #variable = #private::ValueCell::new(#wire.wait().await);));
                continue;
            }
            let list = nested(&uses.iter().map(|it| self.mode(*it)).collect::<Vec<_>>());
            let pattern = nested(&uses.iter().map(|it| argument(*it)).collect::<Vec<_>>());
            self.asks(&uses, "SharedInput", &ty);
            self.clauses.push(quote!(#ty: #private::Sync));
            waits.extend(quote!(let #pattern = #private::share::<#ty, #list>(#wire.wait().await);));
            ready.extend(&uses);
            self.meetings.push(Meeting { value, uses, again: true });
        }
        (waits, ready)
    }
}
