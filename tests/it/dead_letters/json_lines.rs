//! Dead letters as JSON Lines: written, read back and replayed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use pipeline::dead_letters::{JsonLines, Recorded};
use pipeline::{ErrorKind, ErrorMode, pipeline, stage};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Refused, ms, without_runtime};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Row {
    id: u64,
    name: String,
    weight: Option<f64>,
}

fn row(id: u64) -> Row {
    Row { id, name: format!("row \"{id}\"\nof two lines, ☃"), weight: id.is_multiple_of(2).then_some(0.1) }
}

#[stage(retries = 1, delay = "1ms")]
async fn fetch(row: &Row) -> Result<u64, Refused> {
    tokio::task::yield_now().await;
    if row.id.is_multiple_of(3) { Err(Refused(503)) } else { Ok(row.id) }
}

#[stage]
async fn fetch_better(row: &Row) -> u64 {
    row.id
}

/// A file in a temporary folder, which is deleted when it is dropped.
fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("failed.jsonl");
    (folder, path)
}

fn records<In: serde::de::DeserializeOwned>(path: &PathBuf) -> Vec<Recorded<In>> {
    JsonLines::read(path).unwrap().collect::<io::Result<_>>().unwrap()
}

#[tokio::test]
async fn a_dead_letter_is_written_read_back_and_replayed() {
    let (_folder, path) = file();
    let letters = JsonLines::create(&path).unwrap();
    let pipeline = pipeline![fetch].on_error(ErrorMode::Collect).dead_letters(letters);
    let report = pipeline.drain((10..20).map(row)).await.unwrap();
    assert_eq!((report.items_failed(), report.letters_lost()), (3, 0));

    let mut found = records::<Row>(&path);
    found.sort_by_key(|record| record.index);
    let mut failures = report.failures().to_vec();
    failures.sort_by_key(|failure| failure.index);
    for (record, failure) in found.iter().zip(&failures) {
        assert_eq!(record.index, failure.index);
        assert_eq!(record.error, format!("{:#}", failure.error));
        assert_eq!((&*record.stage, record.kind, record.attempts), ("fetch", ErrorKind::Failed, 2));
    }
    let items: Vec<_> = found.into_iter().map(|record| record.item).collect();
    assert_eq!(items, [12, 15, 18].map(row));

    // The type of the items is that of the pipeline.
    let mut replayed = pipeline![fetch_better].collect(JsonLines::items(&path).unwrap()).await.unwrap();
    replayed.sort_unstable();
    assert_eq!(replayed, [12, 15, 18]);
}

#[tokio::test(start_paused = true)]
async fn a_line_has_index_stage_kind_error_attempts_and_item() {
    let (_folder, path) = file();
    let pipeline = pipeline![pass => slow].dead_letters(JsonLines::create(&path).unwrap());
    let error = pipeline.run(7).await.unwrap_err();
    let text = fs::read_to_string(&path).unwrap();
    let (line, rest) = text.split_once('\n').unwrap();
    assert_eq!(rest, "");
    let expected = json!({"index": 0, "stage": "slow", "kind": "timed_out", "error": format!("{error:#}"), "attempts": 1, "item": 7});
    assert_eq!(serde_json::from_str::<Value>(line).unwrap(), expected);
    assert!(
        line.starts_with(r#"{"index":0,"stage":"slow","kind":"timed_out","error":"stage `slow` timed out"#),
        "{line}"
    );
}

#[stage]
async fn pass(x: u64) -> u64 {
    x
}

#[stage(timeout = "10ms")]
async fn slow(x: u64) -> u64 {
    tokio::time::sleep(ms(1000)).await;
    x
}

#[test]
fn a_dead_letter_is_in_the_file_as_soon_as_it_is_accepted_with_and_without_a_runtime() {
    let (_folder, path) = file();
    let letters = JsonLines::create(&path).unwrap();
    let pipeline = pipeline![fetch].dead_letters(letters.clone());
    for n in 1..=3 {
        pipeline.run_blocking(row(0)).unwrap_err();
        assert_eq!(records::<Row>(&path).len(), n);
    }
    // No stage waits here, so no runtime is needed.
    let pipeline = pipeline![refuse].dead_letters(letters);
    without_runtime(pipeline.run(9)).unwrap_err();
    assert_eq!(JsonLines::read::<Value>(&path).unwrap().count(), 4);
}

#[stage]
async fn refuse(_x: u64) -> Result<u64, Refused> {
    Err(Refused(1))
}

#[tokio::test]
async fn create_truncates_the_file_and_append_keeps_it() {
    let (_folder, path) = file();
    let send = async |letters: JsonLines, x| {
        pipeline![refuse].dead_letters(letters).run(x).await.unwrap_err();
    };
    send(JsonLines::append(&path).unwrap(), 1).await;
    send(JsonLines::append(&path).unwrap(), 2).await;
    assert_eq!(JsonLines::items::<u64>(&path).unwrap(), [1, 2]);
    send(JsonLines::create(&path).unwrap(), 3).await;
    assert_eq!(JsonLines::items::<u64>(&path).unwrap(), [3]);
}

#[tokio::test]
async fn a_run_can_append_to_the_file_that_it_replays() {
    let (_folder, path) = file();
    let first = pipeline![fetch].on_error(ErrorMode::Lenient);
    first.dead_letters(JsonLines::create(&path).unwrap()).drain((0..300).map(row)).await.unwrap();
    let again = pipeline![fetch].on_error(ErrorMode::Lenient);
    let again = again.dead_letters(JsonLines::append(&path).unwrap());
    let report = again.drain(JsonLines::items(&path).unwrap()).await.unwrap();
    assert_eq!((report.items_in(), report.items_failed()), (100, 100));
    let mut times = BTreeMap::new();
    for item in JsonLines::items::<Row>(&path).unwrap() {
        *times.entry(item.id).or_insert(0) += 1;
    }
    assert!(times.into_iter().eq((0..100).map(|n| (n * 3, 2))));
}

#[tokio::test]
async fn concurrent_runs_do_not_interleave_their_lines() {
    let (_folder, path) = file();
    let letters = JsonLines::create(&path).unwrap();
    let pipeline = || pipeline![refuse].on_error(ErrorMode::Lenient);
    let shared = [pipeline().dead_letters(letters.clone()), pipeline().dead_letters(letters)];
    let own = pipeline().dead_letters(JsonLines::append(&path).unwrap());
    let (first, second, third) =
        tokio::join!(shared[0].drain(0..200), shared[1].drain(200..400), own.drain(400..600));
    for report in [first, second, third] {
        assert_eq!(report.unwrap().letters_lost(), 0);
    }
    let mut items = JsonLines::items::<u64>(&path).unwrap();
    items.sort_unstable();
    assert!(items.into_iter().eq(0..600));
}

#[test]
fn a_malformed_line_is_reported_with_file_and_line_and_later_lines_are_read() {
    let (_folder, path) = file();
    let good = |item: &str| {
        format!(r#"{{"index":0,"stage":"s","kind":"failed","error":"e","attempts":1,"item":{item}}}"#)
    };
    let cut = &good("3")[..20];
    let lines = [&*good("1"), "", "what?", &good("\"a\""), "{}", &good("2"), cut].join("\n");
    fs::write(&path, lines).unwrap();

    let place = |line: usize| format!("{}:{line}:", path.display());
    let mut read = JsonLines::read::<u64>(&path).unwrap().map(|record| record.map(|record| record.item));
    let mut next = || read.next().unwrap().map_err(|error| (error.kind(), format!("{error:#}")));
    assert_eq!(next().unwrap(), 1);
    let invalid = io::ErrorKind::InvalidData;
    assert_eq!(next().unwrap_err(), (invalid, place(3) + "1: not a dead letter: expected value"));
    let (_, of_other_type) = next().unwrap_err();
    let said = "not a dead letter: invalid type: string \"a\", expected u64";
    assert!(of_other_type.starts_with(&place(4)) && of_other_type.ends_with(said), "{of_other_type}");
    assert_eq!(next().unwrap_err().1, place(5) + "2: not a dead letter: missing field `index`");
    assert_eq!(next().unwrap(), 2);
    assert_eq!(next().unwrap_err().1, place(7) + "20: not a dead letter: EOF while parsing a string");
    assert!(read.next().is_none());

    let error = JsonLines::items::<u64>(&path).unwrap_err().to_string();
    assert!(error.starts_with(&place(3)), "{error}");
}

#[tokio::test]
async fn a_truncated_line_does_not_affect_other_lines() {
    let (_folder, path) = file();
    fs::write(&path, r#"{"index":0,"sta"#).unwrap();
    let pipeline = pipeline![refuse].dead_letters(JsonLines::append(&path).unwrap());
    pipeline.run(5).await.unwrap_err();
    pipeline.run(6).await.unwrap_err();
    let read: Vec<_> = JsonLines::read::<u64>(&path).unwrap().map(|it| it.ok().map(|it| it.item)).collect();
    assert_eq!(read, [None, Some(5), Some(6)]);
}

#[test]
fn a_missing_file_or_a_directory_is_reported_with_its_path() {
    let (folder, path) = file();
    let missing = JsonLines::items::<u64>(&path).unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    assert!(missing.to_string().contains("failed.jsonl"), "{missing}");
    for error in [JsonLines::create(folder.path()), JsonLines::append(folder.path())] {
        let error = error.unwrap_err().to_string();
        assert!(error.contains(&*folder.path().to_string_lossy()), "{error}");
    }
}

/// JSON cannot represent a map whose keys are lists.
#[tokio::test]
async fn an_item_that_cannot_be_serialized_is_counted_as_lost() {
    let (_folder, path) = file();
    let pipeline = pipeline![|map: BTreeMap<Vec<u8>, u8>| u64::from(map[&vec![1]]) => refuse];
    let pipeline = pipeline.on_error(ErrorMode::Lenient).dead_letters(JsonLines::create(&path).unwrap());
    let report = pipeline.drain([BTreeMap::from([(vec![1], 1)])]).await.unwrap();
    assert_eq!((report.items_failed(), report.letters_lost()), (1, 1));
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
}

/// `/dev/full` behaves like a full disk.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_cannot_be_written_does_not_stop_the_run() {
    let pipeline = pipeline![fetch].on_error(ErrorMode::Lenient);
    let pipeline = pipeline.dead_letters(JsonLines::append("/dev/full").unwrap());
    let report = pipeline.drain((0..6).map(row)).await.unwrap();
    assert_eq!((report.items_out(), report.items_failed(), report.letters_lost()), (4, 2, 2));
}

proptest! {
    #[test]
    fn any_item_is_read_back_unchanged(id: u64, name: String, weight in proptest::option::of(-1e300..1e300_f64)) {
        let (_folder, path) = file();
        let item = Row { id: id - id % 3, name, weight };
        let pipeline = pipeline![fetch.retries(0)].dead_letters(JsonLines::create(&path).unwrap());
        pipeline.run_blocking(item.clone()).unwrap_err();
        prop_assert_eq!(JsonLines::items::<Row>(&path).unwrap(), [item]);
    }
}
