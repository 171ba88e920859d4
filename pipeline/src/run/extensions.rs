//! `Extensions`: values that a stage leaves for later stages of the same item.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use super::lock::lock;

type Map = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

/// A map with at most one value per type, which lives as long as the item.
///
/// It is available through [`Context::extensions`](crate::Context::extensions). It allocates nothing until the first insertion.
///
/// ```
/// use pipeline::{pipeline, stage, Context};
///
/// #[derive(Clone)]
/// struct Language(&'static str);
///
/// #[stage]
/// fn detect(text: String, #[context] cx: &Context) -> String {
///     cx.extensions().insert(Language(if text.contains("bonjour") { "fr" } else { "en" }));
///     text
/// }
///
/// #[stage]
/// fn label(text: String, #[context] cx: &Context) -> String {
///     let Language(code) = cx.extensions().get().unwrap_or(Language("?"));
///     format!("[{code}] {text}")
/// }
///
/// let labelled = pipeline![detect => label];
/// assert_eq!(labelled.run_blocking("bonjour".to_owned())?, "[fr] bonjour");
/// # Ok::<(), pipeline::StageError>(())
/// ```
#[derive(Default)]
pub struct Extensions {
    /// The only user code that runs under the lock is `Clone`. A panic in it leaves the map intact.
    map: Mutex<Map>,
}

impl Extensions {
    /// Inserts a value, and returns the previous value of the same type.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) -> Option<T> {
        let old = lock(&self.map).insert(TypeId::of::<T>(), Box::new(value));
        old.and_then(|old| old.downcast().ok()).map(|old| *old)
    }

    /// Returns a clone of the value of type `T`. Insert an `Arc` if a clone would be expensive.
    #[must_use]
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        lock(&self.map).get(&TypeId::of::<T>())?.downcast_ref().cloned()
    }

    /// Removes and returns the value of type `T`.
    pub fn remove<T: Send + Sync + 'static>(&self) -> Option<T> {
        let old = lock(&self.map).remove(&TypeId::of::<T>())?;
        old.downcast().ok().map(|old| *old)
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = lock(&self.map).len();
        f.debug_struct("Extensions").field("len", &len).finish()
    }
}
