//! Results that are plain or something else: `Result<V, E>` and `Option<V>` with `V` of plain bytes.
//!
//! By serde such a `V` would go byte by byte. Here a byte says which of the two it is, and the rest of the
//! payload is `V`'s bytes, copied in one piece, or the other by serde. As arguments they go by serde.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Input;
use super::plain::{AsPlain, FromPlain};
use super::route::{ByPlain, Owned, Perhaps, ResultRoute, Route, Serde, by_serde, put_plain_result};
use crate::call::{Encoder, Invocation, Reply};
use crate::codec::{self, Codec, Failure};

/// One of two.
pub trait EitherOf: Sized {
    type Plain: FromPlain;
    type Other: Serialize + DeserializeOwned;

    fn look(&self) -> Result<&Self::Plain, Self::Lent<'_>>;
    fn make(either: Result<Self::Plain, Self::Other>) -> Self;

    /// The other as it is sent.
    type Lent<'a>: Serialize
    where
        Self: 'a;
}

impl<V: FromPlain, E: Serialize + DeserializeOwned> EitherOf for Result<V, E> {
    type Plain = V;
    type Other = E;
    type Lent<'a>
        = &'a E
    where
        Self: 'a;

    fn look(&self) -> Result<&V, &E> {
        self.as_ref()
    }

    fn make(either: Result<V, E>) -> Self {
        either
    }
}

impl<V: FromPlain> EitherOf for Option<V> {
    type Plain = V;
    type Other = ();
    type Lent<'a>
        = ()
    where
        Self: 'a;

    fn look(&self) -> Result<&V, ()> {
        self.as_ref().ok_or(())
    }

    fn make(either: Result<V, ()>) -> Self {
        either.ok()
    }
}

const PLAIN: u8 = 0;
const OTHER: u8 = 1;

/// Whether a codec carries both.
fn is_whole<T: EitherOf>(codec: Codec) -> bool {
    !matches!(codec, Codec::Bincode) || by_serde::<<T::Plain as AsPlain>::Element>(codec)
}

impl<T: EitherOf + Serialize + DeserializeOwned> Route for Perhaps<Owned<T>> {
    type Sent = T;
    type Taken<'w> = T;
    const PLAIN: bool = false;

    fn put(value: &T, encoder: &mut Encoder<'_, '_>) -> Result<(), Failure> {
        Serde::<Owned<T>>::put(value, encoder)
    }

    fn take<'w>(input: &mut Input<'w>) -> Result<T, Failure> {
        Serde::<Owned<T>>::take(input)
    }
}

impl<T: EitherOf + Serialize + DeserializeOwned> ResultRoute for Perhaps<Owned<T>> {
    fn put_result(value: &T, invocation: Invocation<'_, '_, '_>) -> Result<(), Failure> {
        if is_whole::<T>(invocation.codec) {
            return Serde::<Owned<T>>::put_result(value, invocation);
        }
        match value.look() {
            Ok(plain) => {
                codec::encode(Codec::Bincode, &PLAIN, invocation.results)?;
                put_plain_result(plain, invocation)
            }
            Err(other) => codec::encode(Codec::Bincode, &(OTHER, other), invocation.results),
        }
    }

    fn take_result(reply: Reply<'_>) -> Result<T, Failure> {
        if is_whole::<T>(reply.codec) {
            return Serde::<Owned<T>>::take_result(reply);
        }
        let either = match reply.payload.split_first() {
            Some((PLAIN, rest)) => codec::payload_plain(rest).and_then(T::Plain::from_elements).map(Ok),
            Some((OTHER, rest)) => codec::decode_whole(reply.codec, rest).map(Err),
            _ => Err(Failure::Decode("neither the one nor the other is found".to_owned())),
        };
        either.map(T::make)
    }
}

impl<V, E> ByPlain for &&Owned<Result<V, E>>
where
    V: FromPlain + Serialize + DeserializeOwned,
    E: Serialize + DeserializeOwned,
{
    type Route = Perhaps<Owned<Result<V, E>>>;
    fn __multicore_route(self) -> Self::Route {
        Perhaps::NEW
    }
}

impl<V: FromPlain + Serialize + DeserializeOwned> ByPlain for &&Owned<Option<V>> {
    type Route = Perhaps<Owned<Option<V>>>;
    fn __multicore_route(self) -> Self::Route {
        Perhaps::NEW
    }
}
