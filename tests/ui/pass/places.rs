//! Where a task function may stand, and how it may be reached.
#![deny(warnings)]

use multicore::{TaskFn, task};

mod pages {
    pub mod inner {
        #[multicore::task]
        pub fn render(page: u32) -> u32 {
            page
        }
    }

    #[multicore::task]
    pub(crate) fn visible(page: u32) -> u32 {
        page + 1
    }

    pub use inner::render;
}

mod resize {
    #[multicore::task(type = ResizeTask)]
    pub fn resize(by: u32) -> u32 {
        by * 2
    }
}

pub use pages::render;
pub use resize::{ResizeTask, resize};

mod glob {
    #[multicore::task]
    pub fn everything() {}
}

use glob::*;

#[task]
#[cfg(any())]
fn absent(missing: DoesNotExist) -> NeitherDoesThis {}

#[cfg(any())]
#[task]
fn absent(missing: DoesNotExist) -> NeitherDoesThis {}

/// Documented.
#[task]
#[doc = "Twice."]
#[inline]
#[cfg(not(any()))]
fn documented() {}

#[task]
#[deprecated = "use `documented`"]
#[allow(clippy::needless_return)]
pub fn old() {
    return;
}

#[task]
fn r#async(r#type: u32) -> u32 {
    r#type
}

#[task]
const fn constant(value: u32) -> u32 {
    value
}

fn first() -> (u32, u64) {
    struct Local;

    #[task]
    fn inner(value: u32) -> u32 {
        let _ = Local;
        value
    }
    (inner(1), inner::id())
}

fn second() -> (u32, u64) {
    #[task]
    fn inner(value: u32) -> u32 {
        value + 1
    }
    (inner(1), inner::id())
}

macro_rules! doubled {
    ($name:ident, $argument:ident: $type:ty => $result:ty) => {
        #[multicore::task]
        fn $name($argument: $type) -> $result {
            $argument.into()
        }
    };
}

doubled!(widen, value: u32 => u64);
doubled!(own, text: &str => String);

fn main() {
    assert_eq!(render(1) + pages::visible(1) + resize(1), 5);
    let _ = (render::call(1), pages::visible::call(1), ResizeTask::call(1), everything::call(), documented::call());
    let _ = (r#async::call(1), constant::call(1), widen::call(1), own::call("x"));
    assert_eq!(own("x"), "x");
    assert_eq!((first().0, second().0), (1, 2));
    assert_ne!(first().1, second().1);
    assert_eq!(resize::ResizeTask::name(), "places::resize::ResizeTask".replace("places", module_path!()));
    assert!(r#async::name().ends_with("async"));
    everything();
    assert_eq!(multicore::tasks().unwrap().len(), 12);
}
