use pipeline::{pipeline, stage};

struct Upload {
    bytes: Vec<u8>,
}

#[stage]
fn pack(bytes: Vec<u8>) -> Upload {
    Upload { bytes }
}

#[stage(retries = 3)]
async fn send(upload: Upload) -> Result<usize, std::io::Error> {
    Ok(upload.bytes.len())
}

fn main() {
    println!("{:?}", pipeline![pack => send].run_blocking(vec![1, 2, 3]));
}
