extern crate pipeline as pl;

mod pipeline {}

use std::num::ParseIntError;

use pl::stage;

#[stage(crate = pl)]
async fn parse(line: &str) -> Result<u32, ParseIntError> {
    line.parse()
}

#[stage(crate = pl)]
fn length(line: &str) -> u32 {
    line.chars().map(|_| 1).sum()
}

#[stage(crate = pl)]
fn add(one: u32, other: u32) -> u32 {
    one + other
}

fn main() {
    let nested = pl::pipeline![crate = pl; (parse.retries(1), length) => add];
    let number = pl::pipeline![crate = pl; (parse | length) => match {
        0 => 1 => |x| x,
        x if x > 9 => x => |x| x,
        x => (x, x) => add,
    }];
    let all = pl::pipeline!(crate = pl; |line: String| {
        let sum = { nested }(line);
        let number = { number }(line);
        let three = length("abc");
        let sum = add.name("again")(sum + number, three);
        (sum, line)
    });
    assert_eq!(
        all.run_blocking("4".to_owned()).unwrap(),
        (4 + 1 + 8 + 3, "4".to_owned())
    );
}
