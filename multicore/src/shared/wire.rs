//! Shared data inside of an argument that goes by serde.

use std::marker::PhantomData;

use bytemuck::Pod;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Shared, travel};

impl<T: Pod> Serialize for Shared<[T]> {
    /// Only while a call's arguments are encoded: the number means nothing anywhere else.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        travel::name(&self.data).map_err(S::Error::custom)?;
        [self.data.id, self.place.start as u64, self.place.end as u64].serialize(serializer)
    }
}

impl<'de, T: Pod> Deserialize<'de> for Shared<[T]> {
    /// Only while a worker decodes a call's arguments.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [id, start, end] = Deserialize::deserialize(deserializer)?;
        let data = travel::taken(id, start..end).map_err(D::Error::custom)?;
        let place = if start == end { 0..0 } else { start as usize..end as usize };
        match data.bytes().get(place.clone()).map(bytemuck::try_cast_slice::<u8, T>) {
            Some(Ok(_)) => Ok(Shared { data, place, of: PhantomData }),
            _ => Err(D::Error::custom("the place in shared data is none of such values")),
        }
    }
}
