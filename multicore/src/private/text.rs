//! `error = "text"`: any error becomes its chain of causes as text.

use std::error::Error;
use std::marker::PhantomData;

use crate::error::TextError;

/// A `Result` seen as a type with two halves, so that aliases (`anyhow::Result<T>`) work too.
#[diagnostic::on_unimplemented(
    message = "`error = \"text\"` needs a function that returns a `Result`, not `{Self}`",
    label = "not a `Result`",
    note = "return `Result<T, E>`, or leave out `error = \"text\"`"
)]
pub trait Fallible {
    type Ok;
    type Err;
    fn into_result(self) -> Result<Self::Ok, Self::Err>;
}

impl<T, E> Fallible for Result<T, E> {
    type Ok = T;
    type Err = E;
    fn into_result(self) -> Result<T, E> {
        self
    }
}

/// The `Ok` half of a function's return type.
pub type OkOf<R> = <R as Fallible>::Ok;

/// The `Err` half of a function's return type.
pub type ErrOf<R> = <R as Fallible>::Err;

/// A function's return value with the error as text.
pub fn text_result<R: Fallible>(
    result: R,
    text: impl FnOnce(R::Err) -> TextError,
) -> Result<R::Ok, TextError> {
    result.into_result().map_err(text)
}

/// What `error = "text"` makes text of; its implementations are in [`InBox`] and [`InSendBox`].
#[diagnostic::on_unimplemented(
    message = "`error = \"text\"` cannot make text of the error `{Self}`",
    label = "not an error",
    note = "the error implements `std::error::Error`, or converts into `Box<dyn std::error::Error>`"
)]
pub trait Text {}

impl Text for () {}

pub const fn error_must_become_text<E: Text>(_: PhantomData<E>) {}

/// Which of the two boxes an error goes into; found by autoderef as in `route`.
pub struct ErrorType<E>(PhantomData<E>);

impl<E> ErrorType<E> {
    pub const NEW: Self = ErrorType(PhantomData);
}

impl<E> Clone for ErrorType<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for ErrorType<E> {}

/// First choice: errors, text and `Box<dyn Error>`.
pub trait InBox<E> {
    fn __multicore_text(self, error: E) -> TextError;
    fn __multicore_probe_text(self) -> PhantomData<()>;
}

impl<E: Into<Box<dyn Error>>> InBox<E> for &&ErrorType<E> {
    fn __multicore_text(self, error: E) -> TextError {
        chain(&*error.into())
    }

    fn __multicore_probe_text(self) -> PhantomData<()> {
        PhantomData
    }
}

/// Second choice: `Box<dyn Error + Send + Sync>`, which does not convert into the other box.
pub trait InSendBox<E> {
    fn __multicore_text(self, error: E) -> TextError;
    fn __multicore_probe_text(self) -> PhantomData<()>;
}

impl<E: Into<Box<dyn Error + Send + Sync>>> InSendBox<E> for &ErrorType<E> {
    fn __multicore_text(self, error: E) -> TextError {
        chain(&*error.into())
    }

    fn __multicore_probe_text(self) -> PhantomData<()> {
        PhantomData
    }
}

/// When neither fits: compiles, so that the probe's error is the only one.
pub trait InNoBox<E> {
    fn __multicore_text(self, error: E) -> TextError;
    fn __multicore_probe_text(self) -> PhantomData<E>;
}

impl<E> InNoBox<E> for ErrorType<E> {
    fn __multicore_text(self, _: E) -> TextError {
        TextError { chain: Vec::new() }
    }

    fn __multicore_probe_text(self) -> PhantomData<E> {
        PhantomData
    }
}

fn chain(error: &dyn Error) -> TextError {
    let mut chain = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        chain.push(error.to_string());
        next = error.source();
    }
    TextError { chain }
}
