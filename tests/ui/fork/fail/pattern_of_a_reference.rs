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

#[stage]
fn open(event: Event) -> Event {
    event
}

fn main() {
    let handle = pipeline![open => match {
        &Event::Paid(cents) => cents => charge,
        _ => () => close,
    }];
    println!("{:?}", handle.run_blocking(Event::Closed));
}
