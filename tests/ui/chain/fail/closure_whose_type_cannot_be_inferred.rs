use pipeline::pipeline;

fn main() {
    let length = pipeline![|line| line.len()];
    println!("{:?}", length.run_blocking("BER".to_owned()));
}
