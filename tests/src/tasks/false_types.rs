//! Types that fail or panic where they travel.

use std::thread;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Types that do what they say at the wrong moment.
macro_rules! bad_types {
    ($($name:ident, $take:ident, $make:ident: $what:literal, $serialize:expr, $deserialize:expr;)*) => {$(
        #[doc = $what]
        #[derive(Debug, PartialEq, Eq)]
        pub struct $name(pub u64);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let serialize: fn(u64) -> Result<u64, &'static str> = $serialize;
                serialize(self.0).map_err(serde::ser::Error::custom)?.serialize(to)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let deserialize: fn(u64) -> Result<u64, &'static str> = $deserialize;
                deserialize(u64::deserialize(from)?).map_err(serde::de::Error::custom).map($name)
            }
        }

        #[doc = concat!("Takes a value that ", $what)]
        #[multicore::task]
        pub fn $take(value: $name) -> u64 {
            value.0
        }

        #[doc = concat!("Gives a value that ", $what)]
        #[multicore::task]
        pub fn $make(n: u64) -> $name {
            $name(n)
        }
    )*};
}

bad_types! {
    FailsInSerialize, take_fails_ser, make_fails_ser: "fails in `Serialize`.",
        |_| Err("no way out"), Ok;
    FailsInDeserialize, take_fails_de, make_fails_de: "fails in `Deserialize`.",
        Ok, |_| Err("no way in");
    PanicsInSerialize, take_panics_ser, make_panics_ser: "panics in `Serialize`.",
        |_| panic!("on the way out"), Ok;
    PanicsInDeserialize, take_panics_de, make_panics_de: "panics in `Deserialize`.",
        Ok, |_| panic!("on the way in");
}

/// Panics in `Drop`, in a worker only.
#[derive(Debug, Serialize, Deserialize)]
pub struct PanicsInDrop {
    /// Where it was made.
    pub home: u32,
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        if self.home != std::process::id() && !thread::panicking() {
            panic!("dropped away from home");
        }
    }
}

/// Drops its argument.
#[multicore::task]
pub fn drops(value: PanicsInDrop) -> u64 {
    drop(value);
    0
}
