//! Forks: `(a, b)`, `(a | b)` and `match`.

mod accounting;
mod all;
mod combined;
mod first;
mod random_runs;
mod route;
