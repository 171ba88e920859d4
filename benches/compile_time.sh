#!/usr/bin/env bash
# benches/compile_time.sh [baseline-checkout]
#
# Prints the processor time in user mode that rustc needs for a crate with one pipeline of 16 and of 64 stages: `cargo
# check`, `cargo build` and `cargo build --release`, without incremental compilation. Dependencies are built beforehand
# and do not count; what they cost, the library included, is printed on its own.
# With another checkout, both are measured in turns. Figures are medians of 3 rounds, or of as many as ROUNDS says,
# with five checks a round; dependencies are built once.
set -euo pipefail

rounds=${ROUNDS:-3}
sizes=(16 64)
modes=(check build release)

root=$(cd "$(dirname "$0")/.." && pwd)
checkouts=("$root")
if (($# > 0)); then
    checkouts+=("$(cd "$1" && pwd)")
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Both checkouts are built by the toolchain of this one, in the profiles that cargo has by default.
cd "$root"
unset "${!CARGO_PROFILE_@}" CARGO_BUILD_TARGET
export CARGO_INCREMENTAL=0

# Cargo calls this in place of rustc for the generated crate, and for no dependency.
cat >"$work/timed_rustc" <<'WRAPPER'
#!/usr/bin/env bash
TIMEFORMAT=%U
{ time "$@" 2>&3; } 3>&2 2>"$RUSTC_TIME"
WRAPPER
chmod +x "$work/timed_rustc"

# 16 stages from a `String` to a `String`, whose names end in $1.
stages() {
    cat <<RUST

#[stage]
fn trim_$1(text: &str) -> String {
    text.trim().to_owned()
}

#[stage]
fn parse_$1(text: &str) -> Result<u64, std::num::ParseIntError> {
    text.parse()
}

#[stage(retries = 3, timeout = "5s")]
async fn fetch_$1(id: u64) -> Result<Order, Failure> {
    let lines = ready(vec![id, 2, 3]).await;
    if id == 0 { Err(Failure("no such order")) } else { Ok(Order { id, lines }) }
}

#[stage]
fn validate_$1(order: Order) -> Result<Order, Failure> {
    if order.lines.is_empty() { Err(Failure("no lines")) } else { Ok(order) }
}

#[stage]
async fn complete_$1(mut order: Order) -> Result<Order, Failure> {
    order.lines.push(ready(order.id).await);
    Ok(order)
}

#[stage]
fn sort_$1(mut order: Order) -> Order {
    order.lines.sort_unstable();
    order
}

#[stage(timeout = "2s")]
async fn quote_$1(order: &Order) -> Result<Quote, Failure> {
    let cents = ready(order.lines.iter().sum()).await;
    Ok(Quote { order: order.id, cents })
}

#[stage]
fn discount_$1(quote: Quote) -> Quote {
    Quote { cents: quote.cents - quote.cents / 10, ..quote }
}

#[stage]
async fn tax_$1(quote: Quote) -> Result<Quote, Failure> {
    let rate = ready(19).await;
    let cents = quote.cents.checked_mul(100 + rate).ok_or(Failure("too expensive"))? / 100;
    Ok(Quote { cents, ..quote })
}

#[stage]
async fn invoice_$1(quote: Quote) -> Invoice {
    let text = ready(format!("{} cents for {}", quote.cents, quote.order)).await;
    Invoice { number: quote.order, text }
}

#[stage(retries = 2, delay = "10ms", backoff = "exponential", timeout = "1s")]
async fn reserve_$1(invoice: &Invoice) -> Result<Receipt, Failure> {
    let text = ready(invoice.text.clone()).await;
    Ok(Receipt { number: invoice.number, text })
}

#[stage]
fn sign_$1(receipt: Receipt) -> Result<Receipt, Failure> {
    let text = receipt.text.strip_suffix('!').map_or(receipt.text.clone(), str::to_owned);
    Ok(Receipt { text, ..receipt })
}

#[stage]
async fn audit_$1(receipt: Receipt) -> Receipt {
    ready(receipt).await
}

#[stage]
fn shorten_$1(mut receipt: Receipt) -> Receipt {
    receipt.text.truncate(80);
    receipt
}

#[stage(retries = 3)]
async fn store_$1(receipt: &Receipt) -> Result<u64, Failure> {
    ready(receipt.number.checked_add(1).ok_or(Failure("full"))).await
}

#[stage]
fn render_$1(number: u64) -> String {
    number.to_string()
}
RUST
}

# The part of the pipeline that calls them, with one closure.
chain() {
    cat <<RUST
        trim_$1 => parse_$1 => fetch_$1 => validate_$1 => complete_$1 => sort_$1 => quote_$1 => discount_$1
            => |quote| Quote { cents: quote.cents + 1, ..quote }
            => tax_$1 => invoice_$1 => reserve_$1 => sign_$1 => audit_$1 => shorten_$1 => store_$1 => render_$1
RUST
}

# Prints the name of the package in a checkout's folder pipeline/; its library is called pipeline whatever the package is.
package() {
    sed -n '/^name = /{s/.*"\(.*\)"/\1/p;q}' "$1/pipeline/Cargo.toml"
}

# Writes a crate into the folder $1 with a pipeline of $2 stages, which uses the library of the checkout $3.
generate() {
    local crate=$1 groups=$(($2 / 16)) checkout=$3 group
    mkdir -p "$crate/src"
    cat >"$crate/Cargo.toml" <<TOML
[package]
name = "chain"
version = "0.0.0"
edition = "2024"

[dependencies]
pipeline = { package = "$(package "$checkout")", path = "$checkout/pipeline" }

[workspace]
TOML
    cp "$checkout/Cargo.lock" "$crate/Cargo.lock"
    {
        cat <<'RUST'
use std::fmt;
use std::future::ready;

use pipeline::{pipeline, stage};

#[derive(Clone)]
struct Order {
    id: u64,
    lines: Vec<u64>,
}

#[derive(Clone)]
struct Quote {
    order: u64,
    cents: u64,
}

#[derive(Clone)]
struct Invoice {
    number: u64,
    text: String,
}

#[derive(Clone)]
struct Receipt {
    number: u64,
    text: String,
}

#[derive(Debug)]
struct Failure(&'static str);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Failure {}
RUST
        for ((group = 0; group < groups; group++)); do
            stages "$group"
        done
        echo
        echo "fn main() -> Result<(), pipeline::StageError> {"
        echo "    let orders = pipeline!["
        for ((group = 0; group < groups; group++)); do
            ((group == 0)) || echo "        =>"
            chain "$group"
        done
        echo "    ];"
        echo "    assert_eq!(orders.run_blocking(\" 7 \".to_owned())?, \"$((7 + groups))\");"
        echo "    Ok(())"
        echo "}"
    } >"$crate/src/main.rs"
}

# Runs cargo for a size, a mode and the number of a checkout, and leaves the time of rustc in $work/time.
compile() {
    local crate=$work/$3/chain_$1 arguments=("$2")
    if [[ $2 == release ]]; then
        arguments=(build --release)
    fi
    touch "$crate/src/main.rs"
    RUSTC_TIME=$work/time RUSTC_WORKSPACE_WRAPPER=$work/timed_rustc CARGO_TARGET_DIR=$work/$3/$2 \
        cargo "${arguments[@]}" --quiet --manifest-path "$crate/Cargo.toml"
}

median() {
    sort -n "$1" | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

# Prints a row: a label, and the median of each checkout's file $work/<checkout>/$2.
row() {
    local label=$1 file=$2 values=() checkout
    for checkout in "${!checkouts[@]}"; do
        values+=("$(median "$work/$checkout/$file")")
    done
    if ((${#values[@]} == 1)); then
        printf '%-28s %10.2f\n' "$label" "${values[0]}"
    else
        printf '%-28s %10.2f %10.2f %8.2f\n' "$label" "${values[@]}" \
            "$(awk -v this="${values[0]}" -v baseline="${values[1]}" 'BEGIN { print this / baseline }')"
    fi
}

for checkout in "${!checkouts[@]}"; do
    for size in "${sizes[@]}"; do
        generate "$work/$checkout/chain_$size" "$size" "${checkouts[checkout]}"
    done
    # Each mode has a target folder of its own, so that each builds all of the dependencies.
    for mode in "${modes[@]}"; do
        TIMEFORMAT=%U
        { time compile "${sizes[0]}" "$mode" "$checkout" 2>&3; } 3>&2 2>"$work/all"
        paste "$work/all" "$work/time" | awk '{ print $1 - $2 }' >"$work/$checkout/dependencies_$mode"
    done
done
for ((round = 0; round < rounds; round++)); do
    for size in "${sizes[@]}"; do
        for mode in "${modes[@]}"; do
            # A check is so short that one a round varies by a fifth.
            repeats=1
            if [[ $mode == check ]]; then
                repeats=5
            fi
            for ((repeat = 0; repeat < repeats; repeat++)); do
                for checkout in "${!checkouts[@]}"; do
                    compile "$size" "$mode" "$checkout"
                    cat "$work/time" >>"$work/$checkout/${size}_$mode"
                done
            done
        done
        # The pipeline has to compute what it should.
        for checkout in "${!checkouts[@]}"; do
            "$work/$checkout/build/debug/chain"
        done
    done
done

if ((${#checkouts[@]} == 1)); then
    printf '%-28s %10s\n' "user seconds" this
else
    printf '%-28s %10s %10s %8s\n' "user seconds" this baseline ratio
fi
for size in "${sizes[@]}"; do
    for mode in "${modes[@]}"; do
        row "$size stages, $mode" "${size}_$mode"
    done
done
for mode in "${modes[@]}"; do
    row "dependencies, $mode" "dependencies_$mode"
done
