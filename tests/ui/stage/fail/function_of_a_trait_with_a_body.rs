use pipeline::stage;

trait Loads {
    #[stage(retries = 2)]
    fn load(id: u32) -> Result<String, String> {
        Err(id.to_string())
    }
}

fn main() {}
