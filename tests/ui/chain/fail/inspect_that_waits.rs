use pipeline::pipeline;

fn main() {
    let _ = pipeline![|x: u32| x => inspect(|x| async move { println!("{x}") })];
}
