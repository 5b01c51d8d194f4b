//! `error = "text"`: any error becomes its chain of causes as text.

use std::error::Error;
use std::marker::PhantomData;

use crate::error::TextError;

/// A `Result` seen as a type with a value, so that aliases (`anyhow::Result<T>`) work too.
#[diagnostic::on_unimplemented(
    message = "`error = \"text\"` needs a function that returns a `Result`, not `{Self}`",
    label = "not a `Result`",
    note = "return `Result<T, E>`, or leave out `error = \"text\"`"
)]
pub trait Fallible {
    type Ok;
}

#[diagnostic::do_not_recommend]
impl<T, E> Fallible for Result<T, E> {
    type Ok = T;
}

/// The value's type in a function's return type.
pub type OkOf<R> = <R as Fallible>::Ok;

/// What `error = "text"` can make text of: that was found by [`InBox`] or [`InSendBox`], and then `()`
/// stands for the error.
#[diagnostic::on_unimplemented(
    message = "`error = \"text\"` cannot make text of the error `{Self}`",
    label = "not an error",
    note = "implement `std::error::Error` for it, or return another error, such as `Box<dyn std::error::Error>`"
)]
pub trait Text {}

#[diagnostic::do_not_recommend]
impl Text for () {}

pub const fn error_must_become_text<E: Text>(_: PhantomData<E>) {}

/// A function's return type; what becomes of its error is found by autoderef as in `route`.
pub struct Returned<R>(PhantomData<R>);

impl<R> Returned<R> {
    pub const NEW: Self = Returned(PhantomData);
}

impl<R> Clone for Returned<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Returned<R> {}

/// First choice: errors, text and `Box<dyn Error>`.
pub trait InBox<R> {
    type Ok;
    fn __multicore_text(self, returned: R) -> Result<Self::Ok, TextError>;
    fn __multicore_probe_text(self) -> PhantomData<()>;
}

impl<T, E: Into<Box<dyn Error>>> InBox<Result<T, E>> for &&&Returned<Result<T, E>> {
    type Ok = T;

    fn __multicore_text(self, returned: Result<T, E>) -> Result<T, TextError> {
        returned.map_err(|error| chain(&*error.into()))
    }

    fn __multicore_probe_text(self) -> PhantomData<()> {
        PhantomData
    }
}

/// Second choice: `Box<dyn Error + Send + Sync>`, which does not convert into the other box.
pub trait InSendBox<R> {
    type Ok;
    fn __multicore_text(self, returned: R) -> Result<Self::Ok, TextError>;
    fn __multicore_probe_text(self) -> PhantomData<()>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> InSendBox<Result<T, E>> for &&Returned<Result<T, E>> {
    type Ok = T;

    fn __multicore_text(self, returned: Result<T, E>) -> Result<T, TextError> {
        returned.map_err(|error| chain(&*error.into()))
    }

    fn __multicore_probe_text(self) -> PhantomData<()> {
        PhantomData
    }
}

/// A `Result` whose error goes into neither: compiles, so that the probe's error is the only one.
pub trait InNoBox<R> {
    type Ok;
    type Error;
    fn __multicore_text(self, returned: R) -> Result<Self::Ok, TextError>;
    fn __multicore_probe_text(self) -> PhantomData<Self::Error>;
}

impl<T, E> InNoBox<Result<T, E>> for &Returned<Result<T, E>> {
    type Ok = T;
    type Error = E;

    fn __multicore_text(self, returned: Result<T, E>) -> Result<T, TextError> {
        returned.map_err(|_| TextError { chain: Vec::new() })
    }

    fn __multicore_probe_text(self) -> PhantomData<E> {
        PhantomData
    }
}

/// No `Result`: compiles as well, because [`Fallible`] has said so.
pub trait NoResult<R> {
    fn __multicore_text<T>(self, returned: R) -> Result<T, TextError>;
    fn __multicore_probe_text(self) -> PhantomData<()>;
}

impl<R> NoResult<R> for Returned<R> {
    fn __multicore_text<T>(self, _: R) -> Result<T, TextError> {
        Err(TextError { chain: Vec::new() })
    }

    fn __multicore_probe_text(self) -> PhantomData<()> {
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
