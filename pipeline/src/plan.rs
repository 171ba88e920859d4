//! What a pipeline is made of, as far as reports and observers see it: its steps, numbered in order.

use std::borrow::Cow;

/// The steps of a pipeline.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    steps: Vec<Step>,
}

/// A stage or a boundary.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) name: Cow<'static, str>,
    pub(crate) boundary: bool,
}

/// The number of a step among those of its pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(u32);

impl Slot {
    /// That of a stage which is called by hand, outside of any plan.
    ///
    /// So large that it stays beyond any plan in whatever pipeline it is seen from.
    pub(crate) const NONE: Self = Self(1 << 31);

    /// The same step, seen from the pipeline around.
    #[inline]
    pub(crate) fn after(self, base: u32) -> Self {
        Self(self.0.wrapping_add(base))
    }

    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self::NONE
    }
}

impl Plan {
    /// Adds a stage.
    pub fn stage(&mut self, name: &'static str) -> Slot {
        self.add(Step { name: name.into(), boundary: false })
    }

    /// Gives the step that was added last another name.
    pub(crate) fn rename_last(&mut self, name: &'static str) -> Slot {
        match self.steps.last_mut() {
            Some(step) => {
                step.name = name.into();
                u32::try_from(self.steps.len() - 1).map_or(Slot::NONE, Slot)
            }
            None => Slot::NONE,
        }
    }

    pub(crate) fn boundary(&mut self, name: impl Into<Cow<'static, str>>) -> Slot {
        self.add(Step { name: name.into(), boundary: true })
    }

    /// Adds the steps of a pipeline that goes into this one, and says where they begin.
    pub(crate) fn append(&mut self, inner: &Self) -> u32 {
        let base = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.extend_from_slice(&inner.steps);
        base
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The name of the stage that an item meets first.
    pub(crate) fn first_stage(&self) -> Option<&'static str> {
        self.steps.iter().find_map(|step| match step.name {
            Cow::Borrowed(name) if !step.boundary => Some(name),
            _ => None,
        })
    }

    fn add(&mut self, step: Step) -> Slot {
        let slot = u32::try_from(self.steps.len()).map_or(Slot::NONE, Slot);
        self.steps.push(step);
        slot
    }
}
