//! A result to bytes and back: text and vectors of numbers as they are, all else by serde.
//!
//! Serde takes bytes one at a time. A task knows its result's type when it is compiled; here it may be anybody's,
//! so the types that every program has are asked for by their identity.

use std::any::{Any, TypeId};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{self, Codec, Failure};
use crate::private::plain::{AsPlain, FromPlain};
use crate::shm::window::{Payload, WindowWriter};

/// Writes a result.
pub(super) fn put<R: Serialize + 'static>(value: &R, out: &mut WindowWriter<'_>) -> Result<(), Failure> {
    put_plain(value, out).unwrap_or_else(|| codec::encode(Codec::Bincode, value, out))
}

/// Reads what [`put`] wrote in another process.
pub(super) fn take<R: DeserializeOwned + 'static>(payload: Payload<'_>) -> Result<R, Failure> {
    take_plain(payload).unwrap_or_else(|| codec::decode_whole(Codec::Bincode, payload))
}

/// Both directions for each of these types, so that they cannot differ.
macro_rules! plain {
    ($($plain:ty),* $(,)?) => {
        fn put_plain<R: 'static>(value: &R, out: &mut WindowWriter<'_>) -> Option<Result<(), Failure>> {
            let value: &dyn Any = value;
            $(if let Some(value) = value.downcast_ref::<$plain>() {
                return Some(codec::encode_plain(Codec::Raw, value.elements(), out));
            })*
            None
        }

        fn take_plain<R: 'static>(payload: Payload<'_>) -> Option<Result<R, Failure>> {
            $(if TypeId::of::<R>() == TypeId::of::<$plain>() {
                let value = codec::payload_plain(payload).and_then(<$plain>::from_elements);
                return value.map(same_type).transpose();
            })*
            None
        }
    };
}

plain! {
    String, Vec<u8>, Vec<i8>, Vec<u16>, Vec<i16>, Vec<u32>, Vec<i32>, Vec<u64>, Vec<i64>, Vec<u128>, Vec<i128>,
    Vec<usize>, Vec<isize>, Vec<f32>, Vec<f64>,
}

/// The value itself; `None` where `R` is another type.
fn same_type<T: 'static, R: 'static>(value: T) -> Option<R> {
    let mut value = Some(value);
    let value: &mut dyn Any = &mut value;
    value.downcast_mut::<Option<R>>().and_then(Option::take)
}
