//! `Totals`: the counts of a run, in one line.

use std::fmt;

use super::summary::Report;
use super::table::{plural, with_separators};

/// Writes `34 items in, 8 batches out, 12 failures, 3 cancelled`, with the units where they differ.
pub(super) struct Totals<'r>(pub(super) &'r Report);

impl fmt::Display for Totals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Report { items_in, items_out, items_failed, items_cancelled, ref stages, .. } = self.0;
        let number = with_separators;
        let boundary = stages.iter().rfind(|stage| stage.is_boundary());
        match boundary {
            None => {
                write!(f, "{} in, {} out", number(items_in), number(items_out))?;
                if items_failed > 0 {
                    write!(f, ", {} failed", number(items_failed))?;
                }
            }
            Some(boundary) => {
                write!(f, "{} in, ", plural(items_in, "item", "items"))?;
                let (one, many) =
                    if boundary.name() == "each" { ("row", "rows") } else { ("batch", "batches") };
                write!(f, "{} out", plural(items_out, one, many))?;
                if items_failed > 0 {
                    write!(f, ", {}", plural(items_failed, "failure", "failures"))?;
                }
            }
        }
        if items_cancelled > 0 {
            write!(f, ", {} cancelled", number(items_cancelled))?;
        }
        Ok(())
    }
}
