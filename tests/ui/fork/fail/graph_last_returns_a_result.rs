use pipeline::{pipeline, stage};

#[stage]
fn double(x: u64) -> u64 {
    x * 2
}

fn main() {
    let found = pipeline![|x: u64| {
        let y = double(x);
        u32::try_from(y)
    }];
    println!("{:?}", found.run_blocking(1));
}
