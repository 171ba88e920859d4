use pipeline::pipeline;

fn main() {
    let _ = pipeline![|x: u32| x => inspect(try |x| u8::try_from(*x).map(drop))];
}
