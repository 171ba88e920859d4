use pipeline::stage;

struct Airport {
    code: String,
}

impl Airport {
    #[stage]
    fn parse(code: String) -> Airport {
        Airport { code }
    }
}

fn main() {
    println!("{}", Airport::parse("BER".to_owned()).code);
}
