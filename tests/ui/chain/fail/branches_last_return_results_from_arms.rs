use pipeline::{pipeline, stage};

#[stage]
fn double(x: u64) -> u64 {
    x * 2
}

fn main() {
    let halves = pipeline![double => match {
        0 => "0" => |text: &str| text.parse::<u32>(),
        _ => "1" => |text: &str| text.parse::<u32>(),
    }];
    println!("{:?}", halves.run_blocking(1));
}
