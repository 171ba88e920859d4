//! Takes items through stages: one, or many.
//!
//! A run of many is a line of parts, each of which pulls from the one before it ([`Upstream`]): source → lanes →
//! (boundary → lanes)* → verb. The verb's future drives the line ([`Drive`]): it polls what was woken, takes what is
//! there, and lets each part work ahead as far as its window allows. Everything is owned by that one future, so nothing
//! in it is locked; only a part that is spread over workers, and a stream, hand over to other tasks.

// Hidden methods of public traits mention these types: they have to be `pub`, though nobody can name them.
#![allow(unreachable_pub)]

mod batch;
mod bells;
mod books;
mod chunk;
mod drive;
mod each;
mod floor;
mod flow;
mod lanes;
mod one;
mod outputs;
mod segment;
pub mod source;
mod spread;
mod tag;
mod upstream;
mod verbs;
mod window;

pub use batch::settings as batch;
pub use books::Books;
pub(crate) use chunk::{Chunk, go, go_watched};
pub use each::boundary;
pub use flow::{Cut, Empty, Flow, Items, Parted, Staged, Whole};
pub(crate) use one::{Caught, block_on, panicked, result};
pub use outputs::Outputs;
pub use segment::Deck;
pub(crate) use segment::Segment;
pub use spread::Spread;
pub use upstream::Upstream;
pub(crate) use upstream::{Account, Part};
pub(crate) use verbs::{Running, collect, drain, one, settle, stream};
