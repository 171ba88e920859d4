//! Values that several calls want: lent to those that take references, copied for the others, moved into the last.
#![allow(clippy::elidable_lifetime_names)] // Whose lifetime it is matters here.

/// A value or a reference to it: what a call of a stage can have of an input that it takes by reference.
pub trait Borrowed<T> {
    /// The value.
    fn borrowed(&self) -> &T;
}

impl<T> Borrowed<T> for T {
    #[inline]
    fn borrowed(&self) -> &T {
        self
    }
}

impl<T> Borrowed<T> for &T {
    #[inline]
    fn borrowed(&self) -> &T {
        self
    }
}

/// The way in which a call has a value: [`Borrow`] or [`Move`].
pub trait PassMode<T> {
    /// What it has of it.
    type Arg<'a>: Send
    where
        T: 'a;

    /// The same, for a shorter time: what a call has of its values, it has for as long as the call.
    fn shorten<'long: 'short, 'short>(arg: Self::Arg<'long>) -> Self::Arg<'short>
    where
        T: 'long;

    /// What calls are together that have it in this way and as `C`: [`Borrow`] if any is.
    type With<C>;
}

/// By reference.
#[derive(Debug, Clone, Copy)]
pub struct Borrow(());

/// As its own.
#[derive(Debug, Clone, Copy)]
pub struct Move(());

impl<T: Sync> PassMode<T> for Borrow {
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

    type With<C> = Borrow;
}

impl<T: Send> PassMode<T> for Move {
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
pub trait SharedInput<T>: PassMode<T> {
    /// Lends the one, or copies the other, which is the same value but may not live as long.
    ///
    /// There is one to lend where any of a value's calls is [`Borrow`].
    fn share<'a>(borrowed: Option<&'a T>, copied: &T) -> Self::Arg<'a>;
}

impl<T: Sync> SharedInput<T> for Borrow {
    #[inline]
    fn share<'a>(borrowed: Option<&'a T>, _: &T) -> &'a T {
        borrowed.expect("a value that is lent stays where it is")
    }
}

impl<T: Clone + Send> SharedInput<T> for Move {
    #[inline]
    fn share(_: Option<&T>, copied: &T) -> T {
        copied.clone()
    }
}

/// A way to have a value that nobody else wants any more.
pub trait Input<T>: PassMode<T> {
    /// Lends it from its place, or takes it out.
    fn take_input<'a>(value: &'a mut ValueCell<T>) -> Self::Arg<'a>;
}

impl<T: Sync> Input<T> for Borrow {
    #[inline]
    fn take_input(value: &mut ValueCell<T>) -> &T {
        value.get()
    }
}

impl<T: Send> Input<T> for Move {
    #[inline]
    fn take_input(value: &mut ValueCell<T>) -> T {
        value.take()
    }
}

/// A value in its place, until it is moved.
#[derive(Debug)]
pub struct ValueCell<T>(Option<T>);

impl<T> ValueCell<T> {
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
    pub fn share<M: Consumers<T>>(&self) -> M::Args<'_> {
        let value = self.get();
        M::share(Some(value), value)
    }

    /// Gives it to the last calls that want it: the last of them has it for its own, if the others need no place for it.
    #[inline]
    pub fn give<O, M>(&mut self) -> (O::Args<'_>, M::Arg<'_>)
    where
        O: Consumers<T>,
        M: PassMode<T>,
        O::JointMode: JointMode<T, M>,
    {
        <O::JointMode as JointMode<T, M>>::give::<O>(self)
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

/// Calls that want a value at the same time, in their order: `(Borrow, (Move, ()))`.
pub trait Consumers<T> {
    /// What they have of it.
    type Args<'a>: Send
    where
        T: 'a;
    /// [`Borrow`] if any of them is.
    type JointMode;

    /// See [`SharedInput`].
    fn share<'a>(borrowed: Option<&'a T>, copied: &T) -> Self::Args<'a>;
}

impl<T> Consumers<T> for () {
    type Args<'a>
        = ()
    where
        T: 'a;
    type JointMode = Move;

    #[inline]
    fn share(_: Option<&T>, _: &T) {}
}

impl<T, M, R> Consumers<T> for (M, R)
where
    M: SharedInput<T>,
    R: Consumers<T>,
{
    type Args<'a>
        = (M::Arg<'a>, R::Args<'a>)
    where
        T: 'a;
    type JointMode = M::With<R::JointMode>;

    #[inline]
    fn share<'a>(borrowed: Option<&'a T>, copied: &T) -> Self::Args<'a> {
        (M::share(borrowed, copied), R::share(borrowed, copied))
    }
}

/// What the last call has beside the others.
pub trait JointMode<T, M: PassMode<T>> {
    /// See [`ValueCell::give`].
    fn give<'a, O: Consumers<T>>(value: &'a mut ValueCell<T>) -> (O::Args<'a>, M::Arg<'a>);
}

/// Some of the others borrow it: it has to stay.
impl<T, M: SharedInput<T>> JointMode<T, M> for Borrow {
    #[inline]
    fn give<'a, O: Consumers<T>>(value: &'a mut ValueCell<T>) -> (O::Args<'a>, M::Arg<'a>) {
        let value: &'a T = value.get();
        (O::share(Some(value), value), M::share(Some(value), value))
    }
}

/// The others have copies.
impl<T, M: Input<T>> JointMode<T, M> for Move {
    #[inline]
    fn give<'a, O: Consumers<T>>(value: &'a mut ValueCell<T>) -> (O::Args<'a>, M::Arg<'a>) {
        let others = O::share(None, value.get());
        (others, M::take_input(value))
    }
}
