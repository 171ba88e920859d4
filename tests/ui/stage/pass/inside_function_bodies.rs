use pipeline::{Provide, pipeline, stage};

fn doubled(x: u32) -> u32 {
    #[derive(Provide)]
    struct App {
        factor: u32,
    }

    #[stage(retries = 1)]
    fn scale(x: u32, #[state] factor: &u32) -> Result<u32, std::fmt::Error> {
        Ok(x * factor)
    }

    pipeline![scale].with(App { factor: 2 }).run_blocking(x).unwrap()
}

#[tokio::main]
async fn main() {
    let tripled = {
        #[stage]
        async fn scale(x: u32) -> u32 {
            3 * x
        }
        pipeline![scale => scale]
    };
    let closure = || {
        #[stage(concurrency = 1)]
        fn scale<T: std::ops::Add<Output = T> + Copy + Send>(x: T) -> T {
            x + x
        }
        pipeline![scale::<u32>]
    };
    assert_eq!(tripled.run(1).await.unwrap(), 9);
    assert_eq!(closure().run(1).await.unwrap(), 2);
    assert_eq!(std::thread::spawn(|| doubled(2)).join().unwrap(), 4);
}
