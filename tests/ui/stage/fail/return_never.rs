use pipeline::{pipeline, stage};

#[stage]
fn give_up(reason: String) -> ! {
    panic!("{reason}")
}

fn main() {
    let stopped = pipeline![give_up].run_blocking("no airports".to_owned());
    println!("{}", stopped.is_err());
}
