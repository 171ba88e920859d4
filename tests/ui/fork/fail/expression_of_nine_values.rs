use pipeline::{pipeline, stage};

#[stage]
fn half(x: u64) -> u64 {
    x / 2
}

fn main() {
    let page = pipeline!(|id: u64| {
        let a = half(id);
        let b = half(id);
        let c = half(id);
        let d = half(id);
        let e = half(id);
        let f = half(id);
        let g = half(id);
        let h = half(id);
        let i = half(id);
        a + b + c + d + e + f + g + h + i
    });
    println!("{:?}", page.run_blocking(7));
}
