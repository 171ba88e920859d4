use pipeline::stage;

trait Loads {
    #[stage]
    fn load(id: u32) -> String;
}

fn main() {}
