#![deny(warnings)]

use pipeline::{pipeline, stage};

#[stage]
async fn value(input: u32) -> u32 {
    input + 1
}

#[stage]
fn stage_of(cx: &u32, caller: u32) -> u32 {
    cx + caller
}

#[stage]
fn attempts(plan: u32, spec: u32, port: u32) -> u32 {
    plan + spec + port
}

fn main() {
    let names = pipeline!(|input: u32| {
        let value0 = value(input);
        let value1 = value(value0);
        let value = value.retries(0)(value1);
        let cx = stage_of(value, input);
        let stage = stage_of(cx, value1);
        let output = attempts(stage, cx, value0);
        let caller = stage_of(output, stage);
        let plan = attempts(caller, output, stage);
        let args = stage_of(plan, caller);
        let made = attempts(args + value0, plan + cx, stage);
        let end = stage_of(made, value);
        let heads = stage_of(end, made);
        let place = stage_of(heads, end);
        (place, heads, args, self_(cx))
    });
    assert_eq!(names.run_blocking(0).unwrap(), (243, 161, 42, 3));

    // Variables outside, by the names that are used inside.
    let (value, input, cx, stage, output, caller, plan) = (1, 2, 3, 4, 5, 6, 7);
    let (port, attempts, spec, made, end, place) = (8, 9, 10, 11, 12, 13);
    let outside = pipeline!(|x: u32| {
        let one = stage_of(x + value + input, cx);
        let two = stage_of(stage, output + caller + plan);
        (one, two, port + attempts + spec + made + end + place)
    });
    assert_eq!(outside.run_blocking(0).unwrap(), (6, 22, 63));

    let (index, entry) = (1, 2);
    let routed = pipeline![match {
        0 => value + input + cx => |x: u32| x + stage,
        x if x == value => x + output => ((|x| x + caller) | |x| x),
        x => plan + x => (|x| x + port, |x| x + index + entry) => |(a, b)| a + b,
    }];
    assert_eq!(routed.run_blocking(0).unwrap(), 10);
    assert_eq!(routed.run_blocking(1).unwrap(), 12);
    assert_eq!(routed.run_blocking(2).unwrap(), 17 + 12);
}

fn self_(cx: u32) -> u32 {
    cx
}
