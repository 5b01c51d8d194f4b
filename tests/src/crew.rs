//! A pool by whatever runs its calls: worker processes, threads, or whoever waits.

use multicore::{Backend, Call, Handle, Pool};

use crate::fixture::Folder;

/// How many calls it runs at once.
pub fn size(pool: &Pool) -> usize {
    if pool.backend() == Backend::Inline { 1 } else { pool.workers() }
}

/// What a call returns, which nothing may happen to.
#[track_caller]
pub fn call<R: 'static>(pool: &Pool, call: Call<'_, R>) -> R {
    pool.spawn(call).and_then(Handle::get).expect("a worker")
}

/// What one call in each of them returns, all at once: in this folder each waits for the others, who are so many.
#[track_caller]
pub fn everywhere<'call, R: 'static>(
    pool: &Pool,
    folder: &'call Folder,
    call: impl Fn(&'call str, usize) -> Call<'call, R>,
) -> Vec<R> {
    let (path, size) = (folder.path().to_str().expect("text"), size(pool));
    let handles: Vec<_> = (0..size).map(|_| pool.spawn(call(path, size)).expect("a slot")).collect();
    handles.into_iter().map(|handle| handle.get().expect("a worker")).collect()
}
