//! How figures are written for people.

use std::fmt;
use std::time::Duration;

/// A duration to three significant digits: `1.2s`, `350ms`, `2m 5s`.
pub(crate) fn human(duration: Duration) -> Human {
    Human(duration)
}

pub(crate) struct Human(Duration);

impl fmt::Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(duration) = self;
        let seconds = duration.as_secs();
        if seconds >= 3600 {
            return write!(f, "{}h {}m", seconds / 3600, seconds % 3600 / 60);
        }
        if seconds >= 60 {
            return write!(f, "{}m {}s", seconds / 60, seconds % 60);
        }
        let nanos = duration.as_nanos();
        let (unit, name) = match nanos {
            1_000_000_000.. => (1_000_000_000, "s"),
            1_000_000.. => (1_000_000, "ms"),
            1_000.. => (1_000, "µs"),
            _ => (1, "ns"),
        };
        let whole = nanos / unit;
        // Digits are cut, not rounded: 999.9ms is never written as 1000ms.
        let digits = match whole {
            100.. => 0,
            10.. => 1,
            _ => 2,
        };
        let tenths = |n: u32| nanos % unit * 10_u128.pow(n) / unit;
        let fraction = format!("{:0width$}", tenths(digits), width = digits as usize);
        let fraction = if digits == 0 { "" } else { fraction.trim_end_matches('0') };
        match fraction {
            "" => write!(f, "{whole}{name}"),
            fraction => write!(f, "{whole}.{fraction}{name}"),
        }
    }
}

/// A number with its thousands apart: `3,376`.
pub(crate) fn count(number: impl fmt::Display) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Rows under heads, the first column to the left, the others to the right; a column without entries is left out.
pub(crate) fn table(f: &mut fmt::Formatter<'_>, heads: &[&str], rows: &[Vec<String>]) -> fmt::Result {
    let columns: Vec<_> = heads
        .iter()
        .enumerate()
        .filter_map(|(column, head)| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            let widest = cells.max().filter(|widest| *widest > 0)?;
            Some((column, widest.max(head.chars().count())))
        })
        .collect();
    let line = |f: &mut fmt::Formatter<'_>, cells: &[&str]| {
        f.write_str("\n")?;
        let mut text = String::new();
        for &(column, width) in &columns {
            let cell = cells.get(column).copied().unwrap_or_default();
            let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
            let (before, after) = if column == 0 { ("", &*padding) } else { (&*padding, "") };
            text.extend(["  ", before, cell, after]);
        }
        f.write_str(text.trim_end())
    };
    line(f, heads)?;
    for row in rows {
        let cells: Vec<_> = row.iter().map(String::as_str).collect();
        line(f, &cells)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        for (nanos, text) in [
            (0, "0ns"),
            (7, "7ns"),
            (1_234, "1.23µs"),
            (999_999, "999µs"),
            (10_250_000, "10.2ms"),
            (1_200_000_000, "1.2s"),
            (2_000_000_000, "2s"),
            (59_999_999_999, "59.9s"),
            (125_000_000_000, "2m 5s"),
            (7_380_000_000_000, "2h 3m"),
        ] {
            assert_eq!(human(Duration::from_nanos(nanos)).to_string(), text);
        }
    }
}
