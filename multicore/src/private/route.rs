//! How a value of a type travels: copied as plain bytes, or by serde.
//!
//! Generated code asks `(&&&Owned::<T>::NEW).__multicore_route()` for an argument or result by value
//! and `Lent` for one by reference, and autoderef picks the first of these that fits:
//!
//! | implemented for | route | carries |
//! |---|---|---|
//! | `&&&…` | [`Quick`] | text, and plain-old-data that serde knows as well: plain, but not under JSON |
//! | `&&…` | [`Plain`] | plain-old-data that serde does not know |
//! | `&&…` | [`Perhaps`] | a `Result` or `Option` of plain-old-data that serde knows |
//! | `&…` | [`Serde`] | everything else that serde knows |
//! | `…` | [`Never`] | the rest: compiles, so that the probe's error is the only one |
//!
//! Client and worker are compiled from the same expansion, so they agree on the route.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Input;
use super::plain::{AsPlain, FromPlain, LendPlain};
use crate::call::{Encoder, Invocation, Reply};
use crate::codec::{self, Codec, Failure};
use crate::shared::travel;
use crate::shm::window::Payload;

/// A type that is taken or returned by value.
pub struct Owned<T>(PhantomData<T>);

/// A type that is taken by reference.
pub struct Lent<T: ?Sized>(PhantomData<T>);

/// Implements what a marker needs whatever its parameter is.
macro_rules! markers {
    ($($marker:ident [$($sized:tt)*]),* $(,)?) => {$(
        impl<T $($sized)*> $marker<T> {
            pub const NEW: Self = $marker(PhantomData);
        }

        impl<T $($sized)*> Clone for $marker<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T $($sized)*> Copy for $marker<T> {}
    )*};
}

markers! { Owned [], Lent [: ?Sized], Quick [], Plain [], Perhaps [], Serde [], Never [] }

/// Plain bytes; by serde under a codec that carries no plain bytes.
pub struct Quick<M>(PhantomData<M>);
/// Plain bytes.
pub struct Plain<M>(PhantomData<M>);
/// Plain bytes, or something else.
pub struct Perhaps<M>(PhantomData<M>);
/// By serde.
pub struct Serde<M>(PhantomData<M>);
/// Not at all.
pub struct Never<M>(PhantomData<M>);

/// A way for values to travel to a worker.
pub trait Route: Copy {
    /// What is sent.
    type Sent: ?Sized;
    /// What a worker makes of it: what the function takes, or something that dereferences to it.
    type Taken<'w>;
    /// Whether the value is bytes alone, which the codec `raw` can carry.
    const PLAIN: bool;

    fn put(value: &Self::Sent, encoder: &mut Encoder<'_, '_>) -> Result<(), Failure>;
    fn take<'w>(input: &mut Input<'w>) -> Result<Self::Taken<'w>, Failure>;
}

/// A way for values to travel back.
pub trait ResultRoute: Route<Sent: Sized> {
    fn put_result(value: &Self::Sent, invocation: Invocation<'_, '_, '_>) -> Result<(), Failure>;
    fn take_result(reply: Reply<'_>) -> Result<Self::Sent, Failure>;
}

/// A way back for text or a slice that the function returns a reference to; its owned type is what the caller
/// gets, and travels in the same form.
pub trait LentResultRoute: Route {
    fn put_result(value: &Self::Sent, invocation: Invocation<'_, '_, '_>) -> Result<(), Failure>;
}

/// Whether a type that could go either way goes by serde.
pub(crate) fn by_serde<T>(codec: Codec) -> bool {
    // A count of values without a size cannot be checked against any bytes; serde's formats can.
    let plain = matches!(codec, Codec::Raw) || matches!(codec, Codec::Bincode) && size_of::<T>() != 0;
    !plain
}

pub(super) fn put_plain_result<V: AsPlain + ?Sized>(
    value: &V,
    invocation: Invocation<'_, '_, '_>,
) -> Result<(), Failure> {
    // A result is the whole payload, so its bytes need no framing whatever the codec.
    codec::encode_plain(Codec::Raw, value.elements(), invocation.results)
}

/// Of what lies in the arguments the caller has a copy already.
fn put_lent_plain<V: AsPlain + ?Sized>(
    value: &V,
    mut invocation: Invocation<'_, '_, '_>,
) -> Result<(), Failure> {
    let elements = value.elements();
    if size_of_val(elements) != 0 && invocation.refers_to(bytemuck::cast_slice(elements)) {
        return Ok(());
    }
    put_plain_result(value, invocation)
}

fn take_plain_result<V: FromPlain>(payload: Payload<'_>) -> Result<V, Failure> {
    V::from_elements(codec::payload_plain(payload)?)
}

impl<V: FromPlain + Serialize + DeserializeOwned> Route for Quick<Owned<V>> {
    type Sent = V;
    type Taken<'w> = V;
    const PLAIN: bool = true;

    fn put(value: &V, encoder: &mut Encoder<'_, '_>) -> Result<(), Failure> {
        if by_serde::<V::Element>(encoder.codec) {
            return Serde::<Owned<V>>::put(value, encoder);
        }
        Plain::<Owned<V>>::put(value, encoder)
    }

    fn take<'w>(input: &mut Input<'w>) -> Result<V, Failure> {
        if by_serde::<V::Element>(input.codec) {
            return Serde::<Owned<V>>::take(input);
        }
        Plain::<Owned<V>>::take(input)
    }
}

impl<V: FromPlain + Serialize + DeserializeOwned> ResultRoute for Quick<Owned<V>> {
    fn put_result(value: &V, invocation: Invocation<'_, '_, '_>) -> Result<(), Failure> {
        if by_serde::<V::Element>(invocation.codec) {
            return Serde::<Owned<V>>::put_result(value, invocation);
        }
        put_plain_result(value, invocation)
    }

    fn take_result(reply: Reply<'_>) -> Result<V, Failure> {
        if by_serde::<V::Element>(reply.codec) {
            return Serde::<Owned<V>>::take_result(reply);
        }
        take_plain_result(reply.payload)
    }
}

impl<V> Route for Quick<Lent<V>>
where
    V: LendPlain + Serialize + ToOwned<Owned: DeserializeOwned> + ?Sized + 'static,
{
    type Sent = V;
    type Taken<'w> = Cow<'w, V>;
    const PLAIN: bool = true;

    fn put(value: &V, encoder: &mut Encoder<'_, '_>) -> Result<(), Failure> {
        if by_serde::<V::Element>(encoder.codec) {
            return codec::encode(encoder.codec, value, encoder.out);
        }
        Plain::<Lent<V>>::put(value, encoder)
    }

    fn take<'w>(input: &mut Input<'w>) -> Result<Cow<'w, V>, Failure> {
        if by_serde::<V::Element>(input.codec) {
            return codec::decode(input.codec, &mut input.rest).map(Cow::Owned);
        }
        Plain::<Lent<V>>::take(input).map(Cow::Borrowed)
    }
}

impl<V> LentResultRoute for Quick<Lent<V>>
where
    Quick<Lent<V>>: Route<Sent = V>,
    V: LendPlain + Serialize + ?Sized,
{
    fn put_result(value: &V, invocation: Invocation<'_, '_, '_>) -> Result<(), Failure> {
        if by_serde::<V::Element>(invocation.codec) {
            return codec::encode(invocation.codec, value, invocation.results);
        }
        put_lent_plain(value, invocation)
    }
}

impl<V: LendPlain + ?Sized + 'static> LentResultRoute for Plain<Lent<V>> {
    fn put_result(value: &V, invocation: Invocation<'_, '_, '_>) -> Result<(), Failure> {
        put_lent_plain(value, invocation)
    }
}

impl<T: Serialize + DeserializeOwned> LentResultRoute for Serde<Lent<[T]>> {
    fn put_result(value: &[T], invocation: Invocation<'_, '_, '_>) -> Result<(), Failure> {
        codec::encode(invocation.codec, value, invocation.results)
    }
}

impl<T: ?Sized> LentResultRoute for Never<Lent<T>> {
    fn put_result(_: &T, _: Invocation<'_, '_, '_>) -> Result<(), Failure> {
        Err(Failure::Encode(REFUSED.into()))
    }
}

impl<V: FromPlain> Route for Plain<Owned<V>> {
    type Sent = V;
    type Taken<'w> = V;
    const PLAIN: bool = true;

    fn put(value: &V, encoder: &mut Encoder<'_, '_>) -> Result<(), Failure> {
        codec::encode_plain(encoder.codec, value.elements(), encoder.out)
    }

    fn take<'w>(input: &mut Input<'w>) -> Result<V, Failure> {
        V::from_elements(codec::decode_plain_vec(input.codec, &mut input.rest)?)
    }
}

impl<V: FromPlain> ResultRoute for Plain<Owned<V>> {
    fn put_result(value: &V, invocation: Invocation<'_, '_, '_>) -> Result<(), Failure> {
        put_plain_result(value, invocation)
    }

    fn take_result(reply: Reply<'_>) -> Result<V, Failure> {
        take_plain_result(reply.payload)
    }
}

impl<V: LendPlain + ?Sized + 'static> Route for Plain<Lent<V>> {
    type Sent = V;
    type Taken<'w> = &'w V;
    const PLAIN: bool = true;

    fn put(value: &V, encoder: &mut Encoder<'_, '_>) -> Result<(), Failure> {
        codec::lend_plain(encoder.codec, value.elements(), encoder.out)
    }

    fn take<'w>(input: &mut Input<'w>) -> Result<&'w V, Failure> {
        V::lend(codec::borrow_plain(input.codec, &mut input.rest, input.shared)?)
    }
}

impl<T: Serialize + DeserializeOwned> Route for Serde<Owned<T>> {
    type Sent = T;
    type Taken<'w> = T;
    const PLAIN: bool = false;

    fn put(value: &T, encoder: &mut Encoder<'_, '_>) -> Result<(), Failure> {
        codec::encode(encoder.codec, value, encoder.out)
    }

    fn take<'w>(input: &mut Input<'w>) -> Result<T, Failure> {
        codec::decode(input.codec, &mut input.rest)
    }
}

impl<T: Serialize + DeserializeOwned> ResultRoute for Serde<Owned<T>> {
    fn put_result(value: &T, invocation: Invocation<'_, '_, '_>) -> Result<(), Failure> {
        codec::encode(invocation.codec, value, invocation.results)
    }

    fn take_result(reply: Reply<'_>) -> Result<T, Failure> {
        codec::decode_whole(reply.codec, reply.payload)
    }
}

impl<T: Serialize + DeserializeOwned> Route for Serde<Lent<T>> {
    type Sent = T;
    type Taken<'w> = Held<T>;
    const PLAIN: bool = false;

    fn put(value: &T, encoder: &mut Encoder<'_, '_>) -> Result<(), Failure> {
        codec::encode(encoder.codec, value, encoder.out)
    }

    fn take<'w>(input: &mut Input<'w>) -> Result<Held<T>, Failure> {
        codec::decode(input.codec, &mut input.rest).map(Held)
    }
}

impl<T: Serialize + DeserializeOwned> Route for Serde<Lent<[T]>> {
    type Sent = [T];
    type Taken<'w> = Vec<T>;
    const PLAIN: bool = false;

    fn put(value: &[T], encoder: &mut Encoder<'_, '_>) -> Result<(), Failure> {
        codec::encode(encoder.codec, value, encoder.out)
    }

    fn take<'w>(input: &mut Input<'w>) -> Result<Vec<T>, Failure> {
        codec::decode(input.codec, &mut input.rest)
    }
}

/// What a probe has refused already.
const REFUSED: &str = "the type cannot travel";

impl<T> Route for Never<Owned<T>> {
    type Sent = T;
    type Taken<'w> = T;
    const PLAIN: bool = false;

    fn put(_: &T, _: &mut Encoder<'_, '_>) -> Result<(), Failure> {
        Err(Failure::Encode(REFUSED.into()))
    }

    fn take<'w>(_: &mut Input<'w>) -> Result<T, Failure> {
        Err(Failure::Decode(REFUSED.into()))
    }
}

impl<T> ResultRoute for Never<Owned<T>> {
    fn put_result(_: &T, _: Invocation<'_, '_, '_>) -> Result<(), Failure> {
        Err(Failure::Encode(REFUSED.into()))
    }

    fn take_result(_: Reply<'_>) -> Result<T, Failure> {
        Err(Failure::Decode(REFUSED.into()))
    }
}

impl<T: ?Sized> Route for Never<Lent<T>> {
    type Sent = T;
    type Taken<'w> = Box<T>;
    const PLAIN: bool = false;

    fn put(_: &T, _: &mut Encoder<'_, '_>) -> Result<(), Failure> {
        Err(Failure::Encode(REFUSED.into()))
    }

    fn take<'w>(_: &mut Input<'w>) -> Result<Box<T>, Failure> {
        Err(Failure::Decode(REFUSED.into()))
    }
}

/// A decoded value that the function borrows.
pub struct Held<T>(T);

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// First choice.
pub trait ByPlainOrSerde {
    type Route;
    fn __multicore_route(self) -> Self::Route;
}

impl<V: FromPlain + Serialize + DeserializeOwned> ByPlainOrSerde for &&&Owned<V> {
    type Route = Quick<Owned<V>>;
    fn __multicore_route(self) -> Self::Route {
        Quick::NEW
    }
}

impl<V> ByPlainOrSerde for &&&Lent<V>
where
    V: LendPlain + Serialize + ToOwned<Owned: DeserializeOwned> + ?Sized + 'static,
{
    type Route = Quick<Lent<V>>;
    fn __multicore_route(self) -> Self::Route {
        Quick::NEW
    }
}

/// Second choice.
pub trait ByPlain {
    type Route;
    fn __multicore_route(self) -> Self::Route;
}

impl<V: FromPlain> ByPlain for &&Owned<V> {
    type Route = Plain<Owned<V>>;
    fn __multicore_route(self) -> Self::Route {
        Plain::NEW
    }
}

impl<V: LendPlain + ?Sized> ByPlain for &&Lent<V> {
    type Route = Plain<Lent<V>>;
    fn __multicore_route(self) -> Self::Route {
        Plain::NEW
    }
}

/// Third choice.
pub trait BySerde {
    type Route;
    fn __multicore_route(self) -> Self::Route;
}

impl<T: Serialize + DeserializeOwned> BySerde for &Owned<T> {
    type Route = Serde<Owned<T>>;
    fn __multicore_route(self) -> Self::Route {
        Serde::NEW
    }
}

impl<T: Serialize + DeserializeOwned> BySerde for &Lent<T> {
    type Route = Serde<Lent<T>>;
    fn __multicore_route(self) -> Self::Route {
        Serde::NEW
    }
}

impl<T: Serialize + DeserializeOwned> BySerde for &Lent<[T]> {
    type Route = Serde<Lent<[T]>>;
    fn __multicore_route(self) -> Self::Route {
        Serde::NEW
    }
}

/// When nothing fits.
pub trait ByNothing {
    type Route;
    fn __multicore_route(self) -> Self::Route;
}

impl<T> ByNothing for Owned<T> {
    type Route = Never<Owned<T>>;
    fn __multicore_route(self) -> Self::Route {
        Never::NEW
    }
}

impl<T: ?Sized> ByNothing for Lent<T> {
    type Route = Never<Lent<T>>;
    fn __multicore_route(self) -> Self::Route {
        Never::NEW
    }
}

/// Writes an argument.
///
/// # Errors
/// The codec's, or the window's.
pub fn put<R: Route>(_: R, value: &R::Sent, encoder: &mut Encoder<'_, '_>) -> Result<(), Failure> {
    R::put(value, encoder)
}

/// Reads an argument.
///
/// # Errors
/// The codec's.
pub fn take<'w, R: Route>(_: R, input: &mut Input<'w>) -> Result<R::Taken<'w>, Failure> {
    travel::taking(|| R::take(input))
}

/// Writes the result.
///
/// # Errors
/// The codec's, or the window's.
pub fn put_result<R: ResultRoute>(
    _: R,
    value: &R::Sent,
    invocation: Invocation<'_, '_, '_>,
) -> Result<(), Failure> {
    R::put_result(value, invocation)
}

/// Writes the result that the function returned a reference to.
///
/// # Errors
/// The codec's, or the window's.
pub fn put_lent_result<R: LentResultRoute>(
    _: R,
    value: &R::Sent,
    invocation: Invocation<'_, '_, '_>,
) -> Result<(), Failure> {
    R::put_result(value, invocation)
}

/// The result, where the function runs in this process and returns a reference to it.
pub fn to_owned<T: ToOwned + ?Sized>(value: &T) -> T::Owned {
    value.to_owned()
}

/// Reads the result.
///
/// # Errors
/// The codec's.
pub fn take_result<R: ResultRoute>(_: R, reply: Reply<'_>) -> Result<R::Sent, Failure> {
    R::take_result(reply)
}

/// Refuses the codec `raw`, chosen for one call, where the task is not made for it.
///
/// # Errors
/// [`Failure::Encode`] unless there is one argument and the result is plain; whether the argument is
/// the codec finds itself.
pub fn check_raw<R: Route>(_: R, arguments: usize, encoder: &Encoder<'_, '_>) -> Result<(), Failure> {
    if encoder.codec != Codec::Raw || (arguments == 1 && R::PLAIN) {
        return Ok(());
    }
    Err(Failure::Encode(if arguments == 1 {
        "the codec `raw` carries a result of bytes, text or plain-old-data alone".into()
    } else {
        format!("the codec `raw` carries exactly one argument, and the task has {arguments}")
    }))
}
