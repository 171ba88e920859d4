//! Values that several calls want: lent to those that take references, copied for the others, moved into the last.
#![allow(clippy::elidable_lifetime_names)] // Whose lifetime it is matters here.

/// A value or a reference to it: what a call of a stage can have of an input that it takes by reference.
pub trait Held<T> {
    /// The value.
    fn lent(&self) -> &T;
}

impl<T> Held<T> for T {
    #[inline]
    fn lent(&self) -> &T {
        self
    }
}

impl<T> Held<T> for &T {
    #[inline]
    fn lent(&self) -> &T {
        self
    }
}

/// The way in which a call has a value: [`Lent`] or [`Moved`].
pub trait Mode<T> {
    /// What it has of it.
    type Arg<'a>: Send
    where
        T: 'a;

    /// The same, for a shorter time: what a call has of its values, it has for as long as the call.
    fn shorten<'long: 'short, 'short>(arg: Self::Arg<'long>) -> Self::Arg<'short>
    where
        T: 'long;

    /// What calls are together that have it in this way and as `C`: [`Lent`] if any is.
    type With<C>;
}

/// By reference.
#[derive(Debug, Clone, Copy)]
pub struct Lent(());

/// As its own.
#[derive(Debug, Clone, Copy)]
pub struct Moved(());

impl<T: Sync> Mode<T> for Lent {
    type Arg<'a>
        = &'a T
    where
        T: 'a;

    #[inline]
    fn shorten<'long: 'short, 'short>(arg: &'long T) -> &'short T
    where
        T: 'long,
    {
        arg
    }

    type With<C> = Lent;
}

impl<T: Send> Mode<T> for Moved {
    type Arg<'a>
        = T
    where
        T: 'a;

    #[inline]
    fn shorten<'long: 'short, 'short>(arg: T) -> T
    where
        T: 'long,
    {
        arg
    }

    type With<C> = C;
}

/// A way to have a value that others want too.
pub trait Share<T>: Mode<T> {
    /// Lends the one, or copies the other, which is the same value but may not live as long.
    ///
    /// There is one to lend where any of a value's calls is [`Lent`].
    fn share<'a>(lent: Option<&'a T>, copied: &T) -> Self::Arg<'a>;
}

impl<T: Sync> Share<T> for Lent {
    #[inline]
    fn share<'a>(lent: Option<&'a T>, _: &T) -> &'a T {
        lent.expect("a value that is lent stays where it is")
    }
}

impl<T: Clone + Send> Share<T> for Moved {
    #[inline]
    fn share(_: Option<&T>, copied: &T) -> T {
        copied.clone()
    }
}

/// A way to have a value that nobody else wants any more.
pub trait Have<T>: Mode<T> {
    /// Lends it from its place, or takes it out.
    fn have<'a>(value: &'a mut Value<T>) -> Self::Arg<'a>;
}

impl<T: Sync> Have<T> for Lent {
    #[inline]
    fn have(value: &mut Value<T>) -> &T {
        value.get()
    }
}

impl<T: Send> Have<T> for Moved {
    #[inline]
    fn have(value: &mut Value<T>) -> T {
        value.take()
    }
}

/// A value in its place, until it is moved.
#[derive(Debug)]
pub struct Value<T>(Option<T>);

impl<T> Value<T> {
    /// A value.
    #[inline]
    pub fn new(value: T) -> Self {
        Self(Some(value))
    }

    pub(super) fn of(value: Option<T>) -> Self {
        Self(value)
    }

    /// Gives it to calls that want it at the same time, where it is wanted again later.
    #[inline]
    pub fn share<M: Uses<T>>(&self) -> M::Args<'_> {
        let value = self.get();
        M::share(Some(value), value)
    }

    /// Gives it to the last calls that want it: the last of them has it for its own, if the others need no place for it.
    #[inline]
    pub fn give<O, M>(&mut self) -> (O::Args<'_>, M::Arg<'_>)
    where
        O: Uses<T>,
        M: Mode<T>,
        O::Company: Company<T, M>,
    {
        <O::Company as Company<T, M>>::give::<O>(self)
    }

    /// The value, which nobody wants any more.
    ///
    /// # Panics
    ///
    /// If it was taken before, which `pipeline!` does not write.
    #[inline]
    pub fn take(&mut self) -> T {
        self.0.take().expect("a value is moved once")
    }

    #[inline]
    fn get(&self) -> &T {
        self.0.as_ref().expect("a value is moved last")
    }
}

/// Calls that want a value at the same time, in their order: `(Lent, (Moved, ()))`.
pub trait Uses<T> {
    /// What they have of it.
    type Args<'a>: Send
    where
        T: 'a;
    /// [`Lent`] if any of them is.
    type Company;

    /// See [`Share`].
    fn share<'a>(lent: Option<&'a T>, copied: &T) -> Self::Args<'a>;
}

impl<T> Uses<T> for () {
    type Args<'a>
        = ()
    where
        T: 'a;
    type Company = Moved;

    #[inline]
    fn share(_: Option<&T>, _: &T) {}
}

impl<T, M, R> Uses<T> for (M, R)
where
    M: Share<T>,
    R: Uses<T>,
{
    type Args<'a>
        = (M::Arg<'a>, R::Args<'a>)
    where
        T: 'a;
    type Company = M::With<R::Company>;

    #[inline]
    fn share<'a>(lent: Option<&'a T>, copied: &T) -> Self::Args<'a> {
        (M::share(lent, copied), R::share(lent, copied))
    }
}

/// What the last call has beside the others.
pub trait Company<T, M: Mode<T>> {
    /// See [`Value::give`].
    fn give<'a, O: Uses<T>>(value: &'a mut Value<T>) -> (O::Args<'a>, M::Arg<'a>);
}

/// Some of the others borrow it: it has to stay.
impl<T, M: Share<T>> Company<T, M> for Lent {
    #[inline]
    fn give<'a, O: Uses<T>>(value: &'a mut Value<T>) -> (O::Args<'a>, M::Arg<'a>) {
        let value: &'a T = value.get();
        (O::share(Some(value), value), M::share(Some(value), value))
    }
}

/// The others have copies.
impl<T, M: Have<T>> Company<T, M> for Moved {
    #[inline]
    fn give<'a, O: Uses<T>>(value: &'a mut Value<T>) -> (O::Args<'a>, M::Arg<'a>) {
        let others = O::share(None, value.get());
        (others, M::have(value))
    }
}
