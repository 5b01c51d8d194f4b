//! What is inside a value: the visitor that meets it, and its elements.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

use super::{Guard, Watched};

/// The visits of a value that contains no other.
macro_rules! hand_back {
    ($($method:ident($($value:ident: $of:ty)?))*) => {$(
        #[inline]
        fn $method<E: Error>(self $(, $value: $of)?) -> Result<V::Value, E> {
            self.visitor.$method($($value)?)
        }
    )*};
}

/// The visitor of a value that can contain others.
pub(super) struct Inside<'g, V> {
    pub(super) visitor: V,
    pub(super) guard: &'g Guard,
    pub(super) levels: u8,
    /// Whether the bytes say how many elements follow; otherwise the type does.
    pub(super) counted: bool,
}

impl<'g, V> Inside<'g, V> {
    /// The visitor, and the elements that it shall see.
    #[inline]
    fn open<A, E: Error>(self, access: A, announced: Option<usize>) -> Result<(V, Elements<'g, A>), E> {
        let hint = match (self.counted, announced) {
            (true, Some(len)) => Some(self.guard.pay(len)?),
            // The type says how many, or each element takes bytes until a bracket closes (JSON).
            (false, hint) | (true, hint) => hint,
        };
        let access = Watched { inner: access, guard: self.guard, levels: self.levels };
        Ok((self.visitor, Elements { access, hint }))
    }

    #[inline]
    fn split<D>(self, deserializer: D) -> (V, Watched<'g, D>) {
        (self.visitor, Watched { inner: deserializer, guard: self.guard, levels: self.levels })
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Inside<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    hand_back! {
        visit_none() visit_unit()
        visit_bool(v: bool) visit_char(v: char)
        visit_i8(v: i8) visit_i16(v: i16) visit_i32(v: i32) visit_i64(v: i64) visit_i128(v: i128)
        visit_u8(v: u8) visit_u16(v: u16) visit_u32(v: u32) visit_u64(v: u64) visit_u128(v: u128)
        visit_f32(v: f32) visit_f64(v: f64)
        visit_str(v: &str) visit_borrowed_str(v: &'de str) visit_string(v: String)
        visit_bytes(v: &[u8]) visit_borrowed_bytes(v: &'de [u8]) visit_byte_buf(v: Vec<u8>)
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let (visitor, deserializer) = self.split(deserializer);
        visitor.visit_some(deserializer)
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let (visitor, deserializer) = self.split(deserializer);
        visitor.visit_newtype_struct(deserializer)
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let announced = access.size_hint();
        let (visitor, elements) = self.open(access, announced)?;
        visitor.visit_seq(elements)
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let announced = access.size_hint();
        let (visitor, elements) = self.open(access, announced)?;
        visitor.visit_map(elements)
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let (visitor, access) = self.split(access);
        visitor.visit_enum(access)
    }
}

/// The elements of a sequence or the entries of a map, paid for.
struct Elements<'g, A> {
    access: Watched<'g, A>,
    hint: Option<usize>,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<'_, A> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let seed = self.access.with(seed);
        self.access.inner.next_element_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Elements<'_, A> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let seed = self.access.with(seed);
        self.access.inner.next_key_seed(seed)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.access.with(seed);
        self.access.inner.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint
    }
}

/// Hands borrowed text or bytes to a visitor that asked for its own.
pub(super) struct Owned<V>(pub(super) V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Owned<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    #[inline]
    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        self.0.visit_string(text.to_owned())
    }

    #[inline]
    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<V::Value, E> {
        self.0.visit_byte_buf(bytes.to_vec())
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(access)
    }
}
