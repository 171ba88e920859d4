#![deny(warnings)]

use pipeline::{pipeline, stage};

macro_rules! scale {
    ($name:ident, $ty:ty, $factor:expr) => {
        #[stage(retries = 1)]
        async fn $name(x: $ty, #[state] offset: &$ty) -> Result<$ty, std::fmt::Error> {
            Ok(x * $factor + offset)
        }
    };
}

macro_rules! fixed {
    () => {
        #[stage(blocking, timeout = "1s")]
        fn negate(x: i32) -> i32 {
            -x
        }
    };
}

scale!(double, i32, 2);
scale!(triple, i32, 3);
fixed!();

fn main() {
    let scaled = pipeline![double => triple => negate].with(1);
    assert_eq!(scaled.run_blocking(1).unwrap(), -10);
}
