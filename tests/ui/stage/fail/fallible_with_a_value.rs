use pipeline::stage;

type Parsed = Result<u32, std::num::ParseIntError>;

#[stage(fallible = true)]
fn parse(text: &str) -> Parsed {
    text.parse()
}

fn main() {}
