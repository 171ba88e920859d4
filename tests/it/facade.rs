//! A crate that has `pipeline` from another crate: it says where, or is told to.

use std::fs;
use std::path::Path;
use std::process::Command;

const WORKSPACE: &str = r#"
[workspace]
resolver = "2"
members = ["facade", "app"]
"#;

const FACADE: &str = r#"
[package]
name = "facade"
version = "0.0.0"
edition = "2024"

[dependencies]
pipeline = { package = "checked-pipeline", path = "PATH" }
"#;

const APP: &str = r#"
[package]
name = "app"
version = "0.0.0"
edition = "2024"

[dependencies]
facade = { path = "../facade" }
"#;

const MAIN: &str = r#"
use facade::pipeline::{Provide, pipeline, stage};

#[derive(Provide)]OF_PROVIDE
struct App(u32);

#[stage]
async fn double(x: u32) -> u32 {
    x * 2
}

#[stage(OF_STAGEretries = 2)]
async fn add(x: &u32, #[state] n: &u32) -> Result<u32, String> {
    x.checked_add(*n).ok_or_else(|| "too large".to_owned())
}

fn main() {
    let sum = pipeline![OF_PIPELINEdouble => add => |x| x + 1];
    println!("{:?}", sum.with(App(1)).run_blocking(1));
}
"#;

/// The errors of `cargo check` on the project with this program.
fn errors(project: &Path, main: &str) -> Vec<String> {
    fs::write(project.join("app/src/main.rs"), main).expect("the folder can be written to");
    let check = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--quiet", "--color=never"])
        .current_dir(project)
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("facade"))
        .output()
        .expect("cargo runs");
    let text = String::from_utf8_lossy(&check.stderr).into_owned();
    let errors = text.lines().filter(|line| line.starts_with("error") && !line.contains("could not compile"));
    let errors: Vec<_> = errors.map(str::to_owned).collect();
    assert_eq!(check.status.success(), errors.is_empty(), "{text}");
    errors
}

#[test]
fn each_use_without_a_path_is_one_error_that_says_what_to_write() {
    let project = tempfile::tempdir().expect("a folder can be made");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let write = |path: &str, text: &str| {
        let path = project.path().join(path);
        fs::create_dir_all(path.parent().expect("it is in the project")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    };
    let runtime = root.join("pipeline").to_string_lossy().replace('\\', "/");
    write("Cargo.toml", WORKSPACE);
    write("facade/Cargo.toml", &FACADE.replace("PATH", &runtime));
    write("facade/src/lib.rs", "pub use pipeline;");
    write("app/Cargo.toml", APP);
    write("app/src/main.rs", "");
    // The versions that are here already.
    fs::copy(root.join("Cargo.lock"), project.path().join("Cargo.lock")).expect("it can be copied");

    let forgotten = MAIN.replace("OF_PROVIDE", "").replace("OF_STAGE", "").replace("OF_PIPELINE", "");
    let told = |example: &str| {
        format!(
            "error: this crate does not depend on `pipeline` itself: add `checked-pipeline` to its `Cargo.toml`, or say \
             where `pipeline` is, `{example}`"
        )
    };
    let mut found = errors(project.path(), &forgotten);
    found.sort();
    let stage = told("#[stage(crate = facade::pipeline)]");
    let chain = told("pipeline![crate = facade::pipeline; fetch => parse]");
    assert_eq!(found, [told("#[provide(crate = facade::pipeline)]"), stage.clone(), stage, chain]);

    let named = MAIN
        .replace("#[stage]", "#[stage(crate = facade::pipeline)]")
        .replace("OF_PROVIDE", "\n#[provide(crate = facade::pipeline)]")
        .replace("OF_STAGE", "crate = facade::pipeline, ")
        .replace("OF_PIPELINE", "crate = facade::pipeline; ");
    assert_eq!(errors(project.path(), &named), Vec::<String>::new());
    // Or the crate's root gives it its name.
    let renamed = format!("extern crate facade as other;\nextern crate facade as pipeline;\n{forgotten}");
    assert!(errors(project.path(), &renamed).iter().all(|error| !error.contains("does not depend")));
}
