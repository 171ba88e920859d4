#![deny(warnings)]

use std::sync::atomic::{AtomicUsize, Ordering};

use pipeline::{pipeline, stage};

#[stage]
fn pair(line: &str) -> (String, usize) {
    (line.to_owned(), line.len())
}

fn main() {
    let seen = AtomicUsize::new(0);
    let offset = 3;
    let counted = pipeline![
        pair
            => |(text, length)| (text, length + offset)
            => inspect(|(_, length)| { seen.fetch_add(*length, Ordering::Relaxed); })
            => inspect(|pair: &(String, usize)| assert_eq!(pair.0, "BER"))
            => move |(text, length): (String, usize)| -> String { text.repeat(length - offset) }
            => |text| Some(text)
            => |text: Option<String>| match text { Some(text) => text.len(), None => 0 }
            => |_| ()
            => |()| 9_u8
    ];
    assert_eq!(counted.run_blocking("BER".to_owned()).unwrap(), 9);
    assert_eq!(seen.load(Ordering::Relaxed), 6);
}
