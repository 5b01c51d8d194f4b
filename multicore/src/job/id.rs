//! The number by which a job is found.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use crate::error::Error;

/// The number by which [`find`](crate::find) finds a job again: 128 bits, not to be guessed from others.
///
/// It is meant for URLs, cookies and logs: displayed, parsed and serialised as 32 hexadecimal digits. Whoever
/// knows it can see, cancel and collect the job, so it is a secret between those who may. It means something in
/// this process alone, for as long as the process runs.
///
/// ```
/// use multicore::JobId;
///
/// let id: JobId = "00112233445566778899aabbccddeeff".parse()?;
/// assert_eq!(id.to_string(), "00112233445566778899aabbccddeeff");
/// assert!("42".parse::<JobId>().is_err());
/// assert!(multicore::find(id).is_none());
/// # Ok::<(), multicore::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(u128);

/// How many digits say it.
const DIGITS: usize = 32;

impl JobId {
    /// One that nobody has seen.
    pub(crate) fn new() -> JobId {
        // The standard hasher's keys come from the kernel's random numbers, and a fork has the same ones.
        let half = || {
            let mut hasher = RandomState::new().build_hasher();
            hasher.write_u32(std::process::id());
            u128::from(hasher.finish())
        };
        JobId(half() << 64 | half())
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$x}", self.0)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}

impl FromStr for JobId {
    type Err = Error;

    /// # Errors
    /// `Config` for anything but 32 hexadecimal digits.
    fn from_str(text: &str) -> Result<JobId, Error> {
        let digits = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = if digits { u128::from_str_radix(text, 16).ok() } else { None };
        number.map(JobId).ok_or_else(|| Error::config("job ID", "it is no 32 hexadecimal digits"))
    }
}

impl Serialize for JobId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<JobId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_digits() {
        for id in [JobId::new(), JobId(0), JobId(u128::MAX), JobId(0xabc)] {
            let text = id.to_string();
            assert_eq!((text.len(), text.parse::<JobId>().unwrap()), (DIGITS, id));
        }
        assert_ne!(JobId::new(), JobId::new());
        for wrong in ["", "+0112233445566778899aabbccddeeff", "00112233445566778899aabbccddeefg", "ä"] {
            assert!(wrong.parse::<JobId>().is_err(), "{wrong}");
        }
    }
}
