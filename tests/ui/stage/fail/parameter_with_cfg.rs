use pipeline::stage;

#[stage]
fn scale(x: u32, #[cfg(debug_assertions)] label: &str) -> u32 {
    let _ = label;
    x
}

fn main() {}
