//! The checks that give a type which cannot travel its one error.
//!
//! For each argument and result generated code calls one function of this file, named as a sentence,
//! with a [`PhantomData`] of the type that must be serialisable. Which type that is the `Probe…`
//! traits find: nothing is asked of plain-old-data, of a slice its element is asked, of a `Result`
//! both halves. They are alternatives by autoderef, first fit wins: `(&&Owned::<T>::NEW).method()`
//! looks for an implementation for `&&Owned<T>`, then `&Owned<T>`, then `Owned<T>`.
//!
//! Everything else in the expansion falls back to code without bounds, so it adds no second error.

use std::marker::PhantomData;

use bytemuck::Pod;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::route::{Lent, Owned};
#[cfg(processes)]
use crate::queue::{Item, Queue};
use crate::shared::{Plain, Shared};

/// What can be sent to a worker.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a task: it cannot be sent to a worker process",
    label = "cannot be serialized and deserialized",
    note = "arguments implement `serde::Serialize` and `serde::de::DeserializeOwned`: write `#[derive(serde::Serialize, serde::Deserialize)]` on your own types, and pass data in place of a handle, pointer or closure"
)]
pub trait Argument {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Argument for T {}

/// Shared data, which travels to a worker and not back.
pub struct SharedData<T>(PhantomData<T>);

impl<T> Argument for SharedData<T> {}

/// A queue, which travels to a worker and not back.
#[cfg(processes)]
pub struct QueueOf<T>(PhantomData<T>);

#[cfg(processes)]
impl<T> Argument for QueueOf<T> {}

/// What can be sent back from a worker.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a task: it cannot be sent back from a worker process",
    label = "cannot be serialized and deserialized",
    note = "results implement `serde::Serialize` and `serde::de::DeserializeOwned`: write `#[derive(serde::Serialize, serde::Deserialize)]` on your own types, and return data in place of a handle, pointer or closure"
)]
pub trait TaskResult {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> TaskResult for T {}

/// What can be sent back from a worker as an error.
#[diagnostic::on_unimplemented(
    message = "the error `{Self}` of this task cannot be sent back from a worker process",
    label = "cannot be serialized and deserialized",
    note = "write `#[task(error = \"text\")]` to get the error with its causes as text, or `#[derive(serde::Serialize, serde::Deserialize)]` on an error type of your own"
)]
pub trait TaskError {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> TaskError for T {}

/// What the codec `raw` can send.
#[diagnostic::on_unimplemented(
    message = "the codec `raw` cannot carry an argument of type `{Self}`",
    label = "neither bytes, text nor plain-old-data",
    note = "take `&[u8]`, `Vec<u8>`, `&str`, `String`, or `&[T]` or `Vec<T>` with `T: bytemuck::Pod`, or leave out `codec = \"raw\"`"
)]
pub trait PlainArgument {}

#[diagnostic::do_not_recommend]
impl PlainArgument for String {}
#[diagnostic::do_not_recommend]
impl PlainArgument for str {}
#[diagnostic::do_not_recommend]
impl<T: Pod> PlainArgument for Vec<T> {}
#[diagnostic::do_not_recommend]
impl<T: Pod> PlainArgument for [T] {}

/// What the codec `raw` can send back.
#[diagnostic::on_unimplemented(
    message = "the codec `raw` cannot carry a result of type `{Self}`",
    label = "neither bytes, text nor plain-old-data",
    note = "return `Vec<u8>`, `String`, or `Vec<T>` with `T: bytemuck::Pod`, or leave out `codec = \"raw\"`"
)]
pub trait PlainResult {}

#[diagnostic::do_not_recommend]
impl PlainResult for String {}
#[diagnostic::do_not_recommend]
impl<T: Pod> PlainResult for Vec<T> {}

pub const fn argument_must_be_serializable<T: Argument + ?Sized>(_: PhantomData<T>) {}
pub const fn result_must_be_serializable<T: TaskResult + ?Sized>(_: PhantomData<T>) {}
pub const fn error_must_be_serializable<T: TaskError + ?Sized>(_: PhantomData<T>) {}
pub const fn raw_argument_must_be_plain<T: PlainArgument + ?Sized>() {}
pub const fn raw_result_must_be_plain<T: PlainResult + ?Sized>() {}

/// Plain-old-data needs no serde.
pub trait ProbePlain {
    fn __multicore_probe(self) -> PhantomData<()>;
}

impl<T: Pod> ProbePlain for &&Owned<Vec<T>> {
    fn __multicore_probe(self) -> PhantomData<()> {
        PhantomData
    }
}

impl ProbePlain for &&Lent<str> {
    fn __multicore_probe(self) -> PhantomData<()> {
        PhantomData
    }
}

impl<T: Pod> ProbePlain for &&Lent<[T]> {
    fn __multicore_probe(self) -> PhantomData<()> {
        PhantomData
    }
}

/// Of shared data, each value must be plain-old-data.
pub trait ProbeShared {
    type Element;
    fn __multicore_probe(self) -> PhantomData<SharedData<Self::Element>>
    where
        Self::Element: Plain;
}

impl<T> ProbeShared for &&Owned<Shared<[T]>> {
    type Element = T;
    fn __multicore_probe(self) -> PhantomData<SharedData<T>>
    where
        T: Plain,
    {
        PhantomData
    }
}

impl<T> ProbeShared for &&Lent<Shared<[T]>> {
    type Element = T;
    fn __multicore_probe(self) -> PhantomData<SharedData<T>>
    where
        T: Plain,
    {
        PhantomData
    }
}

/// Of a queue, each item must be serialisable.
#[cfg(processes)]
pub trait ProbeQueue {
    type Element;
    fn __multicore_probe(self) -> PhantomData<QueueOf<Self::Element>>
    where
        Self::Element: Item;
}

#[cfg(processes)]
impl<T> ProbeQueue for &&Owned<Queue<T>> {
    type Element = T;
    fn __multicore_probe(self) -> PhantomData<QueueOf<T>>
    where
        T: Item,
    {
        PhantomData
    }
}

#[cfg(processes)]
impl<T> ProbeQueue for &&Lent<Queue<T>> {
    type Element = T;
    fn __multicore_probe(self) -> PhantomData<QueueOf<T>>
    where
        T: Item,
    {
        PhantomData
    }
}

/// Of a slice, the element is asked; of a `Result`, the value.
pub trait ProbeElement {
    type Element;
    fn __multicore_probe(self) -> PhantomData<Self::Element>;
}

impl<T> ProbeElement for &Lent<[T]> {
    type Element = T;
    fn __multicore_probe(self) -> PhantomData<T> {
        PhantomData
    }
}

impl<T, E> ProbeElement for &Owned<Result<T, E>> {
    type Element = T;
    fn __multicore_probe(self) -> PhantomData<T> {
        PhantomData
    }
}

/// Everything else is asked itself.
pub trait ProbeWhole {
    type Whole: ?Sized;
    fn __multicore_probe(self) -> PhantomData<Self::Whole>;
}

impl<T> ProbeWhole for Owned<T> {
    type Whole = T;
    fn __multicore_probe(self) -> PhantomData<T> {
        PhantomData
    }
}

impl<T: ?Sized> ProbeWhole for Lent<T> {
    type Whole = T;
    fn __multicore_probe(self) -> PhantomData<T> {
        PhantomData
    }
}

/// The error of a `Result`.
pub trait ProbeError {
    type Error;
    fn __multicore_probe_error(self) -> PhantomData<Self::Error>;
}

impl<T, E> ProbeError for &Owned<Result<T, E>> {
    type Error = E;
    fn __multicore_probe_error(self) -> PhantomData<E> {
        PhantomData
    }
}

/// What is no `Result` has no error.
pub trait ProbeNothing {
    fn __multicore_probe_error(self) -> PhantomData<()>;
}

impl<T> ProbeNothing for Owned<T> {
    fn __multicore_probe_error(self) -> PhantomData<()> {
        PhantomData
    }
}
