//! `#[multicore::main(preload(..))]`.

use std::sync::LazyLock;

/// Statics that can be loaded before the first worker exists.
#[diagnostic::on_unimplemented(
    message = "`preload(..)` cannot load a static of type `{Self}`",
    label = "not a `LazyLock`",
    note = "name a `static` of type `std::sync::LazyLock<T>`; load everything else in `main` before `multicore::initialize()`"
)]
pub trait Preload {
    fn preload(&'static self);
}

#[diagnostic::do_not_recommend]
impl<T, F: FnOnce() -> T> Preload for LazyLock<T, F> {
    fn preload(&'static self) {
        LazyLock::force(self);
    }
}

/// Loads a static, unless it has been.
pub fn preload<L: Preload>(lazy: &'static L) {
    lazy.preload();
}
