#![deny(warnings, unused, clippy::all)]

use pipeline::{pipeline, stage};

#[stage]
fn parse(line: &str) -> Result<u32, std::num::ParseIntError> {
    line.parse()
}

#[stage]
fn double(x: u32) -> u32 {
    2 * x
}

struct Service {
    doubled: pipeline::BoxPipeline<String, u32>,
}

impl Service {
    fn new() -> Self {
        Self {
            doubled: pipeline![String: parse => double].boxed(),
        }
    }
}

static LINES: [&str; 2] = ["1", "2"];

#[tokio::main]
async fn main() {
    let service = Service::new();
    for line in LINES {
        if let Ok(number) = service.doubled.run(line.to_owned()).await {
            assert!(number > 1);
        }
    }
    let both = service.doubled.collect(LINES.map(str::to_owned)).await;
    assert_eq!(both.ok(), Some(vec![2, 4]));
    let tasks: Vec<_> = (0..2)
        .map(|x| tokio::spawn(async move { pipeline![double].run(x).await }))
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().is_ok());
    }
}
