#![deny(warnings)]

use pipeline::{Accepts, BoxPipeline, Pipeline, StageContext, Stage, StageError, pipeline, stage};

#[derive(Clone)]
struct Scale(u32);

impl Accepts<u32> for Scale {
    type Out = u32;
}

impl<S: Send + Sync> Stage<u32, S> for Scale {
    async fn call(&self, input: u32, _: &StageContext<'_, S>) -> Result<u32, StageError> {
        Ok(input * self.0)
    }
}

#[stage]
fn add(x: u32, #[state] offset: &u32) -> u32 {
    x + offset
}

fn added() -> Pipeline<u32, impl Stage<u32, u32, Out = u32>> {
    pipeline![add => { Scale(2) }]
}

fn boxed() -> BoxPipeline<u32, u32> {
    pipeline![add].with(1).boxed()
}

fn main() {
    let ten = Scale(10);
    let own = pipeline![add].with(100_u32);
    let scaled = pipeline![
        { ten.clone() } => { added() } => { boxed() } => { own } => { let factor = 3; Scale(factor) } => { pipeline![add] }
    ];
    assert_eq!(
        scaled.with(5).run_blocking(1).unwrap(),
        ((1 * 10 + 5) * 2 + 1 + 100) * 3 + 5
    );
}
