mod r#match {
    #[pipeline::stage]
    pub(crate) fn r#fn(x: u32) -> u32 {
        x + 1
    }
}

use pipeline::{pipeline, stage};

#[stage]
fn r#type(line: &str) -> String {
    line.to_owned()
}

#[stage(retries = 1)]
async fn r#struct(r#in: String) -> Result<usize, std::fmt::Error> {
    Ok(r#in.len())
}

#[stage]
fn inspect(x: usize) -> u32 {
    x.try_into().unwrap_or(u32::MAX)
}

fn main() {
    let length = pipeline![r#type => r#struct.retries(2) => inspect => r#match::r#fn];
    assert_eq!(length.run_blocking("BER".to_owned()).unwrap(), 4);
}
