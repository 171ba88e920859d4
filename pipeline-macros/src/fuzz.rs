//! Mutated inputs of the macros: none makes them panic, or write what is no Rust.
//!
//! The short form runs with the tests. `FUZZ=1000000 cargo test -p checked-pipeline-macros --release fuzz` is the long one.

use std::fs;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::{chain, fragments, provide, stage};

/// A source of random numbers that is the same each time: xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let random = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(random).unwrap_or(0) % limit.max(1)
    }
}

/// What the macros are given in the tests, the examples and the compile-fail cases.
#[derive(Default)]
struct Inputs {
    pipelines: Vec<TokenStream>,
    stages: Vec<(TokenStream, TokenStream)>,
}

impl Inputs {
    fn of_this_repository() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut inputs = Self::default();
        for folder in ["tests/it", "tests/ui", "examples"] {
            inputs.read(&root.join(folder));
        }
        inputs
    }

    fn read(&mut self, folder: &Path) {
        let entries = fs::read_dir(folder).expect("the folder is in the repository");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                self.read(&path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("the file can be read");
                // A case may be a mistake that no lexer reads.
                if let Ok(tokens) = TokenStream::from_str(&text) {
                    self.search(tokens);
                }
            }
        }
    }

    /// Finds `pipeline![…]`, and functions with `#[stage]`.
    fn search(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            let TokenTree::Group(group) = token else { continue };
            let before = |back: usize| index.checked_sub(back).map(|at| tokens[at].to_string());
            if before(1).as_deref() == Some("!") && before(2).as_deref() == Some("pipeline") {
                self.pipelines.push(group.stream());
            }
            if group.delimiter() == Delimiter::Bracket && before(1).as_deref() == Some("#") {
                self.stage(group.stream(), &tokens[index + 1..]);
            }
            self.search(group.stream());
        }
    }

    fn stage(&mut self, attribute: TokenStream, rest: &[TokenTree]) {
        let mut attribute = attribute.into_iter();
        if !matches!(attribute.next(), Some(TokenTree::Ident(name)) if name == "stage") {
            return;
        }
        let options = match attribute.next() {
            Some(TokenTree::Group(options)) => options.stream(),
            _ => TokenStream::new(),
        };
        let is_body = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        if let Some(end) = rest.iter().position(is_body) {
            self.stages.push((options, rest[..=end].iter().cloned().collect()));
        }
    }

    fn all(&self) -> Vec<TokenStream> {
        let stages = self.stages.iter().flat_map(|(options, item)| [options.clone(), item.clone()]);
        self.pipelines.iter().cloned().chain(stages).collect()
    }
}

/// Changes the tokens at a random place: leaves one out, doubles it, swaps it, or puts another one there.
fn mutated(tokens: TokenStream, others: &[TokenStream], random: &mut Random) -> TokenStream {
    let mut tokens: Vec<_> = tokens.into_iter().collect();
    let at = random.below(tokens.len());
    // Into a group, more often than not.
    if let Some(TokenTree::Group(group)) = tokens.get(at)
        && random.below(3) > 0
    {
        let delimiters = [
            Delimiter::Parenthesis,
            Delimiter::Brace,
            Delimiter::Bracket,
            Delimiter::None,
            group.delimiter(),
        ];
        let delimiter = if random.below(10) == 0 { delimiters[random.below(5)] } else { group.delimiter() };
        tokens[at] = TokenTree::Group(Group::new(delimiter, mutated(group.stream(), others, random)));
        return tokens.into_iter().collect();
    }
    match random.below(6) {
        0 if !tokens.is_empty() => drop(tokens.remove(at)),
        1 if !tokens.is_empty() => tokens.insert(at, tokens[at].clone()),
        2 if tokens.len() > 1 => {
            let other = random.below(tokens.len());
            tokens.swap(at, other);
        }
        // What is half written.
        3 => tokens.truncate(at),
        _ => {
            let other: Vec<_> = others[random.below(others.len())].clone().into_iter().collect();
            let from = random.below(other.len());
            let count = 1 + random.below(3);
            for token in other.into_iter().skip(from).take(count) {
                tokens.insert(at, token);
            }
        }
    }
    tokens.into_iter().collect()
}

/// Expands, and checks the time and what comes out.
fn expand(what: &str, input: &TokenStream, expand: impl FnOnce() -> TokenStream) {
    let start = Instant::now();
    let expanded = expand();
    assert!(start.elapsed() < Duration::from_secs(10), "{what} took too long:\n{input}");
    let parses = if what == "pipeline" {
        syn::parse2::<syn::Expr>(expanded.clone()).map(drop)
    } else {
        syn::parse2::<syn::File>(expanded.clone()).map(drop)
    };
    if let Err(error) = parses {
        // The body of a stage is returned as it was.
        let is_wrong = what == "stage" && syn::parse2::<syn::File>(input.clone()).is_err();
        let is_told = expanded.to_string().contains("compile_error");
        assert!(is_told || is_wrong, "{what}: {error}\n{input}\n=>\n{expanded}");
    }
}

#[test]
fn no_mutated_input_makes_the_macros_panic_or_write_what_is_no_rust() {
    // With the stack of rustc's main thread.
    let fuzz = std::thread::Builder::new().stack_size(8 << 20).spawn(fuzz).expect("a thread can be started");
    fuzz.join().expect("a message above says what failed");
}

fn fuzz() {
    let count = std::env::var("FUZZ").ok().and_then(|count| count.parse().ok()).unwrap_or(4000);
    let inputs = Inputs::of_this_repository();
    let all = inputs.all();
    assert!(inputs.pipelines.len() > 500 && inputs.stages.len() > 500, "the inputs were not found");
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..count {
        let pipeline = inputs.pipelines[random.below(inputs.pipelines.len())].clone();
        let (options, item) = inputs.stages[random.below(inputs.stages.len())].clone();
        let (mut pipeline, mut options, mut item) = (pipeline, options, item);
        for _ in 0..=random.below(3) {
            pipeline = mutated(pipeline, &all, &mut random);
            options = if random.below(2) == 0 { mutated(options, &all, &mut random) } else { options };
            item = if random.below(2) == 0 { mutated(item, &all, &mut random) } else { item };
        }
        expand("pipeline", &pipeline, || chain::expand(fragments::open(pipeline.clone())));
        expand("stage", &item, || stage::expand(fragments::open(options.clone()), &item));
        expand("Provide", &item, || provide::expand(item.clone()));
    }
}
