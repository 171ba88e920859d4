//! One run: its items and their context, its settings, cancellation and observers.

pub(crate) mod cancellation;
pub(crate) mod context;
pub(crate) mod events;
pub(crate) mod extensions;
pub(crate) mod item;
pub(crate) mod lock;
pub(crate) mod observer;
pub(crate) mod order;
pub(crate) mod outcome;
pub(crate) mod settings;
pub(crate) mod shared;
pub(crate) mod stage_call;
pub(crate) mod wait_note;
