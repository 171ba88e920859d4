use pipeline::stage;

type Checked<T, E = String> = Result<T, E>;

#[stage]
fn first<T: Send + Sync + Clone>(list: &Vec<T>) -> Checked<T> {
    list.first().cloned().ok_or_else(|| "nothing".to_owned())
}

fn main() {}
