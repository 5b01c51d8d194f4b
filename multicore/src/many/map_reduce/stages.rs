//! What a `map_reduce!` needs of its task functions, read off their companion types.
//!
//! As with chunk functions, a `Shape` tells implementations apart that differ in what they take, and is always
//! inferred: a task has one list of arguments, so at most one shape fits.

use std::borrow::Borrow;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::TaskFn;
use crate::many::items::CallWith;

/// What travels by serde, in files and between processes.
pub trait Travels: Serialize + DeserializeOwned + 'static {}
impl<T: Serialize + DeserializeOwned + 'static> Travels for T {}

/// What values can be brought together by.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a `map_reduce!`",
    label = "no key",
    note = "a key implements `Ord`, `Hash`, `serde::Serialize` and `serde::de::DeserializeOwned`"
)]
pub trait Key: Ord + Hash + Travels {}

#[diagnostic::do_not_recommend]
impl<K: Ord + Hash + Travels> Key for K {}

/// Task functions that make pairs out of one input.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no map task",
    label = "a map task takes one input by value and returns pairs",
    note = "a map task takes one argument by value, an input, and returns `Vec<(K, V)>`, a map, or a `Result` of one of them; keys implement `Ord` and `Hash`"
)]
pub trait MapTask<Shape>: TaskFn {
    /// What it takes.
    type Input: Travels;
    /// What values are brought together by.
    type Key: Key;
    /// What is brought together.
    type Value: Travels;
    /// What it returns, or the value of the `Result` that it returns.
    type Pairs: IntoIterator<Item = (Self::Key, Self::Value)>;
    /// The task's own.
    type Error: Travels;
    /// What the caller of `map_reduce!` gets where it would get `T` of a map task that cannot fail.
    type Outcome<T>;

    /// Runs the function.
    ///
    /// # Errors
    /// The task's own.
    fn pairs(input: Self::Input) -> Result<Self::Pairs, Self::Error>;

    /// Without the error where there can be none.
    fn outcome<T>(result: Result<T, Self::Error>) -> Self::Outcome<T>;
}

/// The error of a task that returns no `Result`.
#[derive(serde::Serialize, serde::Deserialize)]
pub enum Never {}

/// `(input: I) -> P`.
pub struct Plainly<I>(PhantomData<I>);
/// `(input: I) -> Result<P, E>`.
pub struct Fallibly<I>(PhantomData<I>);

#[diagnostic::do_not_recommend]
impl<F, I, P, K, V> MapTask<Plainly<I>> for F
where
    F: for<'a> CallWith<'a, (I,)> + TaskFn<Output = P>,
    I: Travels,
    P: IntoIterator<Item = (K, V)>,
    K: Key,
    V: Travels,
{
    type Input = I;
    type Key = K;
    type Value = V;
    type Pairs = P;
    type Error = Never;
    type Outcome<T> = T;

    #[inline]
    fn pairs(input: I) -> Result<P, Never> {
        Ok(F::run_with((input,)))
    }

    fn outcome<T>(result: Result<T, Never>) -> T {
        match result {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }
}

#[diagnostic::do_not_recommend]
impl<F, I, P, E, K, V> MapTask<Fallibly<I>> for F
where
    F: for<'a> CallWith<'a, (I,)> + TaskFn<Output = Result<P, E>>,
    I: Travels,
    P: IntoIterator<Item = (K, V)>,
    E: Travels,
    K: Key,
    V: Travels,
{
    type Input = I;
    type Key = K;
    type Value = V;
    type Pairs = P;
    type Error = E;
    type Outcome<T> = Result<T, E>;

    #[inline]
    fn pairs(input: I) -> Result<P, E> {
        F::run_with((input,))
    }

    fn outcome<T>(result: Result<T, E>) -> Result<T, E> {
        result
    }
}

/// Task functions that fold two values of a key into one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot combine values of `{V}`",
    label = "a combiner takes two values and returns one",
    note = "a combiner is a task function `(a: V, b: V) -> V`, where `V` is the map task's value"
)]
pub trait CombineTask<V> {
    /// Whether there is a combiner at all.
    const FOLDS: bool;

    /// Runs the function.
    fn combine(a: V, b: V) -> V;
}

/// In place of a combiner.
pub enum NoCombiner {}

impl<V> CombineTask<V> for NoCombiner {
    const FOLDS: bool = false;

    fn combine(_: V, b: V) -> V {
        b
    }
}

#[diagnostic::do_not_recommend]
impl<F, V> CombineTask<V> for F
where
    F: for<'a> CallWith<'a, (V, V)> + TaskFn<Output = V>,
{
    const FOLDS: bool = true;

    #[inline]
    fn combine(a: V, b: V) -> V {
        F::run_with((a, b))
    }
}

/// Task functions that make a result out of a key and all its values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot reduce values of `{V}` below keys of `{K}`",
    label = "the reduce task has the wrong arguments",
    note = "a reduce task takes `(key: K, values: Vec<V>)`, `(key: &K, values: &[V])` or, to fold pairs of values, `(a: V, b: V) -> V`"
)]
pub trait ReduceTask<K, V, Shape>: TaskFn<Output: Travels> {
    /// The result of one key. There is a value at least; they are asked for one after another, in the inputs'
    /// order.
    ///
    /// # Errors
    /// Where a value cannot be had.
    fn reduce<E>(key: K, values: impl Iterator<Item = Result<V, E>>) -> Result<Self::Output, E>;
}

/// `(key: K, values: Vec<V>)`.
pub enum InVec {}
/// `(key: &Q, values: &[V])`.
pub struct InSlice<Q: ?Sized>(PhantomData<Q>);
/// `(a: V, b: V)`.
pub enum Pairwise {}

#[diagnostic::do_not_recommend]
impl<F, K, V> ReduceTask<K, V, InVec> for F
where
    F: for<'a> CallWith<'a, (K, Vec<V>)> + TaskFn<Output: Travels>,
{
    fn reduce<E>(key: K, values: impl Iterator<Item = Result<V, E>>) -> Result<F::Output, E> {
        let values = values.collect::<Result<Vec<V>, E>>()?;
        Ok(F::run_with((key, values)))
    }
}

#[diagnostic::do_not_recommend]
impl<F, K, V, Q> ReduceTask<K, V, InSlice<Q>> for F
where
    F: for<'a> CallWith<'a, (&'a Q, &'a [V])> + TaskFn<Output: Travels>,
    K: Borrow<Q>,
    V: 'static,
    Q: ?Sized + 'static,
{
    fn reduce<E>(key: K, values: impl Iterator<Item = Result<V, E>>) -> Result<F::Output, E> {
        let values = values.collect::<Result<Vec<V>, E>>()?;
        Ok(F::run_with((key.borrow(), &values)))
    }
}

#[diagnostic::do_not_recommend]
impl<F, K, V> ReduceTask<K, V, Pairwise> for F
where
    F: for<'a> CallWith<'a, (V, V)> + TaskFn<Output = V>,
    V: Travels,
{
    fn reduce<E>(_: K, mut values: impl Iterator<Item = Result<V, E>>) -> Result<V, E> {
        // There is one: whoever asks has seen it.
        let first = values.next().expect("a key has a value")?;
        values.try_fold(first, |folded, value| Ok(F::run_with((folded, value?))))
    }
}
