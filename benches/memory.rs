//! How much memory a run takes, whatever the number of its items: ten million beside a hundred thousand.
//!
//! Each run has a process to itself, which tells what it held at most (`VmHWM`, from Linux's `/proc`).

mod work;

use std::env;
use std::process::Command;

use pipeline::{pipeline, stage};
use work::{Failure, Overflow, fetch, items, runtime, scale, shift, square};

const FEW: u32 = 100_000;
const MANY: u32 = 10_000_000;
const MARK: u64 = 2048;

#[stage]
async fn rows(x: u64) -> Result<[u64; 10], Overflow> {
    let last = x.checked_add(9).ok_or(Overflow)?;
    Ok(std::array::from_fn(|row| last - row as u64))
}

#[stage]
async fn sum(rows: Vec<u64>) -> Result<u64, Overflow> {
    rows.into_iter().try_fold(0_u64, u64::checked_add).ok_or(Overflow)
}

/// Runs so many items through, in this process.
async fn take(run: &str, n: u32) -> Result<usize, Failure> {
    let report = match run {
        "ready" => pipeline![scale => shift => square].drain(items(n)).await?,
        "yielding" => pipeline![fetch => shift => square].drain(items(n)).await?,
        "each and batch" => {
            pipeline![scale => rows => each => shift => batch(100) => sum].drain(items(n / 10)).await?
        }
        "workers(2)" => pipeline![scale => shift => square].workers(2).drain(items(n)).await?,
        "stream" => {
            let mut outputs = pipeline![scale => shift => square].stream(items(n));
            let mut count = 0;
            while let Some(output) = outputs.next().await {
                output?;
                count += 1;
            }
            return Ok(count);
        }
        _ => return Err(format!("there is no `{run}`").into()),
    };
    Ok(report.items_out())
}

/// In KiB.
fn at_most() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc/self/status")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn measured(run: &str, n: u32) -> Result<u64, Failure> {
    let child = Command::new(env::current_exe()?).env("RUN", run).env("ITEMS", n.to_string()).output()?;
    if !child.status.success() {
        return Err(String::from_utf8_lossy(&child.stderr).into());
    }
    Ok(String::from_utf8(child.stdout)?.trim().parse()?)
}

fn main() -> Result<(), Failure> {
    if let (Ok(run), Ok(n)) = (env::var("RUN"), env::var("ITEMS")) {
        runtime().block_on(take(&run, n.parse()?))?;
        println!("{}", at_most()?);
        return Ok(());
    }
    println!("\nmemory: a hundred thousand items, ten million, the difference, in KiB");
    for run in ["ready", "yielding", "each and batch", "stream", "workers(2)"] {
        let (few, many) = (measured(run, FEW)?, measured(run, MANY)?);
        let verdict = if few.abs_diff(many) > MARK { ": missed" } else { "" };
        let more = many.cast_signed() - few.cast_signed();
        println!("  {run:<32} {few:>8} {many:>8} {more:>+8}  mark \u{b1} {MARK}{verdict}");
    }
    Ok(())
}
