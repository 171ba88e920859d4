use pipeline::{Pipeline, Stage, pipeline, stage};

#[stage]
fn one_less(x: u64) -> u64 {
    x.saturating_sub(1)
}

fn countdown() -> Pipeline<u64, impl Stage<u64, (), Out = u64>> {
    pipeline!(|x: u64| {
        let less = one_less(x);
        { countdown() }(less)
    })
}

fn main() {
    println!("{:?}", countdown().run_blocking(7));
}
