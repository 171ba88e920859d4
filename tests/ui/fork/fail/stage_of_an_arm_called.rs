use pipeline::{pipeline, stage};

enum Event {
    Paid(u32),
    Refunded(String),
    Closed,
}

#[stage]
fn charge(cents: u32) -> String {
    format!("paid {cents}")
}

#[stage]
fn refund(reason: &str) -> String {
    format!("refunded: {reason}")
}

#[stage]
fn close() -> String {
    "closed".to_owned()
}

fn main() {
    let handle = pipeline![match {
        Event::Paid(cents) => charge(cents),
        Event::Refunded(reason) => reason => refund,
        Event::Closed => () => close,
    }];
    println!("{:?}", handle.run_blocking(Event::Closed));
}
