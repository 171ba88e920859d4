mod stages {
    pub(crate) mod text {
        use pipeline::stage;

        #[stage]
        pub(crate) fn words(text: &str) -> Vec<String> {
            text.split(' ').map(str::to_owned).collect()
        }
    }

    pub(crate) mod number {
        use pipeline::stage;

        #[stage]
        pub(crate) fn half(x: u32) -> u32 {
            x / 2
        }
    }
}

fn main() {
    let halved = pipeline::pipeline![stages::text::words => crate::stages::number::half];
    println!("{:?}", halved.run_blocking("one two".to_owned()));
}
