use pipeline::{Pipeline, Stage, pipeline, stage};

#[stage]
fn one_less(x: u64) -> u64 {
    x.saturating_sub(1)
}

fn countdown() -> Pipeline<u64, impl Stage<u64, (), Out = u64>> {
    pipeline![one_less => match {
        0 => 0 => |x| x,
        x => x => { countdown() },
    }]
}

fn main() {
    println!("{:?}", countdown().run_blocking(7));
}
