//! Work that keeps a thread busy: reading, compressing and hashing the bytes of a real file.
//!
//! A `blocking` stage is an ordinary function that runs on a thread where blocking does no harm, so the async tasks
//! of the program go on meanwhile.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use pipeline::{pipeline, stage};
use sha2::{Digest, Sha256};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/airports.csv");

/// A part of the file: what is hashed and compressed on its own.
const PART: u64 = 32 * 1024;

#[derive(Debug)]
struct Packed {
    from: usize,
    to: usize,
    sha256: String,
}

/// Disks fail now and then, and network drives more often.
#[stage(blocking, retries = 2, timeout = "5s")]
fn read(offset: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(FILE)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(PART).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// At most two at once, however many parts are on their way: the other cores are somebody else's.
///
/// A thread cannot be interrupted. After a timeout the item fails and its thread goes on to the end of the function.
#[stage(blocking, concurrency = 2, timeout = "10s")]
fn pack(bytes: &[u8]) -> io::Result<Packed> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    let packed = gzip.finish()?;
    let sha256 = hex(&Sha256::digest(bytes));
    Ok(Packed { from: bytes.len(), to: packed.len(), sha256 })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let size = std::fs::metadata(FILE)?.len();
    let parts: Vec<u64> = (0..size.div_ceil(PART)).map(|part| part * PART).collect();

    let packed = pipeline![read => pack].collect(parts).await?;

    println!("part     bytes  packed  sha256");
    for (part, Packed { from, to, sha256 }) in packed.iter().enumerate() {
        println!("{part:>4}  {from:>8}  {to:>6}  {}…", &sha256[..16]);
    }
    let (from, to) = packed.iter().fold((0, 0), |(from, to), part| (from + part.from, to + part.to));
    println!(" all  {from:>8}  {to:>6}");
    Ok(())
}
