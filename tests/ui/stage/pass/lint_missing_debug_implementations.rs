//! A crate of stages.
#![deny(missing_debug_implementations)]

pub mod stages {
    //! The stages.

    use std::num::ParseIntError;

    use pipeline::stage;

    /// Parses a number.
    ///
    /// # Errors
    ///
    /// Where it is none.
    #[stage(retries = 1)]
    pub fn parse(line: &str) -> Result<usize, ParseIntError> {
        line.parse()
    }

    /// Names it.
    #[stage]
    pub fn label<T: std::fmt::Display + Send>(value: T) -> String {
        format!("<{value}>")
    }
}

fn main() {
    let labelled = pipeline::pipeline![stages::parse => stages::label];
    assert_eq!(labelled.run_blocking("42".to_owned()).unwrap(), "<42>");
}
