//! Which stage a panic came out of.

use crate::Context;

/// The stage, and its attempt, that a panic came out of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fall {
    pub(crate) stage: &'static str,
    pub(crate) attempt: u32,
}

/// Says which stage a panic came out of.
///
/// A panic is caught once an item, around its whole chain, where the stage is no longer known. Each call of a stage
/// holds a footing: in the normal course it is forgotten, at no cost; when the stack unwinds it is dropped, and leaves
/// the stage's name with the item.
pub(crate) struct Footing<'a> {
    context: &'a Context,
    stage: &'static str,
    attempt: u32,
}

impl<'a> Footing<'a> {
    pub(crate) fn new(context: &'a Context, stage: &'static str, attempt: u32) -> Self {
        Self {
            context,
            stage,
            attempt,
        }
    }

    /// Another attempt of the same call.
    pub(crate) fn set_attempt(&mut self, attempt: u32) {
        self.attempt = attempt;
    }

    /// The call came back.
    pub(crate) fn release(self) {
        std::mem::forget(self);
    }
}

impl Drop for Footing<'_> {
    #[cold]
    fn drop(&mut self) {
        // A call that is merely dropped (cancelled) did not fall. Of nested stages the innermost unwinds first.
        if std::thread::panicking() {
            self.context.fell_in(Fall {
                stage: self.stage,
                attempt: self.attempt,
            });
        }
    }
}
