//! `WaitBeyondDeadline`: why a call ended before its deadline.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::causes::BoxError;
use super::human::format_duration;

/// The cause of a call that ended before its deadline, because the wait before the next attempt would have ended after it.
#[derive(Debug)]
pub(crate) struct WaitBeyondDeadline {
    pub(crate) wait: Duration,
    pub(crate) left: Duration,
    /// The error of the last attempt.
    pub(crate) last: Option<BoxError>,
}

impl fmt::Display for WaitBeyondDeadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (wait, left) = (format_duration(self.wait), format_duration(self.left));
        write!(f, "the wait before the next attempt is {wait}, and the deadline is over in {left}")
    }
}

impl Error for WaitBeyondDeadline {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.last.as_ref().map(|last| &**last as &(dyn Error + 'static))
    }
}
