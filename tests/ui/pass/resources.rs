//! Resources in every place and form, in a crate that is strict.
#![forbid(unsafe_code, nonstandard_style, unused, dead_code, missing_docs, unreachable_pub)]
#![deny(warnings, rust_2018_idioms, clippy::pedantic)]

use std::collections::HashMap;
use std::io;

/// Results by other names.
pub mod results {
    /// With an error of its own, as several crates have one.
    pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
    /// Only the value is open.
    pub type FmtResult<T> = std::result::Result<T, std::fmt::Error>;
    /// The other way round.
    pub type TurnedResult<E, T> = std::result::Result<T, E>;
}

/// A public module.
pub mod store {
    /// For everybody.
    ///
    /// # Errors
    /// Where there is no database.
    #[multicore::resource(max_age = "10m", check = is_alive, check_idle = "30s", reset = roll_back, on_close = quit)]
    pub fn db() -> Result<String, std::env::VarError> {
        std::env::var("PATH")
    }

    fn is_alive(db: &str) -> bool {
        !db.is_empty()
    }

    fn roll_back(db: &mut String) -> Result<(), std::fmt::Error> {
        db.shrink_to_fit();
        Ok(())
    }

    fn quit(db: String) {
        drop(db);
    }
}

#[multicore::resource(check = |file| file.metadata().is_ok(), on_close = |file| file.sync_all())]
fn this_file() -> io::Result<std::fs::File> {
    std::fs::File::open("/dev/null")
}

#[multicore::resource(check = |text: &String| text.is_empty(), reset = |text: &mut String| { text.clear(); true })]
fn any_error() -> results::Result<String> {
    Ok(String::new())
}

#[multicore::resource(reset = String::clear_it, check = Clear::is_clear)]
fn formatted() -> results::FmtResult<String> {
    Ok(String::new())
}

/// A check and a reset by their paths.
trait Clear {
    fn clear_it(&mut self) -> bool;
    fn is_clear(&self) -> Result<(), ()>;
}

impl Clear for String {
    fn clear_it(&mut self) -> bool {
        self.clear();
        true
    }

    fn is_clear(&self) -> Result<(), ()> {
        if self.is_empty() { Ok(()) } else { Err(()) }
    }
}

#[multicore::resource]
fn turned() -> results::TurnedResult<std::fmt::Error, u8> {
    Ok(7)
}

#[multicore::resource]
fn written_out() -> core::result::Result<u8, String> {
    Ok(7)
}

#[multicore::resource(client)]
fn cache() -> HashMap<u64, &'static str> {
    HashMap::new()
}

#[multicore::resource(client, type = Numbers)]
fn numbers() -> Box<dyn Iterator<Item = u32>> {
    Box::new(0..)
}

mod again {
    pub(crate) use ::multicore as renamed;
}

#[multicore::resource(client, crate = crate::again::renamed)]
fn by_another_name() -> std::rc::Rc<str> {
    "not Send".into()
}

#[multicore::resource]
#[cfg(any())]
fn absent() -> DoesNotExist {}

#[multicore::resource(client)]
#[deprecated = "use `cache`"]
#[allow(clippy::needless_return)]
#[must_use]
fn old() -> u8 {
    return 1;
}

#[multicore::resource(client)]
const fn r#type() -> [u8; 2] {
    [1, 2]
}

#[multicore::resource(client)]
fn result() -> Option<u8> {
    None
}

macro_rules! counter {
    ($name:ident, $type:ty) => {
        #[multicore::resource(client, max_age = "0s")]
        fn $name() -> $type {
            <$type>::default()
        }
    };
}

counter!(small, u8);
counter!(large, u64);

#[multicore::task(error = "text")]
fn all() -> Result<usize, Box<dyn std::error::Error>> {
    let length = store::db::get()?.len();
    this_file::with(|file| file.metadata().map(drop))??;
    any_error::get().map_err(|error| error.to_string())?.push('x');
    formatted::with(|text| text.push('x'))?;
    let sum = *turned::get()? + *written_out::get()?;
    cache::with(|cache| cache.insert(1, "one"));
    assert_eq!(sum, 14);
    Ok(length)
}

/// A resource within a function, which no other place can name.
fn local() -> u8 {
    #[multicore::resource(client)]
    fn inner() -> u8 {
        5
    }
    *inner::get()
}

#[allow(deprecated)]
fn main() {
    for _ in 0..3 {
        let length = all::call().get().unwrap().unwrap();
        assert!(length > 0);
    }
    cache::get().insert(2, "two");
    assert_eq!(cache::with(|cache| cache.len()), 1);
    assert_eq!([numbers(); 1].into_iter().flatten().next(), Some(0));
    assert_eq!((Numbers::with(Iterator::next), Numbers::get().next()), (Some(0), Some(1)));
    assert_eq!((*old::get(), *r#type::get(), *result::get(), local()), (1, [1, 2], None, 5));
    assert_eq!((&**by_another_name::get(), *small::get(), *large::get()), ("not Send", 0, 0));
    let guard: multicore::ResourceGuard<u8> = small::try_get().unwrap();
    assert!(matches!(small::try_get(), Err(multicore::ResourceError::Borrowed { .. })));
    multicore::ResourceGuard::discard(guard);
}
