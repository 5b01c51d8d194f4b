//! All that generated code may name; no stable interface.
//!
//! Generated code stands in other people's crates, so everything here is safe to call, names
//! nothing of the user's, and works without a prelude.

mod apart;
mod hook;
mod mapping;
mod perhaps;
pub(crate) mod plain;
mod preload;
mod probe;
mod resource;
pub(crate) mod route;
mod text;

pub use std::any::type_name;
pub use std::cell::UnsafeCell;
pub use std::option::Option::{None, Some};
pub use std::path::PathBuf;
pub use std::result::Result;
pub use std::string::String;
pub use std::thread::JoinHandle;
pub use std::time::Duration;
pub use std::vec::Vec;

pub use inventory;

pub use crate::call::{Call, Encoder, Invocation, Reply, TaskFn};
pub use crate::codec::{Codec, Failure};
pub use crate::error::{Result as CrateResult, TextError};
#[cfg(processes)]
pub use crate::fork::Forked;
pub use crate::many::items::{CallWith, Chunks, Items};
#[cfg(processes)]
pub use crate::many::map_reduce::{
    CombineTask, Job, Key, MapReduceOptions, MapTask, NoCombiner, ReduceTask, Stages, Travels, job,
};
pub use crate::many::par::{ParOptions, par_ranges};
pub use multicore_macros::__beside;

pub use crate::registry::{Declared, Entry, Hook, HookKind, Registered};
pub use crate::resource::scope::Scope;
pub use crate::resource::{Resource, Rules, acquire};

pub use apart::*;
pub use hook::{HookOutcome, hook_outcome};
pub use mapping::{Mapping, mapping};
pub use preload::{Preload, preload};
pub use probe::*;
pub use resource::*;
pub use route::*;
pub use text::*;

use std::panic::Location;

use crate::call::Arguments;
use crate::shared::travel::Borrowed;

/// The traits whose methods generated code calls, to be imported without their names.
pub mod traits {
    #[cfg(processes)]
    pub use super::probe::ProbeQueue as _;
    pub use super::probe::{
        ProbeElement as _, ProbeError as _, ProbeNothing as _, ProbePlain as _, ProbeShared as _,
        ProbeWhole as _,
    };
    pub use super::resource::{NoFailure as _, PerhapsFailure as _};
    pub use super::route::{ByNothing as _, ByPlain as _, ByPlainOrSerde as _, BySerde as _};
    pub use super::text::{InBox as _, InNoBox as _, InSendBox as _, NoResult as _};
}

/// Hands an entry over to the registry before `main`: `inventory::submit!` without the `#[allow]` that
/// a crate with `#![forbid(nonstandard_style)]` refuses.
///
/// A `macro_rules!` of this crate, so that the unsafe tokens carry no span of the user's: the expansion
/// compiles in a crate that forbids unsafe code.
#[doc(hidden)]
#[macro_export]
macro_rules! __multicore_register {
    ($kind:ident, $item:expr) => {
        static __MULTICORE_NODE: $crate::private::inventory::Node = $crate::private::inventory::Node {
            value: &$crate::private::Registered::$kind($item),
            next: $crate::private::UnsafeCell::new($crate::private::None),
        };

        unsafe extern "C" fn __multicore_register() {
            // SAFETY: [constructor] the loader calls this once, before `main`, as `submit` asks.
            unsafe {
                $crate::private::inventory::ErasedNode::submit(__MULTICORE_NODE.value, &__MULTICORE_NODE)
            }
        }

        // SAFETY: [constructor] the section, by its name on each system, is an array of functions that the loader
        // calls once each before `main`; this is one such function, and it allocates nothing and cannot unwind.
        #[used]
        #[cfg_attr(not(any(target_vendor = "apple", windows)), unsafe(link_section = ".init_array"))]
        #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs"))]
        #[cfg_attr(windows, unsafe(link_section = ".CRT$XCU"))]
        static __MULTICORE_REGISTER: unsafe extern "C" fn() = __multicore_register;
    };
}

pub use crate::__multicore_register as register;

/// The `json` codec, or the one error that says which feature has it.
#[doc(hidden)]
#[cfg(feature = "json")]
#[macro_export]
macro_rules! __multicore_json {
    () => {
        $crate::private::Codec::Json
    };
}

/// The `json` codec, or the one error that says which feature has it.
#[doc(hidden)]
#[cfg(not(feature = "json"))]
#[macro_export]
macro_rules! __multicore_json {
    () => {
        ::core::compile_error!(
            "the codec `json` needs the feature `json` of `multicore`: write `multicore = { …, features = [\"json\"] }` in Cargo.toml"
        )
    };
}

pub use crate::__multicore_json as json;

/// Whether a bar is drawn, or the one error that says which feature has it.
#[doc(hidden)]
#[cfg(feature = "indicatif")]
#[macro_export]
macro_rules! __multicore_progress {
    ($value:expr) => {
        $value
    };
}

/// Whether a bar is drawn, or the one error that says which feature has it.
#[doc(hidden)]
#[cfg(not(feature = "indicatif"))]
#[macro_export]
macro_rules! __multicore_progress {
    ($value:expr) => {
        ::core::compile_error!(
            "the option `progress` needs the feature `indicatif` of `multicore`: write `multicore = { …, features = [\"indicatif\"] }` in Cargo.toml"
        )
    };
}

pub use crate::__multicore_progress as progress;

/// A resource that is a manager's connection, or the one error that says which feature has it.
#[doc(hidden)]
#[cfg(feature = "r2d2")]
#[macro_export]
macro_rules! __multicore_r2d2 {
    ($($item:tt)*) => {
        $($item)*
    };
}

/// A resource that is a manager's connection, or the one error that says which feature has it.
#[doc(hidden)]
#[cfg(not(feature = "r2d2"))]
#[macro_export]
macro_rules! __multicore_r2d2 {
    ($($item:tt)*) => {
        ::core::compile_error!(
            "the option `r2d2` needs the feature `r2d2` of `multicore`: write `multicore = { …, features = [\"r2d2\"] }` in Cargo.toml"
        );
    };
}

pub use crate::__multicore_r2d2 as r2d2;

/// Makes a call out of generated code's parts.
pub fn call<'a, A: 'a, R: 'a>(
    entry: &'static Entry,
    arguments: A,
    encode: impl Fn(&A, &mut Encoder<'_, '_>) -> Result<(), Failure> + 'a,
    run: impl FnOnce(A) -> R + 'a,
    decode: fn(Reply<'_>) -> Result<R, Failure>,
) -> Call<'a, R> {
    Call::new(entry, Box::new(Arguments { arguments, encode, run }), decode)
}

/// The place that generated code gives this call's tokens.
#[track_caller]
#[must_use]
pub const fn here() -> &'static Location<'static> {
    Location::caller()
}

/// Reads a worker's arguments, front to back.
pub struct Input<'a> {
    pub(crate) codec: Codec,
    pub(crate) rest: &'a [u8],
    pub(crate) shared: &'a Borrowed,
}

impl Input<'_> {
    /// Every byte must have been an argument's.
    ///
    /// # Errors
    /// [`Failure::Decode`] when bytes are left over.
    pub fn finish(self) -> Result<(), Failure> {
        match self.rest.len() {
            0 => Ok(()),
            over => Err(Failure::Decode(format!("{over} bytes are left over after the last argument"))),
        }
    }
}

impl<'a, 'b, 'w> Invocation<'a, 'b, 'w> {
    /// The arguments, to be taken in order.
    #[must_use]
    pub fn input(&self) -> Input<'a> {
        Input { codec: self.codec, rest: self.arguments, shared: self.shared }
    }
}

/// What became of writing several arguments.
pub struct All(Result<(), Failure>);

impl All {
    #[allow(clippy::new_without_default, reason = "generated code alone makes one")]
    #[must_use]
    pub fn new() -> All {
        All(Ok(()))
    }

    /// Keeps the first failure; of several that the window is too small the last, because the writer
    /// goes on counting and the last knows what all arguments need.
    pub fn add(&mut self, written: Result<(), Failure>) {
        match (&self.0, &written) {
            (Ok(()), _) | (Err(Failure::TooLarge { .. }), Err(Failure::TooLarge { .. })) => self.0 = written,
            _ => {}
        }
    }

    /// # Errors
    /// The failure, if there was one.
    pub fn end(self) -> Result<(), Failure> {
        self.0
    }
}

/// Called by `#[multicore::main]` before the user's `main`, after the statics are loaded.
///
/// Ends the program when there can be no pool: `main` may return anything, so there is no other way
/// to say so.
pub fn start_main() {
    if let Err(error) = crate::initialize() {
        eprintln!("multicore: {error}");
        std::process::exit(1);
    }
}
