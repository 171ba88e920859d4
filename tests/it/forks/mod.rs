//! Forks: `(a, b)`, `(a | b)` and `match`.

mod accounting;
mod all;
mod combined;
mod first;
mod route;
