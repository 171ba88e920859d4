//! Calls and the values between them.

/// Calls, and the values between them. A value is a number: those of the input come first.
pub(crate) struct Dataflow {
    pub(crate) input: ValuePattern,
    pub(crate) calls: Vec<Call>,
    pub(crate) output: Output,
}

/// What a value is bound to.
#[derive(Clone)]
pub(crate) enum ValuePattern {
    Value(usize),
    /// A value that is let go.
    Ignored(usize),
    Tuple(Vec<ValuePattern>),
}

pub(crate) struct Call {
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: ValuePattern,
}

pub(crate) enum Argument {
    Value(usize),
    /// An expression, by its number, and the values that it looks at.
    Expression(usize, Vec<usize>),
}

pub(crate) enum Output {
    Value(usize),
    Tuple(Vec<usize>),
    /// The last expression, of these values.
    Expression(Vec<usize>),
}

/// A place where a value is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Use {
    pub(crate) call: usize,
    pub(crate) argument: usize,
    /// Which of the values that an expression looks at.
    pub(crate) capture: Option<usize>,
}

/// Who wants a value at the same time.
pub(crate) struct SharedUse {
    pub(crate) value: usize,
    pub(crate) uses: Vec<Use>,
    /// Whether it is wanted again later.
    pub(crate) used_later: bool,
}

impl ValuePattern {
    pub(crate) fn values(&self) -> Vec<usize> {
        match self {
            Self::Value(value) => vec![*value],
            Self::Ignored(_) => Vec::new(),
            Self::Tuple(parts) => parts.iter().flat_map(Self::values).collect(),
        }
    }
}

impl Call {
    /// The values that it wants, and where.
    pub(super) fn uses(&self, call: usize) -> Vec<(usize, Use)> {
        let arguments = self.arguments.iter().enumerate();
        let uses = arguments.flat_map(|(argument, what)| match what {
            Argument::Value(value) => vec![(*value, Use { call, argument, capture: None })],
            Argument::Expression(_, captures) => {
                let uses = captures.iter().enumerate();
                uses.map(|(capture, value)| (*value, Use { call, argument, capture: Some(capture) }))
                    .collect()
            }
        });
        uses.collect()
    }
}

impl Output {
    pub(crate) fn values(&self) -> Vec<usize> {
        match self {
            Self::Value(value) => vec![*value],
            Self::Tuple(values) | Self::Expression(values) => values.clone(),
        }
    }
}

impl Dataflow {
    /// For each value the call that gives it; none gives the input's.
    pub(crate) fn producer(&self, value: usize) -> Option<usize> {
        self.calls.iter().position(|call| call.output.values().contains(&value))
    }

    /// For each call those that it waits for.
    pub(crate) fn dependencies(&self) -> Vec<Vec<usize>> {
        let calls = self.calls.iter().enumerate();
        let dependencies = calls.map(|(index, call)| {
            let values = call.uses(index).into_iter().map(|(value, _)| value);
            values.filter_map(|value| self.producer(value)).collect()
        });
        dependencies.collect()
    }
}
