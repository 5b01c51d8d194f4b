//! Bounds for decoders that lack them: how deep values nest and how many elements they have.
//!
//! bincode follows the bytes wherever they lead: sixteen million nested boxes are sixteen million
//! stack frames, and a forged count of `()` is a loop of 2^64 turns that reads nothing. `serde_json`
//! counts brackets only: the text `5` read as `struct Node(Option<Box<Node>>)` never ends. The guard
//! wraps the deserialiser and whatever it hands to the user's `Deserialize`, so that each level goes
//! through it.
//!
//! - **Depth**: the level travels by value down the recursion, so no error path has to restore it.
//!   Only what can nest is wrapped; numbers and text go straight to the decoder, at its speed.
//! - **Elements**: a sequence or map pays for its whole announced length when it begins. An element
//!   that takes a byte or more can never make a true payload exceed its own length; [`FREE`] is for
//!   those that take none.
//! - **Allocation**: hints are capped ([`HINT`]). Owned text and bytes are asked for as borrowed ones,
//!   whose length bincode checks against the input, and then copied: asked for owned ones, it
//!   allocates before it looks.
//!
//! What it does not do: limit the size of what well-formed elements become in memory, or time spent
//! in the user's own code, such as what serde's `untagged` buffers and reads again by itself.

mod inside;

use std::cell::Cell;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, VariantAccess, Visitor};

use inside::{Inside, Owned};

/// Levels of options, newtypes, sequences, tuples, maps, structs and enums inside each other; the
/// same number as `serde_json`'s.
pub(super) const DEPTH: u8 = 128;

/// Elements allowed beyond one for each byte of the payload.
pub(super) const FREE: usize = 1 << 20;

/// The longest hint of a length that is passed on. Some visitors reserve what a hint says, times the
/// size of their element; a longer sequence grows as its elements arrive.
pub(super) const HINT: usize = 1 << 16;

/// The bounds of one decoding.
pub(super) struct Guard {
    bytes: usize,
    elements: Cell<usize>,
}

impl Guard {
    /// Bounds for a payload of `bytes`.
    pub(super) fn new(bytes: usize) -> Guard {
        Guard { bytes, elements: Cell::new(bytes.saturating_add(FREE)) }
    }

    /// `seed`, with everything that it deserialises inside these bounds.
    pub(super) fn watch<S>(&self, seed: S) -> Watched<'_, S> {
        Watched { inner: seed, guard: self, levels: DEPTH }
    }

    /// Pays for `len` elements; the hint that may be passed on.
    #[inline]
    fn pay<E: Error>(&self, len: usize) -> Result<usize, E> {
        let left = self.elements.get();
        if len > left {
            return Err(too_many(len, left));
        }
        self.elements.set(left - len);
        Ok(len.min(self.bytes).min(HINT))
    }
}

#[cold]
fn too_many<E: Error>(len: usize, left: usize) -> E {
    E::custom(format_args!("{len} elements are announced where {left} are allowed"))
}

#[cold]
fn too_deep<E: Error>() -> E {
    E::custom(format_args!("values nest deeper than the {DEPTH} levels that are allowed"))
}

/// A seed, deserialiser, enum or variant of another level, and how many levels may follow.
pub(super) struct Watched<'g, X> {
    inner: X,
    guard: &'g Guard,
    levels: u8,
}

impl<'g, X> Watched<'g, X> {
    #[inline]
    fn with<Y>(&self, inner: Y) -> Watched<'g, Y> {
        Watched { inner, guard: self.guard, levels: self.levels }
    }

    /// Where what is inside `visitor` goes: one level down.
    #[inline]
    fn enter<V, E: Error>(&self, visitor: V) -> Result<Inside<'g, V>, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(self.stay(visitor, levels)),
            None => Err(too_deep()),
        }
    }

    #[inline]
    fn stay<V>(&self, visitor: V, levels: u8) -> Inside<'g, V> {
        Inside { visitor, guard: self.guard, levels, counted: false }
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Watched<'_, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let deserializer = self.with(deserializer);
        self.inner.deserialize(deserializer)
    }
}

/// Methods whose value cannot contain another: the visitor goes through untouched.
macro_rules! hand_on {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Watched<'_, D> {
    type Error = D::Error;

    hand_on! {
        deserialize_bool deserialize_char
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
        deserialize_str deserialize_unit
        deserialize_identifier deserialize_ignored_any
    }

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.enter(visitor)?;
        self.inner.deserialize_any(visitor)
    }

    /// Bytes can come as a sequence of numbers (JSON).
    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.enter(visitor)?;
        self.inner.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_str(Owned(visitor))
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_bytes(Owned(visitor))
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.enter(visitor)?;
        self.inner.deserialize_option(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.enter(visitor)?;
        self.inner.deserialize_newtype_struct(name, visitor)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = Inside { counted: true, ..self.enter(visitor)? };
        self.inner.deserialize_seq(visitor)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.enter(visitor)?;
        self.inner.deserialize_tuple(len, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.enter(visitor)?;
        self.inner.deserialize_tuple_struct(name, len, visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = Inside { counted: true, ..self.enter(visitor)? };
        self.inner.deserialize_map(visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.enter(visitor)?;
        self.inner.deserialize_struct(name, fields, visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.enter(visitor)?;
        self.inner.deserialize_enum(name, variants, visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<'de, 'g, A: EnumAccess<'de>> EnumAccess<'de> for Watched<'g, A> {
    type Error = A::Error;
    type Variant = Watched<'g, A::Variant>;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        // The tag is a number or a name, in which nothing can nest.
        let Watched { inner, guard, levels } = self;
        let (tag, variant) = inner.variant_seed(seed)?;
        Ok((tag, Watched { inner: variant, guard, levels }))
    }
}

/// The level was taken when the enum began: a variant is not another one.
impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Watched<'_, A> {
    type Error = A::Error;

    #[inline]
    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.with(seed);
        self.inner.newtype_variant_seed(seed)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = self.stay(visitor, self.levels);
        self.inner.tuple_variant(len, visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.stay(visitor, self.levels);
        self.inner.struct_variant(fields, visitor)
    }
}
