//! `Merge`: merges the outputs of the parts of a split batch.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::time::Duration;

/// An output that can be merged with the output for another part of the batch.
///
/// The return type of a stage with [`split_on_failure`](macro@crate::stage) must implement it. Numbers are added,
/// collections are concatenated.
///
/// ```
/// use pipeline::Merge;
///
/// struct Written {
///     rows: u64,
///     bytes: u64,
/// }
///
/// impl Merge for Written {
///     fn merge(&mut self, other: Self) {
///         self.rows += other.rows;
///         self.bytes += other.bytes;
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`split_on_failure` merges the outputs of the parts of a batch, and `{Self}` does not implement `Merge`",
    label = "cannot be merged",
    note = "return `()`, a number or a `Vec`, or implement `pipeline::Merge` for it"
)]
pub trait Merge {
    /// Adds the output for the next part.
    fn merge(&mut self, other: Self);
}

impl Merge for () {
    fn merge(&mut self, (): Self) {}
}

macro_rules! merge_numbers {
    ($($number:ty)*) => {$(
        impl Merge for $number {
            fn merge(&mut self, other: Self) {
                *self += other;
            }
        }
    )*};
}

merge_numbers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 Duration);

impl<T> Merge for Vec<T> {
    fn merge(&mut self, other: Self) {
        self.extend(other);
    }
}

impl Merge for String {
    fn merge(&mut self, other: Self) {
        self.push_str(&other);
    }
}

impl<T: Merge> Merge for Option<T> {
    fn merge(&mut self, other: Self) {
        match (self, other) {
            (Some(mine), Some(other)) => mine.merge(other),
            (mine @ None, other) => *mine = other,
            (Some(_), None) => {}
        }
    }
}

impl<K: Eq + Hash, V, H: BuildHasher> Merge for HashMap<K, V, H> {
    fn merge(&mut self, other: Self) {
        self.extend(other);
    }
}

impl<T: Eq + Hash, H: BuildHasher> Merge for HashSet<T, H> {
    fn merge(&mut self, other: Self) {
        self.extend(other);
    }
}

impl<K: Ord, V> Merge for BTreeMap<K, V> {
    fn merge(&mut self, other: Self) {
        self.extend(other);
    }
}

impl<T: Ord> Merge for BTreeSet<T> {
    fn merge(&mut self, other: Self) {
        self.extend(other);
    }
}

macro_rules! merge_tuple {
    ($($part:ident.$index:tt),*) => {
        impl<$($part: Merge),*> Merge for ($($part,)*) {
            fn merge(&mut self, other: Self) {
                $(self.$index.merge(other.$index);)*
            }
        }
    };
}

merge_tuple!(A.0, B.1);

merge_tuple!(A.0, B.1, C.2);

merge_tuple!(A.0, B.1, C.2, D.3);
