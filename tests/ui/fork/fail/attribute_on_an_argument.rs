use pipeline::{pipeline, stage};

#[stage]
fn add(x: u32, y: u32) -> u32 {
    x + y
}

fn main() {
    let _ = pipeline!(|x: u32| {
        let y = add(x, #[cfg(any())] 1);
        y + 1
    });
}
