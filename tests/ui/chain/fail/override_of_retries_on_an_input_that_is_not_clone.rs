use pipeline::{pipeline, stage};

struct Upload {
    bytes: Vec<u8>,
}

#[stage]
fn pack(bytes: Vec<u8>) -> Upload {
    Upload { bytes }
}

#[stage]
async fn send(upload: Upload) -> Result<usize, std::io::Error> {
    Ok(upload.bytes.len())
}

fn main() {
    let uploads = pipeline![pack => send.retries(3)];
    println!("{:?}", uploads.run_blocking(vec![1, 2, 3]));
}
