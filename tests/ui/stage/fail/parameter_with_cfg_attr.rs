use pipeline::stage;

#[stage]
fn add(x: u32, #[cfg_attr(test, allow(unused))] y: u32) -> u32 {
    x + y
}

fn main() {}
