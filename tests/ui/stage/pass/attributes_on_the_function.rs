#![deny(warnings)]

use pipeline::{pipeline, stage};

/// Docs of a stage.
#[stage]
#[inline]
#[must_use]
#[track_caller]
fn add(x: u32) -> u32 {
    x + 1
}

#[cfg(any())]
#[stage(retries = 3)]
async fn only_elsewhere(x: NoSuchType) -> Result<NoSuchType, NoSuchType> {
    Ok(x)
}

#[stage]
#[cfg(any())]
async fn only_elsewhere_too(x: NoSuchType) -> NoSuchType {
    x
}

#[cfg(all())]
#[stage]
#[allow(clippy::ptr_arg, unused_mut)]
fn double(mut x: u32) -> u32 {
    2 * x
}

#[cfg_attr(all(), stage)]
fn square(x: u32) -> u32 {
    x * x
}

/// What the body says of itself stays in the body: on the struct `unused_variables` would be an unknown place.
#[stage]
fn halve(x: u32) -> u32 {
    #![allow(unused_variables)]
    let unused = 1;
    x / 2
}

#[stage]
#[deprecated = "use `add`"]
fn increment(x: u32) -> u32 {
    x + 1
}

#[allow(deprecated)]
fn old(x: u32) -> u32 {
    pipeline![increment => increment].run_blocking(x).unwrap()
}

fn main() {
    let _: u32 = old(1);
    assert_eq!(pipeline![add => double => square].run_blocking(1).unwrap(), 16);
    assert_eq!(add(double(1)), 3);
}
