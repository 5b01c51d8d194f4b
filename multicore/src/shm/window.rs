//! A window: the stretch of memory that one call's arguments or result travel through.
//!
//! [`WindowWriter`] fills a window from its start, asking for pages before it touches them, and goes
//! on counting past the limit so that the error can say how much was needed. [`Payload`] reads one
//! without ever handing out a reference to memory that another process may still write.

use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use bytemuck::Pod;

use super::layout::PAGE;

/// Every window, and every plain slice inside one, starts at a multiple of this many bytes.
pub(crate) const ALIGNMENT: usize = 16;

/// Where a [`WindowWriter`] gets its memory.
pub(crate) trait Store {
    /// Makes at least `need` bytes of the window usable, counted from its start, and returns the
    /// start of them with their number. What was written before stays, perhaps in another place.
    ///
    /// # Errors
    /// The kernel's, when it has no memory to give.
    fn provide(&mut self, need: usize) -> io::Result<(NonNull<u8>, usize)>;

    /// Puts `bytes` at `at`, everything before which is written, if it has a quicker way than to make room
    /// for them; returns as [`provide`](Store::provide).
    ///
    /// # Errors
    /// The kernel's, when it has no memory to give.
    fn write(&mut self, _at: usize, _bytes: &[u8]) -> io::Result<Option<(NonNull<u8>, usize)>> {
        Ok(None)
    }
}

impl Store for Vec<u8> {
    fn provide(&mut self, need: usize) -> io::Result<(NonNull<u8>, usize)> {
        if need > self.len() {
            let len = need.max(self.len() * 2).max(64);
            self.try_reserve(len - self.len()).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
            self.resize(len, 0);
        }
        Ok((NonNull::from(self.as_mut_slice()).cast(), self.len()))
    }
}

/// Why a write did not happen.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The window's limit is reached; [`WindowWriter::needed`] goes on counting.
    Full,
    /// The kernel had no page to give.
    Os(io::Error),
}

/// Writes a payload into a window, front to back.
pub(crate) struct WindowWriter<'w> {
    start: NonNull<u8>,
    usable: usize,
    needed: usize,
    limit: usize,
    /// Whether the payload may be a part of the arguments, and from where on it is.
    may_refer: bool,
    referred: Option<usize>,
    store: &'w mut dyn Store,
}

impl<'w> WindowWriter<'w> {
    /// A writer that has written nothing and may write `limit` bytes.
    pub(crate) fn new(store: &'w mut dyn Store, limit: usize) -> Self {
        let start = NonNull::dangling();
        WindowWriter { start, usable: 0, needed: 0, limit, may_refer: false, referred: None, store }
    }

    /// As [`new`](WindowWriter::new), for a result that its reader finds also where the arguments lie.
    pub(crate) fn that_may_refer(store: &'w mut dyn Store, limit: usize) -> Self {
        WindowWriter { may_refer: true, ..WindowWriter::new(store, limit) }
    }

    /// Has so many bytes of the arguments, from `start` on, stand for the whole payload, if that is worth
    /// while; whether they do.
    pub(crate) fn refer(&mut self, start: usize, len: usize) -> bool {
        let refers = self.may_refer && self.needed == 0 && len > PAGE;
        if refers {
            (self.referred, self.needed) = (Some(start), len);
        }
        refers
    }

    /// Where in the arguments the payload lies, if it is a part of them.
    pub(crate) fn referred(&self) -> Option<usize> {
        self.referred
    }

    /// Appends `bytes`.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let begin = self.needed;
        let end = begin.saturating_add(bytes.len());
        if end > self.usable || end > self.limit {
            if self.is_written(bytes)? {
                return Ok(());
            }
            self.make_usable(end)?;
        }
        // SAFETY: [window-own] the writer owns bytes 0..usable of the window, and begin <= end <= usable.
        let to = unsafe { self.start.as_ptr().add(begin) };
        // SAFETY: [window-own] as above; `bytes` cannot overlap: nobody else holds a reference into an
        // owned window.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        self.needed = end;
        Ok(())
    }

    /// Appends `len` bytes that `read` puts there.
    pub(crate) fn put_with(
        &mut self,
        len: usize,
        read: impl FnOnce(&mut [u8]) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        let begin = self.needed;
        let end = begin.saturating_add(len);
        if end > self.usable || end > self.limit {
            self.make_usable(end)?;
        }
        // SAFETY: [window-own] the writer owns bytes 0..usable of the window, and begin <= end <= usable.
        let to = unsafe { self.start.add(begin) };
        // SAFETY: [window-own] as above: the bytes are mapped, nobody else holds a reference to them, and
        // any bytes are valid ones.
        read(unsafe { std::slice::from_raw_parts_mut(to.as_ptr(), len) }).map_err(WriteError::Os)?;
        self.needed = end;
        Ok(())
    }

    /// Appends zeros until the position is a multiple of [`ALIGNMENT`].
    pub(crate) fn align(&mut self) -> Result<(), WriteError> {
        let over = self.needed % ALIGNMENT;
        if over == 0 { Ok(()) } else { self.put(&[0; ALIGNMENT][over..]) }
    }

    /// Bytes that the payload takes, those beyond the limit included.
    pub(crate) fn needed(&self) -> usize {
        self.needed
    }

    /// The most bytes that the window may hold.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Forgets everything written, for an error report in place of half a result.
    pub(crate) fn restart(&mut self) {
        // Where the payload lies may depend on how long it gets.
        (self.needed, self.usable, self.referred) = (0, 0, None);
    }

    /// Has the store append `bytes`, if it has a way of its own; whether it has.
    #[cold]
    fn is_written(&mut self, bytes: &[u8]) -> Result<bool, WriteError> {
        let end = self.needed.saturating_add(bytes.len());
        if end > self.limit {
            return Ok(false);
        }
        let Some((start, usable)) = self.store.write(self.needed, bytes).map_err(WriteError::Os)? else {
            return Ok(false);
        };
        debug_assert!(usable >= end);
        (self.start, self.usable, self.needed) = (start, usable.min(self.limit), end);
        Ok(true)
    }

    #[cold]
    fn make_usable(&mut self, end: usize) -> Result<(), WriteError> {
        if end > self.limit {
            self.needed = end;
            return Err(WriteError::Full);
        }
        let (start, usable) = self.store.provide(end).map_err(WriteError::Os)?;
        debug_assert!(usable >= end);
        (self.start, self.usable) = (start, usable.min(self.limit));
        Ok(())
    }
}

/// The bytes of a payload that another process wrote, readable only by copying them out.
#[derive(Clone, Copy)]
pub(crate) struct Payload<'p> {
    start: NonNull<u8>,
    len: usize,
    bytes: PhantomData<&'p [u8]>,
}

impl<'p> Payload<'p> {
    /// The `len` bytes from `start`.
    ///
    /// # Safety
    /// - `start..start + len` is mapped readable for `'p`.
    /// - Bytes in it may change at any time, but only by other processes.
    pub(crate) unsafe fn new(start: NonNull<u8>, len: usize) -> Self {
        Payload { start, len, bytes: PhantomData }
    }

    /// Bytes of this process's own.
    pub(crate) fn of(bytes: &'p [u8]) -> Self {
        Payload { start: NonNull::from(bytes).cast(), len: bytes.len(), bytes: PhantomData }
    }

    /// Where the first byte is.
    pub(crate) fn start(&self) -> *const u8 {
        self.start.as_ptr()
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether it could be referred to as values of `T`.
    pub(crate) fn is_row_of<T: Pod>(&self) -> bool {
        let size = size_of::<T>();
        size != 0 && self.len.is_multiple_of(size) && self.start.cast::<T>().is_aligned()
    }

    /// Fills `into` with the bytes from `offset` on.
    ///
    /// # Panics
    /// When there are not so many.
    pub(crate) fn copy_to<T: Pod>(self, offset: usize, into: &mut [T]) {
        let len = size_of_val(into);
        assert!(offset.checked_add(len).is_some_and(|end| end <= self.len));
        // SAFETY: [payload-copy] offset is at most len, inside what is readable by `new`'s contract.
        let from = unsafe { self.start.add(offset) };
        // SAFETY: [payload-copy] [plain] as just checked so many bytes are readable, `into` is memory of its
        // own, and every bit pattern is a `T: Pod`; only a raw copy touches the shared side.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), into.as_mut_ptr().cast(), len) };
    }

    /// The bytes as values of `T`, where they lie.
    ///
    /// # Safety
    /// - Nobody, in any process, writes to them as long as the reference lives.
    /// - They are a [row](Payload::is_row_of) of `T`.
    pub(crate) unsafe fn in_place<T: Pod>(self) -> &'p [T] {
        debug_assert!(self.is_row_of::<T>());
        let count = self.len / size_of::<T>();
        // SAFETY: [plain] the bytes are readable for 'p by `new`'s contract and every bit pattern is a `T: Pod`;
        // alignment, and that they do not change, the caller promises.
        unsafe { std::slice::from_raw_parts(self.start.cast().as_ptr(), count) }
    }

    /// A copy of all bytes as values of `T`, in memory that `prepare` sees before it is first touched;
    /// `None` when the length is no multiple of `T`'s size, `T` has no size, or there is no memory for the
    /// copy.
    pub(crate) fn to_plain<T: Pod>(self, prepare: impl FnOnce(&mut [MaybeUninit<T>])) -> Option<Vec<T>> {
        let size = size_of::<T>();
        if size == 0 || !self.len.is_multiple_of(size) {
            return None;
        }
        let count = self.len / size;
        let mut values: Vec<T> = Vec::new();
        // Where memory is limited a forged length must not end the process.
        values.try_reserve_exact(count).ok()?;
        let space: &mut [MaybeUninit<T>] = &mut values.spare_capacity_mut()[..count];
        prepare(space);
        // SAFETY: [payload-copy] len bytes are readable by `new`'s contract and the space holds
        // count * size == len bytes of its own; only raw copies touch the shared side.
        unsafe { std::ptr::copy_nonoverlapping(self.start.as_ptr(), space.as_mut_ptr().cast(), self.len) };
        // SAFETY: [plain] the copy wrote all count values, and every bit pattern is a `T: Pod`.
        unsafe { values.set_len(count) };
        Some(values)
    }
}
