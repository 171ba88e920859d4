use pipeline::{pipeline, stage};

#[stage]
fn double(x: u64) -> u64 {
    x * 2
}

fn half(x: u64) -> u64 {
    x / 2
}

macro_rules! ends_in {
    ($last:path) => {
        pipeline!(|x: u64| {
            let y = double(x);
            $last(y)
        })
    };
}

fn main() {
    let _ = ends_in!(half);
}
