//! Where a pipeline is more than a line: branches on one item.
//!
//! What runs side by side, `(a, b)` and the graph form, becomes a struct that `pipeline!` writes out, with the calls in its
//! own order of needs; the others are here. What they all have in common is in `lend` (who has a value that several want),
//! `takes` (steps that can be called with such values), `caller` (watched or not) and `branch`.
//!
//! A fork counts what arrives in its branches and what leaves it: reports are made from that.

mod branch;
mod caller;
mod first;
mod lend;
mod route;
mod takes;
mod wires;

pub use branch::{Branch, ByValue};
pub use caller::{Caller, Plainly, Watching};
pub use first::First;
pub use lend::{Company, Given, Have, Held, Lent, Mode, Moved, Share, Shared, Uses, Value};
pub use route::{EndsAs, OneOf1, OneOf2, OneOf3, OneOf4, OneOf5, OneOf6, OneOf7, OneOf8, Route};
pub use takes::{Args, Arity, Callable, List, Modes, Parameter, Takes, Under};
pub use wires::{Handover, Wire, both};
