//! A typed map that stages use to hand things to later stages of the same item.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

type Map = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

/// One value of each type, for as long as the item lives. Empty until something is put in, and free until then.
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
    map: Mutex<Map>,
}

impl Extensions {
    /// Puts a value in, and gives back the one of the same type that was there.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) -> Option<T> {
        let old = lock(&self.map).insert(TypeId::of::<T>(), Box::new(value));
        old.and_then(|old| old.downcast().ok()).map(|old| *old)
    }

    /// A copy of the value of type `T`, if there is one. Put an `Arc` in where a copy would cost too much.
    #[must_use]
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        lock(&self.map).get(&TypeId::of::<T>())?.downcast_ref().cloned()
    }

    /// Takes the value of type `T` out.
    pub fn remove<T: Send + Sync + 'static>(&self) -> Option<T> {
        let old = lock(&self.map).remove(&TypeId::of::<T>())?;
        old.downcast().ok().map(|old| *old)
    }
}

/// No code of the user runs under the lock but `Clone`; after a panic there the map is still whole.
fn lock(map: &Mutex<Map>) -> MutexGuard<'_, Map> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = lock(&self.map).len();
        f.debug_struct("Extensions").field("len", &len).finish()
    }
}
