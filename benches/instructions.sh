#!/usr/bin/env bash
# benches/instructions.sh [baseline-checkout] [case]...
# benches/instructions.sh --check | --bless
#
# Prints how many instructions an item takes in each case of instructions.rs (all of them, or those named), in the default
# release profile: callgrind counts a run of few items and one of many, and the difference is divided by the items between
# them, so that what is done once does not count. With another checkout, the same file is built against both.
#
# `--check` counts each case once, under gungraun, and fails if one exceeds its budget in instructions.budget by more than
# 3 %; `--bless` writes that file. Installs the runner of gungraun into the target folder.
#
# Needs valgrind.
set -euo pipefail
shopt -s inherit_errexit

# The first thousand calls that wait are all timed, later ones 1 in 8: both counts are well above. `run` has no such start,
# and an observed `run` takes long under valgrind, so fewer items do.
few=20000 many=60000
few_runs=1000 many_runs=3000
# By how many percent a case may exceed its budget.
tolerance=3

root=$(cd "$(dirname "$0")/.." && pwd)
budget=$root/benches/instructions.budget
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
# The time limits of a run's turns are those of a processor; valgrind's is a hundred times slower.
counted="${RUSTFLAGS-} --cfg pipeline_count_instructions"

# Prints the name of the package in a checkout's folder pipeline/; its library is called pipeline whatever the package is.
package() {
    sed -n '/^name = /{s/.*"\(.*\)"/\1/p;q}' "$1/pipeline/Cargo.toml"
}

# Writes the manifest of a crate in the folder $1 that depends on the library of the checkout $2, in the versions of that
# checkout. Its targets come from the standard input.
generate() {
    local crate=$1 checkout=$2
    mkdir -p "$crate"
    {
        cat <<TOML
[package]
name = "instructions"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
pipeline = { package = "$(package "$checkout")", path = "$checkout/pipeline" }
tokio = { version = "1", default-features = false, features = ["rt", "time"] }
TOML
        cat
    } >"$crate/Cargo.toml"
    cp "$checkout/Cargo.lock" "$crate/Cargo.lock"
}

# Builds instructions.rs in the folder $1, against the library of the checkout $2.
build() {
    generate "$1" "$2" <<TOML

[[bin]]
name = "instructions"
path = "$root/benches/instructions.rs"
TOML
    RUSTFLAGS=$counted CARGO_TARGET_DIR=$1/target cargo build --release --quiet --manifest-path "$1/Cargo.toml"
}

# Prints the instructions of a run of the case $2 with $3 items, by the binary of the crate in $1.
count() {
    local log
    log=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$1/target/release/instructions" "$2" "$3" 2>&1) ||
        { echo "$log" >&2; return 1; }
    awk '/Collected/ { print $4 }' <<<"$log"
}

# Prints the version of gungraun in Cargo.lock, which its runner has to have, too.
gungraun_version() {
    awk '/^name = / { name = $3 } /^version = / && name == "\"gungraun\"" { gsub(/"/, ""); print $3 }' Cargo.lock
}

# Prints each case and its instructions per item, counted under gungraun.
count_budget() {
    local version runner crate=$work/budget log
    version=$(gungraun_version)
    runner=$work/gungraun-runner-$version
    if [[ ! -x $runner/bin/gungraun-runner ]]; then
        # Not optimized: it builds in half the time, and has next to nothing to do.
        CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=$work/runner cargo install gungraun-runner --version "=$version" --locked --debug --quiet \
            --no-track --root "$runner" >&2
        rm -rf "$work/runner"
    fi
    generate "$crate" "$root" <<TOML
gungraun = "=$version"

[lib]
path = "empty.rs"

[[bench]]
name = "instructions_budget"
path = "$root/benches/instructions_budget.rs"
harness = false
TOML
    touch "$crate/empty.rs"
    log=$(RUSTFLAGS=$counted CARGO_TARGET_DIR=$crate/target GUNGRAUN_RUNNER=$runner/bin/gungraun-runner \
        cargo bench --quiet --manifest-path "$crate/Cargo.toml" --bench instructions_budget 2>&1) ||
        { echo "$log" >&2; return 1; }
    # A line such as `instructions_budget::budget::item many_drain:(prepared("many_drain", 60000))`, then one of its counts,
    # `Instructions: 16692913|16692913 (No change)`, with that of the last run behind the bar.
    awk -F '"' '
        /^instructions_budget::.*"/ { name = $2; items = $3; gsub(/[^0-9]/, "", items) }
        /^ *Instructions:/ && items > 0 { sub(/^ *Instructions: */, ""); printf "%s %.1f\n", name, $0 / items; counted++ }
        END { if (!counted) { print "error: gungraun printed no counts" > "/dev/stderr"; exit 1 } }
    ' <<<"$log"
}

# Writes the budget.
bless() {
    local counts
    counts=$(count_budget)
    {
        echo "# Instructions per item, written by \`benches/instructions.sh --bless\`; \`--check\` compares with them."
        rustc --version
        echo "$counts"
    } >"$budget"
    cat "$budget"
}

# Compares the counts with the budget.
check() {
    local counts made_with
    counts=$(count_budget)
    made_with=$(grep '^rustc ' "$budget")
    if [[ $made_with != "$(rustc --version)" ]]; then
        echo "note: the budget was made with $made_with, and this is $(rustc --version), whose code may differ"
    fi
    awk -v tolerance="$tolerance" -v count_lines="$counts" '
        BEGIN {
            printf "%-20s %10s %10s %8s\n", "instructions/item", "this", "budget", "ratio"
            lines = split(count_lines, counts, "\n")
            for (line = 1; line <= lines; line++) {
                split(counts[line], words, " ")
                order[line] = words[1]
                this[words[1]] = words[2]
            }
        }
        /^#/ || /^rustc / || NF == 0 { next }
        {
            budget[$1] = $2
            if (!($1 in this))
                problems[++failed] = "case `" $1 "` has a budget and was not counted: is it still in instructions_budget.rs?"
        }
        END {
            for (line = 1; line <= lines; line++) {
                name = order[line]
                if (!(name in budget)) {
                    printf "%-20s %10.1f\n", name, this[name]
                    problems[++failed] = "case `" name "` has no budget: write one with `benches/instructions.sh --bless`"
                    continue
                }
                ratio = this[name] / budget[name]
                printf "%-20s %10.1f %10.1f %8.3f\n", name, this[name], budget[name], ratio
                if (ratio > 1 + tolerance / 100)
                    problems[++failed] = sprintf( \
                        "case `%s` takes %.1f instructions an item, %.1f %% more than its budget of %.1f; %d %% are allowed", \
                        name, this[name], (ratio - 1) * 100, budget[name], tolerance)
                else if (ratio < 1 - tolerance / 100)
                    printf "note: case `%s` is below its budget: lower it with `benches/instructions.sh --bless`\n", name
            }
            fflush()
            for (problem = 1; problem <= failed; problem++)
                print "error: " problems[problem] > "/dev/stderr"
            exit failed > 0
        }
    ' "$budget"
}

command -v valgrind >/dev/null || { echo "error: instructions are counted by valgrind, and it is not installed" >&2; exit 1; }
case ${1-} in
    --check) check; exit ;;
    --bless) bless; exit ;;
esac

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
