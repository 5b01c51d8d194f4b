use std::io::ErrorKind;
use std::os::fd::AsFd;

use nix::fcntl::SealFlag;
use nix::sys::resource::{Resource, setrlimit};

use super::check_in_child;
use crate::Error;
use crate::sys::memory::in_large_pages;
use crate::sys::{memfd, sealed};

fn errno<T>(outcome: crate::Result<T>) -> Option<i32> {
    match outcome {
        Err(Error::Os { source, .. }) => source.raw_os_error(),
        _ => None,
    }
}

#[test]
fn a_length_over_the_file_size_limit_is_an_error_and_no_signal() {
    check_in_child(|| {
        setrlimit(Resource::RLIMIT_FSIZE, 8192, 8192).unwrap();
        let fd = memfd::create(c"test").unwrap();
        assert_eq!(memfd::file_size_limit(), Some(8192));
        memfd::set_len(fd.as_fd(), 8192).unwrap();
        errno(memfd::set_len(fd.as_fd(), 8193)) == Some(libc::EFBIG)
    });
}

#[test]
fn a_length_that_no_file_can_have_is_an_error() {
    let fd = memfd::create(c"test").unwrap();
    assert_eq!(errno(memfd::set_len(fd.as_fd(), u64::MAX)), Some(libc::EFBIG));
}

#[test]
fn a_sealed_size_stays() {
    let fd = memfd::create(c"test").unwrap();
    memfd::set_len(fd.as_fd(), 10_000).unwrap();
    memfd::seal_size(fd.as_fd()).unwrap();
    let size = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
    assert!(memfd::seals(fd.as_fd()).unwrap().contains(size));
    for len in [9_999, 10_001] {
        assert_eq!(errno(memfd::set_len(fd.as_fd(), len)), Some(libc::EPERM), "{len}");
    }
    assert_eq!(memfd::len(fd.as_fd()).unwrap(), 10_000);
}

#[test]
fn what_could_still_change_is_not_mapped() {
    let fd = memfd::create(c"test").unwrap();
    memfd::set_len(fd.as_fd(), 10_000).unwrap();
    assert_eq!(errno(sealed::map(fd.as_fd(), 10_000)), Some(libc::EINVAL), "no seals");
    let written = sealed::map_for_writing(fd.as_fd(), 10_000).unwrap();
    assert_eq!(errno(sealed::seal(fd.as_fd())), Some(libc::EBUSY));
    drop(written);
    sealed::seal(fd.as_fd()).unwrap();
    assert_eq!(errno(sealed::map(fd.as_fd(), 10_001)), Some(libc::EINVAL), "too long");
    assert_eq!(sealed::map(fd.as_fd(), 10_000).unwrap()[..], [0; 10_000]);
    assert!(errno(sealed::map_for_writing(fd.as_fd(), 10_000)).is_some());
}

#[test]
fn provided_memory_keeps_its_bytes_until_it_is_released() {
    let len = 3 << 20;
    let fd = memfd::create(c"test").unwrap();
    memfd::set_len(fd.as_fd(), len).unwrap();
    let blocks = || nix::sys::stat::fstat(&fd).unwrap().st_blocks * 512;
    assert_eq!(blocks(), 0);
    memfd::provide(fd.as_fd(), 1 << 20, 1 << 20).unwrap();
    assert_eq!(blocks(), 1 << 20);
    assert_eq!(nix::sys::uio::pwrite(&fd, b"kept", 1 << 20), Ok(4));
    memfd::provide(fd.as_fd(), 0, len).unwrap();
    let mut read = [0; 4];
    assert_eq!(nix::sys::uio::pread(&fd, &mut read, 1 << 20), Ok(4));
    assert_eq!(&read, b"kept");
    memfd::release(fd.as_fd(), 0, len).unwrap();
    assert_eq!((blocks(), memfd::len(fd.as_fd()).unwrap()), (0, len));
    memfd::provide(fd.as_fd(), 0, 0).unwrap();
    memfd::release(fd.as_fd(), 0, 0).unwrap();
    let overflow = memfd::provide(fd.as_fd(), u64::MAX, 2).unwrap_err();
    assert_eq!(overflow.kind(), ErrorKind::InvalidInput);
}

#[test]
fn what_was_written_is_told_from_what_was_only_provided() {
    let fd = memfd::create(c"test").unwrap();
    memfd::set_len(fd.as_fd(), 64 << 10).unwrap();
    assert!(!memfd::is_written(fd.as_fd(), 0, 1));
    memfd::provide(fd.as_fd(), 0, 64 << 10).unwrap();
    for (at, length) in [(8192u64, 5000usize), (16384, 1)] {
        assert_eq!(nix::sys::uio::pwrite(&fd, &vec![1; length], at as i64).unwrap(), length);
    }
    assert!(memfd::is_written(fd.as_fd(), 8192, 8193) && memfd::is_written(fd.as_fd(), 9000, 100));
    assert!(!memfd::is_written(fd.as_fd(), 4096, 5000) && !memfd::is_written(fd.as_fd(), 8192, 12289));
    memfd::release(fd.as_fd(), 12288, 4096).unwrap();
    assert!(!memfd::is_written(fd.as_fd(), 8192, 8193));
    assert!(!memfd::is_written(fd.as_fd(), 64 << 10, 1) && !memfd::is_written(fd.as_fd(), u64::MAX, 1));
}

#[test]
fn a_mapping_stays_out_of_core_dumps() {
    let fd = memfd::create(c"multicore-dump-test").unwrap();
    memfd::set_len(fd.as_fd(), 4096).unwrap();
    let mapping = memfd::map(fd.as_fd(), 4096).unwrap();
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let start = format!("{:x}-", mapping.as_ptr() as usize);
    let ours = smaps.lines().skip_while(|line| !line.starts_with(&start));
    let flags = ours.into_iter().find(|line| line.starts_with("VmFlags:")).unwrap();
    assert!(flags.split(' ').any(|flag| flag == "dd"), "{flags}");
}

#[test]
fn an_address_space_limit_is_seen_and_makes_mapping_fail() {
    check_in_child(|| {
        let limit = 1 << 40;
        setrlimit(Resource::RLIMIT_AS, limit, limit).unwrap();
        let left = memfd::address_space_left().unwrap();
        assert!(left < limit);
        let fd = memfd::create(c"test").unwrap();
        memfd::set_len(fd.as_fd(), 2 * limit).unwrap();
        let refused = memfd::map(fd.as_fd(), 2 * limit as usize);
        matches!(refused, Err(Error::Os { call: "mmap", source }) if source.raw_os_error() == Some(libc::ENOMEM))
    });
}

/// The flags of the mapping around an address.
fn flags_at(address: usize) -> String {
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let around = |line: &str| {
        let (start, rest) = line.split_once('-')?;
        let end = rest.split(' ').next()?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        Some((number(start)?..number(end)?).contains(&address))
    };
    let mut lines = smaps.lines().skip_while(|line| around(line) != Some(true));
    lines.find(|line| line.starts_with("VmFlags:")).unwrap().to_owned()
}

#[test]
fn whole_large_pages_are_asked_for_and_nothing_beside_them() {
    const LARGE: usize = 2 << 20;
    if !std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
        return;
    }
    let is_large = |address| flags_at(address).split(' ').any(|flag| flag == "hg");
    let mut memory: Vec<u8> = Vec::with_capacity(12 * LARGE);
    let start = memory.as_ptr().addr();
    let first = start.next_multiple_of(LARGE);
    let space = &mut memory.spare_capacity_mut()[first - start + 1..][..8 * LARGE];
    in_large_pages(&mut space[..4 * LARGE - 1]);
    assert!(!is_large(first + LARGE), "it is not worth it");
    in_large_pages(space);
    let asked =
        [first, first + LARGE - 1, first + LARGE, first + 8 * LARGE - 1, first + 8 * LARGE].map(is_large);
    assert_eq!(asked, [false, false, true, true, false]);
}
