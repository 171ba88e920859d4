//! Formats numbers and tables for people.

use std::fmt;

/// Formats a number with thousands separators: `3,376`.
pub(crate) fn with_separators(number: impl fmt::Display) -> String {
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

/// A number with its unit: `1 batch`, `3,376 batches`.
pub(crate) fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", with_separators(count), if count == 1 { one } else { many })
}

/// Writes rows under headers. The first column is left-aligned, the others right-aligned; empty columns are omitted.
pub(crate) fn table(f: &mut fmt::Formatter<'_>, headers: &[&str], rows: &[Vec<String>]) -> fmt::Result {
    let columns: Vec<_> = headers
        .iter()
        .enumerate()
        .filter_map(|(column, header)| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            let widest = cells.max().filter(|widest| *widest > 0)?;
            Some((column, widest.max(header.chars().count())))
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
    line(f, headers)?;
    for row in rows {
        let cells: Vec<_> = row.iter().map(String::as_str).collect();
        line(f, &cells)?;
    }
    Ok(())
}
