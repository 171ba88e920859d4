//! `NoFurtherAttempt`: why a call ended although its policy allows another attempt.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::causes::BoxError;
use super::human::format_duration;

/// The cause of a call that ended although its policy allows another attempt.
#[derive(Debug)]
pub(crate) struct NoFurtherAttempt {
    pub(crate) why: Why,
    /// The error of the last attempt.
    pub(crate) last: Option<BoxError>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Why {
    /// The wait before the attempt would end after the deadline of the call.
    WaitBeyondDeadline { wait: Duration, left: Duration },
    /// The run was stopped.
    Stopped,
}

impl fmt::Display for NoFurtherAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            Why::WaitBeyondDeadline { wait, left } => {
                let (wait, left) = (format_duration(wait), format_duration(left));
                write!(f, "the wait before the next attempt is {wait}, and the deadline is over in {left}")
            }
            Why::Stopped => f.write_str("the run was stopped before the next attempt"),
        }
    }
}

impl Error for NoFurtherAttempt {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.last.as_ref().map(|last| &**last as &(dyn Error + 'static))
    }
}
