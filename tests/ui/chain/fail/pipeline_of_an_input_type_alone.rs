use pipeline::pipeline;

fn main() {
    let nothing = pipeline![String:];
    println!("{:?}", nothing.run_blocking("airports.csv".to_owned()));
}
