use pipeline::{DeadLetter, pipeline, stage};

struct Row(u32);

#[stage]
fn store(row: &Row) -> u32 {
    row.0
}

fn main() {
    let (dead, _letters) = tokio::sync::mpsc::unbounded_channel::<DeadLetter<Row>>();
    let _ = pipeline![store].dead_letters(dead);
}
