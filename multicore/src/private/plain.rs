//! Types that are a row of plain-old-data: text, and vectors and slices of `T: Pod`.

use bytemuck::Pod;

use crate::codec::Failure;

/// What can be sent as plain bytes.
pub trait AsPlain {
    type Element: Pod;

    fn elements(&self) -> &[Self::Element];
}

/// What can be made of plain bytes that were copied out.
pub trait FromPlain: AsPlain + Sized {
    fn from_elements(elements: Vec<Self::Element>) -> Result<Self, Failure>;
}

/// What can be borrowed from plain bytes where they lie.
pub trait LendPlain: AsPlain {
    fn lend(elements: &[Self::Element]) -> Result<&Self, Failure>;
}

impl<T: Pod> AsPlain for Vec<T> {
    type Element = T;

    fn elements(&self) -> &[T] {
        self
    }
}

impl<T: Pod> FromPlain for Vec<T> {
    fn from_elements(elements: Vec<T>) -> Result<Self, Failure> {
        Ok(elements)
    }
}

impl<T: Pod> AsPlain for [T] {
    type Element = T;

    fn elements(&self) -> &[T] {
        self
    }
}

impl<T: Pod> LendPlain for [T] {
    fn lend(elements: &[T]) -> Result<&Self, Failure> {
        Ok(elements)
    }
}

impl AsPlain for String {
    type Element = u8;

    fn elements(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl FromPlain for String {
    fn from_elements(elements: Vec<u8>) -> Result<Self, Failure> {
        String::from_utf8(elements).map_err(|error| Failure::Decode(error.to_string()))
    }
}

impl AsPlain for str {
    type Element = u8;

    fn elements(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl LendPlain for str {
    fn lend(elements: &[u8]) -> Result<&Self, Failure> {
        std::str::from_utf8(elements).map_err(|error| Failure::Decode(error.to_string()))
    }
}
