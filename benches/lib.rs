//! The benches stand beside this file, one a question: see the README.
