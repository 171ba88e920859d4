use pipeline::stage;

#[stage(retries = 3)]
trait Source {
    fn fetch(&self, url: &str) -> String;
}

struct Files;

impl Source for Files {
    fn fetch(&self, url: &str) -> String {
        std::fs::read_to_string(url).unwrap_or_default()
    }
}

fn main() {
    println!("{}", Files.fetch("airports.csv"));
}
