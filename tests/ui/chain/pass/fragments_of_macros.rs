#![deny(warnings)]

// Each option, each override and each position of a chain, with a fragment of `macro_rules!`.

use std::time::Duration;

use pipeline::{pipeline, stage};

fn is_transient(_: &String) -> bool {
    true
}

fn wait(_: &String) -> Option<Duration> {
    None
}

macro_rules! stages {
    ($count:literal, $time:literal, $long:literal, $rate:literal, $name:literal, $growth:literal, $if:path, $after:expr) => {
        #[stage(
            name = $name, retries = $count, backoff = $growth, delay = $time, max_delay = $long, jitter,
            retry_if = $if, retry_after = $after, timeout = $time, deadline = $long,
            concurrency = $count, rate = $rate, burst = $count, in_order
        )]
        async fn limited(x: u32) -> Result<u32, String> {
            Ok(x + 1)
        }

        #[stage(split_on_failure, split_if = $if, split_limit = $count)]
        fn sum(rows: &[u32]) -> Result<u32, String> {
            Ok(rows.iter().sum())
        }
    };
}

stages!(2, "1s", "1h", "1000/s", "limited by a macro", "linear", is_transient, wait);

macro_rules! overridden {
    ($stage:path, $count:literal, $more:expr, $time:literal, $long:literal, $rate:literal, $name:literal, $growth:literal) => {
        pipeline![$stage.name($name).retries($count).backoff($growth).delay($time).max_delay($long).jitter()
            .timeout($time).deadline($long).concurrency($more).rate($rate).burst($count).in_order()]
    };
}

macro_rules! positions {
    ($input:ty, $closure:expr, $see:expr, $size:expr, $linger:literal, $stage:path, $value:expr) => {
        pipeline![$input: $closure => inspect($see) => $stage => { $value } => batch($size, $linger) => sum]
    };
}

macro_rules! forks {
    ($first:path, $second:expr, $pattern:pat, $literal:literal) => {
        pipeline![u32: ($first, $second) => |(a, b)| a + b => match {
            $literal => $literal + 1 => $first,
            $pattern => 7 => ($second | $first),
        }]
    };
}

macro_rules! graph {
    ($name:ident, $ty:ty, $stage:path, $argument:expr, $last:expr) => {
        pipeline!(|$name: $ty| {
            let y = $stage($name);
            let z = $stage(y + $argument);
            $last(z)
        })
    };
}

fn main() {
    let overridden = overridden!(limited, 3, 4, "2s", "2h", "500/s", "by another", "fixed");
    assert!(overridden.graph().to_string().contains("by another"));
    let chain = positions!(u32, |x| x + 1, |x| assert!(*x > 0), 1 + 1, "1ms", limited, pipeline![limited]);
    assert!(chain.graph().to_string().contains("batch"));
    let forked = forks!(limited, |x| x, _, 3);
    assert!(forked.graph().to_string().contains("limited by a macro"));
    // A stage at the end keeps its policy, however its name came there.
    let graph = graph!(x, u32, limited, 1, limited);
    assert_eq!(graph.graph().to_string().matches("limited by a macro").count(), 3);
}
