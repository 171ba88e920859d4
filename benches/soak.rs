//! An endless source through a pipeline with everything in it, for as long as one likes: what grows, what is left, what is late.
//!
//! Items fail, wait, hang and panic at random, from a seed. They are retried, time out, are split into rows and put
//! together again, and those that fail become dead letters. The load goes through `drain` and `stream` on one thread, and
//! through `drain` with `workers(2)` on two, one after the other. Ten lines for each say how many items were read so far, the
//! resident memory, the tasks that are alive, and how late a task that is woken each millisecond was at worst since the line
//! before; what the machine does to the process is in that figure. Then runs wait for a source that gives nothing, for a
//! second each, and the processor time that this takes is printed. Nothing is asserted. Memory and processor time are read
//! from Linux's `/proc`.
//!
//! Each failure is one dead letter, but for a batch that waits for its next attempt when the run is stopped: it fails as it
//! is, with a letter for each item that it was made from.
//!
//! `cargo bench -p benches --bench soak` takes some 17 seconds; `-- --for 10m` loads for ten minutes in all, and
//! `-- 50000000` with so many items in all.

mod neighbour;

use std::env;
use std::error::Error;
use std::fmt;
use std::fs;
use std::iter;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use neighbour::tick;
use pipeline::{
    Aborted, CancellationToken, Context, DeadLetter, ErrorMode, Outputs, Report, pipeline, source, stage,
};
use tokio::runtime::{Builder, Runtime, RuntimeMetrics};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::sleep;

const DEFAULT: Duration = Duration::from_secs(9);
const SEED: u64 = 7;
const LINES: u32 = 10;
/// How often the watching thread looks.
const LOOK: Duration = Duration::from_millis(10);
/// How the message of a row that panics begins.
const PANIC: &str = "a row that panics";
const IDLE: Duration = Duration::from_secs(1);

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Debug, Clone, Copy)]
enum Wait {
    No,
    Yield,
    Short,
    /// Longer than the timeout, in the first attempt.
    Hang,
}

/// What is to happen to an item, drawn when it is read, so that a seed repeats it.
#[derive(Debug, Clone)]
struct Item {
    number: u64,
    wait: Wait,
    /// How many attempts are refused.
    refusals: u32,
    /// Whether a row of it makes its check panic.
    panics: bool,
    /// Whether a row of it is not stored.
    bad: bool,
}

impl Item {
    fn drawn(number: u64, random: &mut fastrand::Rng) -> Self {
        let wait = match random.u32(..20_000) {
            0 => Wait::Hang,
            1..100 => Wait::Short,
            100..4000 => Wait::Yield,
            _ => Wait::No,
        };
        let refusals = match random.u32(..10_000) {
            0 => u32::MAX,
            1..50 => random.u32(1..=2),
            _ => 0,
        };
        Self { number, wait, refusals, panics: random.u32(..10_000) == 0, bad: random.u32(..10_000) == 0 }
    }
}

#[derive(Debug, Clone)]
struct Row {
    text: String,
    panics: bool,
    bad: bool,
}

#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl Error for Refused {}

#[stage(retries = 2, delay = "1ms", jitter, timeout = "20ms", concurrency = 200)]
async fn fetch(item: &Item, #[context] cx: &Context) -> Result<Item, Refused> {
    match item.wait {
        Wait::Yield => yield_now().await,
        Wait::Short => sleep(Duration::from_millis(1)).await,
        Wait::Hang if cx.attempt() == 1 => sleep(Duration::from_hours(1)).await,
        Wait::No | Wait::Hang => {}
    }
    if cx.attempt() <= item.refusals { Err(Refused) } else { Ok(item.clone()) }
}

#[stage]
fn title(item: &Item) -> String {
    format!("item {}", item.number)
}

#[stage]
async fn rows(item: Item) -> usize {
    if matches!(item.wait, Wait::Yield) {
        yield_now().await;
    }
    if item.number.is_multiple_of(4) { 0 } else { 3 }
}

#[stage]
fn table(item: &Item, title: &str, rows: usize) -> Vec<Row> {
    let row = |row| Row {
        text: format!("{title}, row {row}"),
        panics: item.panics && row == 0,
        bad: item.bad && row == 1,
    };
    (0..rows).map(row).collect()
}

#[stage]
fn check(row: Row) -> Row {
    assert!(!row.panics, "{PANIC}: {}", row.text);
    row
}

#[stage(concurrency = 4, retries = 1, delay = "1ms", timeout = "1s", split_on_failure)]
async fn store(rows: &[Row]) -> Result<u64, Refused> {
    yield_now().await;
    if rows.iter().any(|row| row.bad) { Err(Refused) } else { Ok(rows.len() as u64) }
}

/// The pipeline of all parts. It is a macro because the type of a pipeline cannot be written.
macro_rules! everything {
    ($stop:expr, $letters:expr) => {
        pipeline![fetch => (|item: Item| item, title, rows) => table => each => check => batch(50, "5ms") => store]
            .on_error(ErrorMode::Lenient)
            .concurrency(256)
            .seed(SEED)
            .cancel_on($stop)
            .dead_letters($letters)
    };
}

/// How long a part is, or how many items it takes.
#[derive(Debug, Clone, Copy)]
enum Load {
    For(Duration),
    Items(u64),
}

impl Load {
    /// From the arguments; cargo adds `--bench` to them.
    fn from_arguments() -> Result<Self, Failure> {
        let usage = "give `--for` and a time such as 10s, 10m or 2h, or a number of items";
        let mut arguments = env::args().skip(1).filter(|argument| argument != "--bench");
        let load = match arguments.next().as_deref() {
            None => Self::For(DEFAULT),
            Some("--for") => {
                let text = arguments.next().ok_or(usage)?;
                let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
                let seconds = match &text[digits.len()..] {
                    "s" => 1,
                    "m" => 60,
                    "h" => 3600,
                    _ => return Err(usage.into()),
                };
                Self::For(Duration::from_secs(digits.parse::<u64>().map_err(|_| usage)? * seconds))
            }
            Some(count) => Self::Items(count.parse().map_err(|_| usage)?),
        };
        if arguments.next().is_some() { Err(usage.into()) } else { Ok(load) }
    }

    fn divided(self, parts: u32) -> Self {
        match self {
            Self::For(time) => Self::For(time / parts),
            Self::Items(count) => Self::Items(count.div_ceil(u64::from(parts))),
        }
    }
}

/// What is known of a part while it runs.
#[derive(Default)]
struct Progress {
    items: AtomicU64,
    letters: AtomicU64,
    /// The worst lateness since the line before, in nanoseconds.
    late: AtomicU64,
    ended: AtomicBool,
}

impl Progress {
    fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// The items of a part, each counted when it is read.
    fn source(self: Arc<Self>, load: Load) -> impl Iterator<Item = Item> + Send + 'static {
        let mut random = fastrand::Rng::with_seed(SEED);
        let count = if let Load::Items(count) = load { count } else { u64::MAX };
        let draw = move || {
            let number = self.items.fetch_add(1, Ordering::Relaxed);
            Item::drawn(number, &mut random)
        };
        (0..count).zip(iter::repeat_with(draw)).map(|(_, item)| item)
    }

    /// Takes the dead letters until there are no more.
    async fn take_letters(self: Arc<Self>, mut letters: mpsc::Receiver<DeadLetter<Item>>) {
        while letters.recv().await.is_some() {
            self.letters.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn note_lateness(self: Arc<Self>, start: Instant) {
        tick(start, |late| {
            let nanos = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
            self.late.fetch_max(nanos, Ordering::Relaxed);
            !self.ended()
        })
        .await;
    }
}

/// What the lines of a part amount to.
#[derive(Default)]
struct Watched {
    memory: Vec<u64>,
    tasks: usize,
    late: Duration,
}

/// Prints a line at each tenth of the part, and stops the part when its time is up. Runs on a thread of its own, so that it
/// neither delays the runtime nor waits for it.
fn watch(progress: &Progress, tasks: &RuntimeMetrics, load: Load, stop: &CancellationToken) -> Watched {
    let start = Instant::now();
    let mut watched = Watched::default();
    let mut lines = 0;
    while lines < LINES && !progress.ended() {
        thread::sleep(LOOK);
        let elapsed = start.elapsed();
        let items = progress.items.load(Ordering::Relaxed);
        let due = match load {
            Load::For(time) => elapsed >= time * (lines + 1) / LINES,
            Load::Items(count) => items >= count * u64::from(lines + 1) / u64::from(LINES),
        };
        if due {
            lines += 1;
            let (memory, tasks) = (resident(), tasks.num_alive_tasks());
            let late = Duration::from_nanos(progress.late.swap(0, Ordering::Relaxed));
            println!(
                "  {:>8.1} s {items:>12} items {memory:>8} KiB {tasks:>4} tasks {:>9.1} ms late",
                elapsed.as_secs_f64(),
                late.as_secs_f64() * 1e3
            );
            watched.memory.push(memory);
            watched.tasks = watched.tasks.max(tasks);
            watched.late = watched.late.max(late);
        }
    }
    if matches!(load, Load::For(_)) {
        stop.cancel();
    }
    watched
}

/// Which run carries the load.
#[derive(Clone, Copy)]
enum Verb {
    Drain,
    Stream,
    Workers,
}

impl Verb {
    const ALL: [Self; 3] = [Self::Drain, Self::Stream, Self::Workers];

    fn name(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Stream => "stream",
            Self::Workers => "drain, workers(2)",
        }
    }

    fn runtime(self) -> Runtime {
        match self {
            Self::Drain | Self::Stream => one_thread(),
            Self::Workers => two_threads(),
        }
    }

    async fn run(
        self,
        source: impl Iterator<Item = Item> + Send + 'static,
        stop: CancellationToken,
        letters: mpsc::Sender<DeadLetter<Item>>,
    ) -> Result<Report, Aborted> {
        match self {
            Self::Drain => everything!(stop, letters).drain(source).await,
            Self::Workers => everything!(stop, letters).workers(2).drain(source).await,
            Self::Stream => {
                let mut outputs = everything!(stop, letters).stream(source);
                while outputs.next().await.is_some() {}
                Ok(outputs.report().await)
            }
        }
    }
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime on this thread needs no resources")
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("two threads are to be had")
}

/// Runs a part and prints its lines. Returns its line of the summary.
fn part(verb: Verb, load: Load) -> Result<String, Failure> {
    println!("\n{}", verb.name());
    let start = Instant::now();
    let runtime = verb.runtime();
    let progress = Arc::new(Progress::default());
    let stop = CancellationToken::new();
    let watching = {
        let (progress, metrics, stop) = (Arc::clone(&progress), runtime.metrics(), stop.clone());
        thread::spawn(move || watch(&progress, &metrics, load, &stop))
    };
    let report = runtime.block_on(async {
        let neighbour = tokio::spawn(Arc::clone(&progress).note_lateness(start));
        let (letters, receiver) = mpsc::channel(1000);
        let taking = tokio::spawn(Arc::clone(&progress).take_letters(receiver));
        let report = verb.run(Arc::clone(&progress).source(load), stop, letters).await;
        // The sender of the letters ended with the pipeline.
        taking.await?;
        progress.ended.store(true, Ordering::Relaxed);
        neighbour.await?;
        Ok::<_, Failure>(report?)
    })?;
    // Tasks of two threads may end a moment after what waits for them.
    runtime.block_on(async { sleep(Duration::from_millis(100)).await });
    let left = runtime.metrics().num_alive_tasks();
    let watched = watching.join().map_err(|_| "the watching thread panicked")?;
    let memory = |kib: Option<&u64>| kib.map_or_else(|| "-".to_owned(), u64::to_string);
    Ok(format!(
        "  {:<18} {:>11} {:>9} {:>7} {:>9} {:>5} {:>9} {:>9} {:>9} {:>6} {:>5} {:>10.1}",
        verb.name(),
        report.items_in(),
        report.items_failed(),
        report.items_cancelled(),
        progress.letters.load(Ordering::Relaxed),
        report.letters_lost(),
        memory(watched.memory.first()),
        memory(watched.memory.last()),
        memory(watched.memory.iter().max()),
        watched.tasks,
        left,
        watched.late.as_secs_f64() * 1e3,
    ))
}

/// Resident memory in KiB. From `status`, since `statm` counts in pages, whose size it does not tell.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// The processor time of all threads so far. From `schedstat`, since `stat` counts in hundredths of a second.
fn processor_time() -> Duration {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = threads.filter_map(|thread| {
        let statistics = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        statistics.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// Waits a second for an output of a stream, or only waits if there is none, and prints what that took.
fn idle(name: &str, runtime: &Runtime, outputs: impl FnOnce() -> Option<Outputs<u64>>) {
    let (took, came) = runtime.block_on(async {
        let mut outputs = outputs();
        // What is there to start has started before the second begins.
        sleep(Duration::from_millis(50)).await;
        let before = processor_time();
        let wait = async {
            match &mut outputs {
                Some(outputs) => drop(outputs.next().await),
                None => std::future::pending().await,
            }
        };
        let came = tokio::time::timeout(IDLE, wait).await.is_ok();
        (processor_time().saturating_sub(before), came)
    });
    let came = if came { ": an output came" } else { "" };
    println!("  {name:<52} {:>8.3} ms{came}", took.as_secs_f64() * 1e3);
}

fn all_idle() {
    println!("\nprocessor time of the process in one second of waiting");
    let never = || source::stream(stream::pending::<u64>());
    let (one, two) = (one_thread(), two_threads());
    idle("no run, one thread", &one, || None);
    idle("stream, a source that gives nothing", &one, || Some(pipeline![|x: u64| x].stream(never())));
    let three = || source::stream(stream::iter(0..3).chain(stream::pending()));
    idle("stream, three items wait in a batch", &one, || {
        Some(pipeline![u64: batch(10, "1h") => |rows: Vec<u64>| rows.len() as u64].stream(three()))
    });
    idle("stream, three calls wait", &one, || Some(pipeline![asleep].stream(three())));
    idle("no run, two threads", &two, || None);
    idle("stream, workers(2), a source that gives nothing", &two, || {
        Some(pipeline![|x: u64| x].workers(2).stream(never()))
    });
    idle("stream, workers(2), three calls wait", &two, || Some(pipeline![asleep].workers(2).stream(three())));
}

#[stage(timeout = "2h")]
async fn asleep(x: u64) -> u64 {
    sleep(Duration::from_hours(1)).await;
    x
}

fn main() -> Result<(), Failure> {
    let load = Load::from_arguments()?.divided(3);
    // Rows panic by the hundred, and each is counted as a failure. Another panic is printed.
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !panic.payload_as_str().is_some_and(|message| message.starts_with(PANIC)) {
            print(panic);
        }
    }));
    let summary = Verb::ALL.map(|verb| part(verb, load));
    all_idle();
    println!(
        "\nsummary (memory in KiB in the first line, in the last, and at the highest; tasks while it ran and after)"
    );
    println!(
        "  {:<18} {:>11} {:>9} {:>7} {:>9} {:>5} {:>9} {:>9} {:>9} {:>6} {:>5} {:>10}",
        "",
        "items",
        "failed",
        "cancel.",
        "letters",
        "lost",
        "first",
        "last",
        "highest",
        "tasks",
        "after",
        "late, ms"
    );
    for line in summary {
        println!("{}", line?);
    }
    Ok(())
}
