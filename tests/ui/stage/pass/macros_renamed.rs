use pipeline::{Provide as Lend, pipeline as chain, stage as step};

#[derive(Lend)]
struct App {
    limit: u32,
}

#[step(retries = 1)]
fn check(x: u32, #[state] limit: &u32) -> Result<u32, std::fmt::Error> {
    if x < *limit { Ok(x) } else { Err(std::fmt::Error) }
}

fn main() {
    let checked = chain![check => |x| x + 1].with(App { limit: 3 });
    assert_eq!(checked.run_blocking(2).unwrap(), 3);
}
