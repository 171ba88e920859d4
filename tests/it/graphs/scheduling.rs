//! The calls of a graph start as soon as their inputs are ready: single cases. `shapes.rs` has graphs of all shapes.

use pipeline::pipeline;

use crate::support::scripted_stages::{Action, Script, a, b, c, d, pair};

fn text() -> String {
    ">".to_owned()
}

#[tokio::test(start_paused = true)]
async fn in_a_non_series_parallel_graph_each_call_starts_when_its_inputs_are_ready() {
    for (one, other) in [(10, 30), (30, 10)] {
        let script = Script::new().with("a", one, Action::Succeed).with("b", other, Action::Succeed);
        let script = script.with("c", 25, Action::Succeed).with("d", 5, Action::Succeed);
        let pipeline = pipeline!(|id: String| {
            let x = a(id);
            let y = b(id);
            let z = c(x);
            let both = pair(x, y);
            let w = d(both);
            pair(z, w)
        });
        assert_eq!(pipeline.with(script.clone()).run(text()).await.unwrap(), ">ac+>a+>bd");
        let mut calls = script.call_log();
        calls.sort();
        let (c, d) = ((one, one + 25), (30, 35));
        let expected = [
            format!("a 0-{one} Done"),
            format!("b 0-{other} Done"),
            format!("c {}-{} Done", c.0, c.1),
            format!("d {}-{} Done", d.0, d.1),
        ];
        assert_eq!(calls, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_whose_result_is_ignored_are_run_and_awaited() {
    let script = Script::new().with("a", 10, Action::Succeed).with("b", 20, Action::Succeed).with(
        "c",
        30,
        Action::Succeed,
    );
    let pipeline = pipeline!(|id: String| {
        a(id);
        let _ = b(id);
        let _ignored = d(id);
        c(id)
    });
    assert_eq!(pipeline.clone().with(script.clone()).run(text()).await.unwrap(), ">c");
    let calls = script.call_log();
    assert_eq!(calls, ["d 0-0 Done", "a 0-10 Done", "b 0-20 Done", "c 0-30 Done"]);
    let script = Script::new().with("b", 20, Action::Fail).with("c", 10, Action::Succeed);
    let error = pipeline.with(script).run(text()).await.unwrap_err();
    assert_eq!(error.stage(), "b", "the run waits for all its calls");
}
