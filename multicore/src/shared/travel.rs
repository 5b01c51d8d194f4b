//! How shared data travels: by its number and a place in it. The bytes stay where they are.
//!
//! While the client encodes a call's arguments, whatever is named there is noted down, so that the
//! supervisor learns of it before the call is published, and it lives until the call settles. Outside of
//! that nothing can be named: a number in a file, or in another program, means nothing.

use std::cell::{Cell, OnceCell, RefCell};
use std::ops::Range;
use std::sync::Arc;

use super::data::{self, Data};
#[cfg(processes)]
use crate::processes::worker::{ready, shares};
#[cfg(processes)]
use crate::shm::space::Shape;

/// Slices below this many bytes are copied into the call's window, which costs less than being found,
/// asked for and kept.
const WORTH: usize = 4096;

const ELSEWHERE: &str = "shared data travels only as an argument of a task; write or return its contents instead (`data.to_vec()`)";
const SANDBOXED: &str = "the workers of a sandboxed pool cannot map shared data; let the task take a slice of it (`&[T]`), which is copied there";
#[cfg(processes)]
const QUEUE_ELSEWHERE: &str = "a queue travels only as an argument of a task, from the process that made it";
#[cfg(processes)]
const QUEUE_SANDBOXED: &str = "the workers of a sandboxed pool cannot map a queue; pass values to the task and take its result, or use another pool";

/// What the arguments of a call name.
#[derive(Default)]
pub(crate) struct Named {
    /// Whether the pool's workers can map anything.
    mappable: bool,
    pub(crate) found: Vec<Arc<Data>>,
    /// Why the call cannot be sent to this pool.
    pub(crate) refused: Option<&'static str>,
}

impl Named {
    fn add(&mut self, data: &Arc<Data>) {
        if data.is_to_be_named() && !self.found.iter().any(|known| Arc::ptr_eq(known, data)) {
            self.found.push(data.clone());
        }
    }
}

thread_local! {
    /// Of the call whose arguments this thread encodes.
    static NAMING: RefCell<Option<Named>> = const { RefCell::new(None) };
    /// Whether this thread, a worker's, decodes arguments.
    static TAKING: Cell<bool> = const { Cell::new(false) };
    /// What the call names that runs on this thread of the process that made it.
    #[cfg(threads)]
    static HERE: RefCell<Vec<Arc<Data>>> = const { RefCell::new(Vec::new()) };
}

/// Runs `encode` for a pool whose workers can map shared data, or cannot; what it named.
#[inline]
pub(crate) fn naming<R>(mappable: bool, encode: impl FnOnce() -> R) -> (R, Named) {
    if data::any() { noted(mappable, encode) } else { (encode(), Named::default()) }
}

#[cold]
fn noted<R>(mappable: bool, encode: impl FnOnce() -> R) -> (R, Named) {
    /// What a call further out has named: its `Serialize` makes a call itself.
    struct Outer(Option<Named>);
    impl Drop for Outer {
        fn drop(&mut self) {
            NAMING.set(self.0.take());
        }
    }
    let _outer = Outer(NAMING.replace(Some(Named { mappable, ..Named::default() })));
    let result = encode();
    (result, NAMING.take().unwrap_or_default())
}

/// Notes that the arguments name this.
///
/// # Errors
/// In words, where nothing can be named.
pub(crate) fn name(data: &Arc<Data>) -> Result<(), &'static str> {
    let [elsewhere, sandboxed] = match data.channel() {
        #[cfg(processes)]
        Some(_) => [QUEUE_ELSEWHERE, QUEUE_SANDBOXED],
        _ => [ELSEWHERE, SANDBOXED],
    };
    NAMING.with_borrow_mut(|naming| match naming {
        None => Err(elsewhere),
        Some(named) if !named.mappable => Err(*named.refused.insert(sandboxed)),
        Some(named) => {
            named.add(data);
            Ok(())
        }
    })
}

/// The number and the place of a slice that need not be copied, noted as named.
#[inline]
pub(crate) fn name_slice(bytes: &[u8]) -> Option<(u64, usize)> {
    if bytes.len() < WORTH || !data::any() { None } else { find(bytes) }
}

#[cold]
fn find(bytes: &[u8]) -> Option<(u64, usize)> {
    NAMING.with_borrow_mut(|naming| {
        let named = naming.as_mut().filter(|named| named.mappable)?;
        let (data, place) = data::around(bytes)?;
        named.add(&data);
        Some((data.id, place.start))
    })
}

/// Runs `decode` as what takes a worker's arguments.
#[inline]
pub(crate) fn taking<R>(decode: impl FnOnce() -> R) -> R {
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            TAKING.set(false);
        }
    }
    TAKING.set(true);
    let _over = Over;
    decode()
}

/// Runs a call on a thread of the process that named all this for it.
#[cfg(threads)]
pub(crate) fn here<R>(named: Named, run: impl FnOnce() -> R) -> R {
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            HERE.take();
        }
    }
    if named.found.is_empty() {
        return run();
    }
    HERE.set(named.found);
    let _over = Over;
    run()
}

/// What the call names that runs on this thread, by its number.
#[cfg(threads)]
fn named_here(id: u64) -> Option<Arc<Data>> {
    HERE.with_borrow(|here| here.iter().find(|data| data.id == id).cloned())
}

#[cfg(not(threads))]
fn named_here(_id: u64) -> Option<Arc<Data>> {
    None
}

/// What an argument names.
///
/// # Errors
/// In words: it is not to be had, or too short, or this is no argument.
pub(super) fn taken(id: u64, place: Range<u64>) -> Result<Arc<Data>, String> {
    if !TAKING.get() {
        return Err(ELSEWHERE.to_owned());
    }
    if place.is_empty() { Ok(Data::empty()) } else { mapped(id, place.end) }
}

/// The queue that an argument names.
///
/// # Errors
/// In words: it is not to be had, or this is no argument.
#[cfg(processes)]
pub(crate) fn taken_queue(id: u64, shape: Shape) -> Result<Arc<Data>, String> {
    if !TAKING.get() {
        return Err(QUEUE_ELSEWHERE.to_owned());
    }
    // Where the call runs in the process that made it, the number means what it means here.
    let data = if ready::in_worker() {
        shares::find_queue(id, shape)?
    } else {
        data::queue(id).ok_or("the queue is gone")?
    };
    match data.channel() {
        Some(channel) if channel.shape() == shape => Ok(data),
        _ => Err("what has this number is another queue, or none".to_owned()),
    }
}

fn mapped(id: u64, end: u64) -> Result<Arc<Data>, String> {
    let data = named_here(id).map_or_else(|| fetched(id), Ok)?;
    match data.bytes().len() as u64 {
        len if end <= len => Ok(data),
        len => Err(format!("byte {end} of shared data is asked for, which has {len}")),
    }
}

/// What this worker process was sent, or is now.
#[cfg(processes)]
fn fetched(id: u64) -> Result<Arc<Data>, String> {
    shares::find(id)
}

#[cfg(not(processes))]
fn fetched(_id: u64) -> Result<Arc<Data>, String> {
    Err("the call names no such shared data".to_owned())
}

/// Shared data that one call borrows: kept until the call is over.
#[derive(Default)]
pub(crate) struct Borrowed {
    data: OnceCell<Arc<Data>>,
    next: OnceCell<Box<Borrowed>>,
}

impl Borrowed {
    /// The named bytes, for as long as the call.
    ///
    /// # Errors
    /// In words: they are not to be had.
    pub(crate) fn slice(&self, id: u64, place: Range<u64>) -> Result<&[u8], String> {
        let data = self.keep(mapped(id, place.end)?);
        // Both are at most the length, as just checked, unless they are in the wrong order.
        data.bytes()
            .get(place.start as usize..place.end as usize)
            .ok_or_else(|| "its place is none".to_owned())
    }

    fn keep(&self, data: Arc<Data>) -> &Data {
        let mut last = self;
        while last.data.get().is_some() {
            last = last.next.get_or_init(Box::default);
        }
        last.data.get_or_init(|| data)
    }
}
