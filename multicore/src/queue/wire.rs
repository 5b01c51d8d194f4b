//! A queue inside of an argument: it travels by its number.

use std::marker::PhantomData;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Queue;
use crate::shared::travel;
use crate::shm::space::Shape;

impl<T> Serialize for Queue<T> {
    /// Only while a call's arguments are encoded: the number means nothing anywhere else.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        travel::name(&self.data).map_err(S::Error::custom)?;
        let Shape { capacity, limit } = self.channel().shape();
        [self.data.id, capacity as u64, limit as u64].serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Queue<T> {
    /// Only while a worker decodes a call's arguments.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [id, capacity, limit] = <[u64; 3]>::deserialize(deserializer)?;
        let shape = Shape { capacity: capacity as usize, limit: limit as usize };
        let data = travel::taken_queue(id, shape).map_err(D::Error::custom)?;
        Ok(Queue { data, of: PhantomData })
    }
}
