//! The calls of a graph start as soon as their inputs are ready: single cases. `shapes.rs` has graphs of all shapes.

use pipeline::pipeline;

use crate::support::scripted_stages::{Do, Play, a, b, c, d, pair};

fn text() -> String {
    ">".to_owned()
}

#[tokio::test(start_paused = true)]
async fn in_an_n_each_call_starts_as_soon_as_it_can_whoever_is_done_first() {
    for (one, other) in [(10, 30), (30, 10)] {
        let play = Play::new().with("a", one, Do::Answer).with("b", other, Do::Answer);
        let play = play.with("c", 25, Do::Answer).with("d", 5, Do::Answer);
        let line = pipeline!(|id: String| {
            let x = a(id);
            let y = b(id);
            let z = c(x);
            let both = pair(x, y);
            let w = d(both);
            pair(z, w)
        });
        assert_eq!(line.with(play.clone()).run(text()).await.unwrap(), ">ac+>a+>bd");
        let mut lines = play.lines();
        lines.sort();
        let (c, d) = ((one, one + 25), (30, 35));
        let expected = [
            format!("a 0-{one} Done"),
            format!("b 0-{other} Done"),
            format!("c {}-{} Done", c.0, c.1),
            format!("d {}-{} Done", d.0, d.1),
        ];
        assert_eq!(lines, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_without_a_name_run_for_what_they_do() {
    let play = Play::new().with("a", 10, Do::Answer).with("b", 20, Do::Answer).with("c", 30, Do::Answer);
    let line = pipeline!(|id: String| {
        a(id);
        let _ = b(id);
        let _ignored = d(id);
        c(id)
    });
    assert_eq!(line.clone().with(play.clone()).run(text()).await.unwrap(), ">c");
    let lines = play.lines();
    assert_eq!(lines, ["d 0-0 Done", "a 0-10 Done", "b 0-20 Done", "c 0-30 Done"]);
    let play = Play::new().with("b", 20, Do::Fail).with("c", 10, Do::Answer);
    let error = line.with(play).run(text()).await.unwrap_err();
    assert_eq!(error.stage(), "b", "nothing is done before all of it is");
}
