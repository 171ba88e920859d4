use pipeline::stage;

struct LoadError;

type Loaded<T> = Result<T, LoadError>;

#[stage]
async fn load(path: &str) -> Loaded<String> {
    if path.is_empty() { Err(LoadError) } else { Ok(path.to_owned()) }
}

fn main() {}
