#!/usr/bin/env bash
# benches/instructions.sh [baseline-checkout] [case]...
#
# Prints how many instructions an item takes in each case of instructions.rs (all of them, or those named), in the default
# release profile: callgrind counts a run of few items and one of many, and the difference is divided by the items between
# them, so that what is done once does not count. With another checkout, the same file is built against both.
# Needs valgrind.
set -euo pipefail

# The first thousand calls that wait are all timed, later ones 1 in 8: both counts are well above. `run` has no such start,
# and an observed `run` takes long under valgrind, so fewer items do.
few=20000 many=60000
few_runs=1000 many_runs=3000

root=$(cd "$(dirname "$0")/.." && pwd)
checkouts=("$root")
if [[ -d ${1-} ]]; then
    checkouts+=("$(cd "$1" && pwd)")
    shift
fi
# The crates stay in the target folder, so that the next run builds only what has changed.
work=${CARGO_TARGET_DIR:-$root/target}/instructions
# Both checkouts are built by the toolchain of this one, in the profile that cargo has by default.
cd "$root"
unset "${!CARGO_PROFILE_@}" CARGO_BUILD_TARGET

# Prints the name of the package in a checkout's folder pipeline/; its library is called pipeline whatever the package is.
package() {
    sed -n '/^name = /{s/.*"\(.*\)"/\1/p;q}' "$1/pipeline/Cargo.toml"
}

# Builds instructions.rs in the folder $1, against the library of the checkout $2.
build() {
    local crate=$1 checkout=$2
    mkdir -p "$crate"
    cat >"$crate/Cargo.toml" <<TOML
[package]
name = "instructions"
version = "0.0.0"
edition = "2024"

[[bin]]
name = "instructions"
path = "$root/benches/instructions.rs"

[dependencies]
pipeline = { package = "$(package "$checkout")", path = "$checkout/pipeline" }
tokio = { version = "1", default-features = false, features = ["rt", "time"] }

[workspace]
TOML
    # Dependencies in the versions of the checkout.
    cp "$checkout/Cargo.lock" "$crate/Cargo.lock"
    CARGO_TARGET_DIR=$crate/target cargo build --release --quiet --manifest-path "$crate/Cargo.toml"
}

# Prints the instructions of a run of the case $2 with $3 items, by the binary of the crate in $1.
count() {
    local log
    log=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$1/target/release/instructions" "$2" "$3" 2>&1) ||
        { echo "$log" >&2; return 1; }
    awk '/Collected/ { print $4 }' <<<"$log"
}

crates=()
for checkout in "${!checkouts[@]}"; do
    crates+=("$work/$checkout")
    build "$work/$checkout" "${checkouts[checkout]}"
done
cases=("$@")
if ((${#cases[@]} == 0)); then
    mapfile -t cases < <("${crates[0]}/target/release/instructions")
fi

if ((${#crates[@]} == 1)); then
    printf '%-20s %10s\n' "instructions/item" this
else
    printf '%-20s %10s %10s %8s\n' "instructions/item" this baseline ratio
fi
for case in "${cases[@]}"; do
    sizes=("$few" "$many")
    if [[ $case == one_item* ]]; then
        sizes=("$few_runs" "$many_runs")
    fi
    counts=()
    for crate in "${crates[@]}"; do
        for size in "${sizes[@]}"; do
            counts+=("$(count "$crate" "$case" "$size")")
        done
    done
    awk -v name="$case" -v items="$((sizes[1] - sizes[0]))" -v counts="${counts[*]}" 'BEGIN {
        split(counts, n, " ")
        this = (n[2] - n[1]) / items
        printf "%-20s %10.1f", name, this
        if (4 in n) {
            baseline = (n[4] - n[3]) / items
            printf " %10.1f %8.3f", baseline, this / baseline
        }
        print ""
    }'
done
