#!/usr/bin/env bash
# What the crate costs a build, in medians over some rounds (5, or as many as the argument says):
#   - `cargo check` of a crate with a chain of 40 stages, beside one with a chain of 1 (mark: under 2 s more);
#   - `cargo build -p pipeline` from nothing (mark: under 20 s), and the processor time of it, which says more where
#     other work keeps the machine busy.
# The two checks take turns, so that a busy moment of the machine falls on both.
set -euo pipefail

rounds=${1:-5}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A crate whose pipeline is a chain of $1 stages, each a function of its own, the types going back and forth.
generate() {
    local stages=$1 crate=$work/chain_$1 chain="" index
    mkdir -p "$crate/src"
    cat >"$crate/Cargo.toml" <<TOML
[package]
name = "chain_$stages"
version = "0.0.0"
edition = "2024"

[dependencies]
pipeline = { path = "$root/pipeline" }

[workspace]
TOML
    cp "$root/Cargo.lock" "$crate/Cargo.lock"
    {
        echo "use pipeline::{pipeline, stage};"
        for ((index = 0; index < stages; index++)); do
            if ((index % 2 == 0)); then
                echo "#[stage(retries = 3, timeout = \"5s\")]"
                echo "async fn stage_$index(x: u64) -> Result<String, std::fmt::Error> { Ok(x.to_string()) }"
            else
                echo "#[stage]"
                echo "async fn stage_$index(x: &str) -> Result<u64, std::num::ParseIntError> { x.parse() }"
            fi
            chain+="${chain:+ => }stage_$index"
        done
        echo "fn main() { println!(\"{:?}\", pipeline![$chain].run_blocking(1)); }"
    } >"$crate/src/main.rs"
}

# Runs a command in silence and prints how many milliseconds it took.
timed() {
    local begin end
    begin=$(date +%s%N)
    "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }
    end=$(date +%s%N)
    echo $(((end - begin) / 1000000))
}

median() {
    sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

check() {
    touch "$work/chain_$1/src/main.rs"
    CARGO_TARGET_DIR=$work/target timed cargo check --quiet --manifest-path "$work/chain_$1/Cargo.toml"
}

build() {
    local TIMEFORMAT="%U %S" log=$work/build_log
    rm -rf "$work/clean"
    export CARGO_TARGET_DIR=$work/clean
    # The shell writes the processor time to the same place as what goes wrong.
    { time timed cargo build --quiet --manifest-path "$root/Cargo.toml" -p pipeline >>"$work/build"; } 2>"$log" ||
        { cat "$log" >&2; exit 1; }
    awk '{ print int(($1 + $2) * 1000) }' "$log" >>"$work/processor"
    unset CARGO_TARGET_DIR
}

generate 1
generate 40
# The first checks build the dependencies, which both crates share.
check 1 >/dev/null
check 40 >/dev/null
for ((round = 0; round < rounds; round++)); do
    check 1 >>"$work/one"
    check 40 >>"$work/forty"
done
for ((round = 0; round < (rounds + 1) / 2; round++)); do
    build
done

one=$(median <"$work/one")
forty=$(median <"$work/forty")
echo "cargo check, a chain of 1:         $one ms"
echo "cargo check, a chain of 40:        $forty ms, $((forty - one)) ms more"
echo "cargo build -p pipeline, clean:    $(median <"$work/build") ms, $(median <"$work/processor") ms of processor time"
