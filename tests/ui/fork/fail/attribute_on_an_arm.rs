use pipeline::{pipeline, stage};

#[stage]
fn double(x: u64) -> u64 {
    x * 2
}

fn main() {
    let _ = pipeline![double => match {
        #[cfg(any())]
        0 => 0 => double,
        x => x => double,
    }];
}
