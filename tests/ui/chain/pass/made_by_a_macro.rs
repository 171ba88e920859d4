#![deny(warnings)]

use pipeline::{pipeline, stage};

#[stage]
fn double(x: u32) -> u32 {
    2 * x
}

#[stage]
fn triple(x: u32) -> Result<u32, String> {
    x.checked_mul(3).ok_or_else(|| x.to_string())
}

macro_rules! chain {
    ($first:path, $($next:path),* ; $input:ty) => {
        pipeline![$input: $first $(=> $next)*]
    };
}

macro_rules! through {
    ($input:expr, $stage:ident) => {
        pipeline![$stage => { pipeline![$stage] } => $stage.retries(1) => |x| x + $input].run_blocking($input)
    };
}

fn main() {
    assert_eq!(
        chain!(double, triple, self::double; u32).run_blocking(1).unwrap(),
        12
    );
    assert_eq!(through!(1, triple).unwrap(), 28);
}
