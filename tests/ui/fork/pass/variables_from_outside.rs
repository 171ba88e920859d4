#![deny(warnings)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pipeline::{pipeline, stage};

const FACTOR: u32 = 10;

#[stage]
async fn scale(x: u32, factor: u32) -> u32 {
    x * factor
}

#[stage]
fn count(counter: Arc<AtomicU32>, x: u32) -> u32 {
    counter.fetch_add(x, Ordering::Relaxed)
}

#[stage]
fn label(prefix: &str, x: u32, suffix: String) -> String {
    format!("{prefix}{x}{suffix}")
}

fn main() {
    let counter = Arc::new(AtomicU32::new(0));
    let (prefix, suffix) = ("<".to_owned(), ">".to_owned());
    let names = vec!["a".to_owned(), "b".to_owned()];
    let seen = counter.clone();
    let labelled = pipeline!(move |x: u32| {
        let scaled = scale(x, FACTOR);
        let before = count(counter, scaled);
        let text = label(prefix, scaled + before, suffix);
        let quoted = label("'", x, "'".to_owned());
        let above = scale(names.iter().filter(|name| name.len() < *x as usize).count() as u32, 1);
        let again = label(prefix, scaled, prefix);
        (text, quoted, above, again)
    });
    let expected = |text: &str, quoted: &str, above, again: &str| {
        (text.to_owned(), quoted.to_owned(), above, again.to_owned())
    };
    assert_eq!(
        labelled.run_blocking(1).unwrap(),
        expected("<10>", "'1'", 0, "<10<")
    );
    assert_eq!(
        labelled.clone().run_blocking(2).unwrap(),
        expected("<30>", "'2'", 2, "<20<")
    );
    assert_eq!(prefix + &suffix, "<>");
    assert_eq!(seen.load(Ordering::Relaxed), 30);
}
