use pipeline::{pipeline, stage};

#[stage]
fn add(x: u64) -> u64 {
    x % 1000 + 1
}

#[stage]
async fn double(x: u64) -> u64 {
    2 * x
}

fn main() {
    let many = pipeline![
        add => double => add => double => add => double => add => double => add => double
            => add => double => add => double => add => double => add => double => add => double
            => add => double => add => double => add => double => add => double => add => double
            => add => double => add => double => add => double => add => double => add => double
    ];
    let mut expected = 1;
    for _ in 0..20 {
        expected = 2 * (expected % 1000 + 1);
    }
    assert_eq!(many.run_blocking(1).unwrap(), expected);
}
