//! Which call produces a value, and which calls use it.

/// The calls of a fork, and the values between them. A value is a number: those of the input come first.
pub(crate) struct Dataflow {
    pub(crate) input: ValuePattern,
    pub(crate) calls: Vec<Call>,
    pub(crate) output: Output,
}

/// What an output is bound to.
#[derive(Clone)]
pub(crate) enum ValuePattern {
    Value(usize),
    /// `_`: a value that no call uses.
    Ignored(usize),
    Tuple(Vec<ValuePattern>),
}

pub(crate) struct Call {
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: ValuePattern,
}

pub(crate) enum Argument {
    Value(usize),
    /// An expression, by its number, and the values that it captures.
    Expression(usize, Vec<usize>),
}

pub(crate) enum Output {
    Value(usize),
    Tuple(Vec<usize>),
    /// The tail expression, and the values that it captures.
    Expression(Vec<usize>),
}

/// One use of a value.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Use {
    pub(crate) call: usize,
    pub(crate) argument: usize,
    /// Which capture of the argument, if that is an expression.
    pub(crate) capture: Option<usize>,
}

/// The uses of a value at one time.
pub(crate) struct SharedUse {
    pub(crate) value: usize,
    pub(crate) uses: Vec<Use>,
    /// Whether there are more uses afterwards.
    pub(crate) used_later: bool,
}

impl ValuePattern {
    /// The values that are not ignored.
    pub(crate) fn values(&self) -> Vec<usize> {
        match self {
            Self::Value(value) => vec![*value],
            Self::Ignored(_) => Vec::new(),
            Self::Tuple(parts) => parts.iter().flat_map(Self::values).collect(),
        }
    }
}

impl Call {
    /// The values that this call, the one with this number, uses, and where.
    pub(crate) fn uses(&self, call: usize) -> Vec<(usize, Use)> {
        let arguments = self.arguments.iter().enumerate();
        let uses = arguments.flat_map(|(index, argument)| match argument {
            Argument::Value(value) => vec![(*value, Use { call, argument: index, capture: None })],
            Argument::Expression(_, captures) => {
                let captures = captures.iter().enumerate();
                captures
                    .map(|(capture, value)| (*value, Use { call, argument: index, capture: Some(capture) }))
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
    /// The call that produces a value; `None` for a value of the input.
    pub(crate) fn producer(&self, value: usize) -> Option<usize> {
        self.calls.iter().position(|call| call.output.values().contains(&value))
    }

    /// For each call those whose outputs it uses.
    pub(crate) fn dependencies(&self) -> Vec<Vec<usize>> {
        let calls = self.calls.iter().enumerate();
        let dependencies = calls.map(|(index, call)| {
            let values = call.uses(index).into_iter().map(|(value, _)| value);
            values.filter_map(|value| self.producer(value)).collect()
        });
        dependencies.collect()
    }
}
