use pipeline::pipeline;

fn main() {
    let nothing = pipeline![];
    println!("{:?}", nothing.run_blocking("airports.csv".to_owned()));
}
