//! What a worker that handles untrusted input may do to the rest of the system.

#[cfg(all(feature = "sandbox", processes))]
mod on;

#[cfg(not(all(feature = "sandbox", processes)))]
pub(crate) use self::off::Sandbox;
#[cfg(all(feature = "sandbox", processes))]
pub use self::on::Sandbox;

#[cfg(not(all(feature = "sandbox", processes)))]
mod off {
    use serde::{Deserialize, Serialize};

    #[cfg(processes)]
    use crate::error::Result;
    #[cfg(processes)]
    use crate::sys::sandbox::Own;

    /// There is none without the feature, or without processes.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub(crate) enum Sandbox {}

    #[cfg(processes)]
    impl Sandbox {
        pub(crate) fn check(self) -> Result<Sandbox> {
            match self {}
        }

        pub(crate) fn keeps_to_own_memory(&self) -> bool {
            match *self {}
        }

        pub(crate) fn enter(&self, _own: &Own) -> Result<(), String> {
            match *self {}
        }
    }
}
