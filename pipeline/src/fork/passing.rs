//! How a value is borrowed, cloned or moved among its consumers.
#![allow(clippy::elidable_lifetime_names)] // The names tell the lifetimes apart.

/// A value or a reference to it, as an argument that a stage takes by reference.
pub trait Borrowed<T> {
    /// A reference to the value.
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

/// How a call receives a value: [`Borrow`] or [`Move`].
pub trait PassMode<T> {
    /// The argument: a reference or a value.
    type Arg<'a>: Send
    where
        T: 'a;

    /// The same argument with a shorter lifetime.
    fn shorten<'long: 'short, 'short>(arg: Self::Arg<'long>) -> Self::Arg<'short>
    where
        T: 'long;

    /// The joint mode of this call and calls with the joint mode `C`: [`Borrow`] if any of them borrows.
    type With<C>;
}

/// The call takes the value by reference.
#[derive(Debug, Clone, Copy)]
pub struct Borrow(());

/// The call takes the value by value.
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

/// A mode for a value that other calls use too.
pub trait SharedInput<T>: PassMode<T> {
    /// Returns `borrowed`, or a clone of `value`. Both are the same value, but `value` may have a shorter lifetime.
    ///
    /// `borrowed` is `Some` if the mode of any consumer is [`Borrow`].
    fn share<'a>(borrowed: Option<&'a T>, value: &T) -> Self::Arg<'a>;
}

impl<T: Sync> SharedInput<T> for Borrow {
    #[inline]
    fn share<'a>(borrowed: Option<&'a T>, _: &T) -> &'a T {
        // `ValueCell::give` moves a value out only if the joint mode of its consumers is `Move`. This consumer borrows, so the
        // joint mode is `Borrow`, and `borrowed` is given.
        borrowed.expect("a borrowed value stays in its cell")
    }
}

impl<T: Clone + Send> SharedInput<T> for Move {
    #[inline]
    fn share(_: Option<&T>, value: &T) -> T {
        value.clone()
    }
}

/// A mode for a value that no later call uses.
pub trait Input<T>: PassMode<T> {
    /// Borrows the value from its cell, or moves it out.
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

/// A value that can be moved out once.
#[derive(Debug)]
pub struct ValueCell<T>(Option<T>);

impl<T> ValueCell<T> {
    /// A cell with a value.
    #[inline]
    pub fn new(value: T) -> Self {
        Self(Some(value))
    }

    pub(super) fn of(value: Option<T>) -> Self {
        Self(value)
    }

    /// Passes the value to concurrent calls; later calls use it too.
    #[inline]
    pub fn share<M: Consumers<T>>(&self) -> M::Args<'_> {
        let value = self.get();
        M::share(Some(value), value)
    }

    /// Passes the value to its last consumers, `O` and `M`. It is moved into `M` unless another of them borrows it.
    #[inline]
    pub fn give<O, M>(&mut self) -> (O::Args<'_>, M::Arg<'_>)
    where
        O: Consumers<T>,
        M: PassMode<T>,
        O::JointMode: JointMode<T, M>,
    {
        <O::JointMode as JointMode<T, M>>::give::<O>(self)
    }

    /// Moves the value out.
    ///
    /// # Panics
    ///
    /// Panics if it was moved out before; the code of `pipeline!` never does this.
    #[inline]
    pub fn take(&mut self) -> T {
        // The macro generates one call of `take` per value, in code that runs once per item.
        self.0.take().expect("a value is moved out once")
    }

    #[inline]
    fn get(&self) -> &T {
        // The macro generates the move of a value after all its other uses: its schedule is in order of the dependencies.
        self.0.as_ref().expect("a value is moved out after its other uses")
    }
}

/// The modes of concurrent consumers of a value, in order: `(Borrow, (Move, ()))`.
pub trait Consumers<T> {
    /// The arguments: references or values.
    type Args<'a>: Send
    where
        T: 'a;
    /// [`Borrow`] if any of them borrows.
    type JointMode;

    /// See [`SharedInput`].
    fn share<'a>(borrowed: Option<&'a T>, value: &T) -> Self::Args<'a>;
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
    fn share<'a>(borrowed: Option<&'a T>, value: &T) -> Self::Args<'a> {
        (M::share(borrowed, value), R::share(borrowed, value))
    }
}

/// How the last consumers of a value receive it, given the joint mode of all but the last.
pub trait JointMode<T, M: PassMode<T>> {
    /// See [`ValueCell::give`].
    fn give<'a, O: Consumers<T>>(value: &'a mut ValueCell<T>) -> (O::Args<'a>, M::Arg<'a>);
}

/// Another consumer borrows the value, so it stays in its cell.
impl<T, M: SharedInput<T>> JointMode<T, M> for Borrow {
    #[inline]
    fn give<'a, O: Consumers<T>>(value: &'a mut ValueCell<T>) -> (O::Args<'a>, M::Arg<'a>) {
        let value: &'a T = value.get();
        (O::share(Some(value), value), M::share(Some(value), value))
    }
}

/// The other consumers get clones, so the value can be moved out.
impl<T, M: Input<T>> JointMode<T, M> for Move {
    #[inline]
    fn give<'a, O: Consumers<T>>(value: &'a mut ValueCell<T>) -> (O::Args<'a>, M::Arg<'a>) {
        let others = O::share(None, value.get());
        (others, M::take_input(value))
    }
}
