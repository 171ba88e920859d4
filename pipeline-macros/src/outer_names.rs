//! Names that are in scope everywhere, which a stage can have too.

/// A stage of such a name would hide the type.
pub(crate) const PRIMITIVE_TYPES: [&str; 19] = [
    "bool", "char", "f128", "f16", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "str", "u128",
    "u16", "u32", "u64", "u8", "usize",
];

/// Functions of the prelude.
pub(crate) const PRELUDE_FUNCTIONS: [&str; 5] =
    ["align_of", "align_of_val", "drop", "size_of", "size_of_val"];

/// The runtime crate.
pub(crate) const OWN_CRATE: &str = "pipeline";
