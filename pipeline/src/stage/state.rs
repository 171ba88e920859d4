//! `Provide`: the state of a pipeline, which stages take by reference.

/// The state `Self` provides the resource `T`.
///
/// Derive it for a struct: each field provides its type. A value also provides itself, so a single resource can be the
/// state: `pipeline.with(pool)`.
///
/// ```
/// use pipeline::{pipeline, stage, Provide};
///
/// struct Greeting(&'static str);
///
/// #[stage]
/// fn greet(name: &str, #[state] greeting: &Greeting) -> String {
///     format!("{}, {name}!", greeting.0)
/// }
///
/// #[derive(Provide)]
/// struct App {
///     greeting: Greeting,
/// }
///
/// let hello = pipeline![greet].with(App { greeting: Greeting("Hello") });
/// assert_eq!(hello.run_blocking("Ada".to_owned())?, "Hello, Ada!");
/// # Ok::<(), pipeline::StageError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "the state `{Self}` does not provide a `{T}`, which a stage of this pipeline asks for",
    label = "needs a `{T}` from the state, and `{Self}` has none",
    note = "bind a state that has one, `.with(state)`: a struct with `#[derive(Provide)]` and a field of type `{T}`, or the value itself"
)]
pub trait Provide<T: ?Sized> {
    /// Returns the resource.
    fn provide(&self) -> &T;
}

impl<T: ?Sized> Provide<T> for T {
    fn provide(&self) -> &T {
        self
    }
}
