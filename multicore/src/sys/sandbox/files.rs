//! Files and the network, by landlock: what is named can be read, nothing else can be opened.

use std::ffi::OsString;
use std::path::Path;
use std::ptr;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, RestrictSelfAttr, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};

use crate::sys::{checked, process};
use crate::{Error, Result};

/// The newest rights that are known here; of those that this kernel does not know the crate asks nothing.
const NEWEST: ABI = ABI::V9;
/// `LANDLOCK_CREATE_RULESET_VERSION`.
const VERSION: u32 = 1;

/// Whether the kernel has landlock, and lets it be used.
///
/// # Errors
/// `Os` from `landlock_create_ruleset`: ENOSYS without it, EOPNOTSUPP where it was not enabled at boot.
pub(crate) fn check_landlock() -> Result<()> {
    let nothing = ptr::null::<u8>();
    // SAFETY: with the flag for the version, and only then, the kernel takes null and no bytes.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0, VERSION) };
    checked("landlock_create_ruleset", version).map(drop)
}

/// Lets this process open what is at or below these paths, for reading, and nothing else in any way; nor
/// use the network or reach processes outside, as far as this kernel's landlock goes.
///
/// What is open stays open. Other threads are restricted as well, or there must be none.
///
/// # Errors
/// In words: a path that cannot be opened, threads where the kernel restricts only this one, or what the
/// kernel refused.
pub(crate) fn restrict_files(read: &[OsString]) -> Result<(), String> {
    let alone = process::single_threaded();
    let status = restrict(read).map_err(|error| format!("landlock: {}", chain(&*error)))?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err("landlock: the kernel enforces nothing".to_owned());
    }
    match alone {
        Err(error) if !status.all_threads => Err(match error {
            Error::Threads { count } => format!(
                "landlock: {} threads that a start hook left running would be outside of the sandbox",
                count - 1
            ),
            other => other.to_string(),
        }),
        _ => Ok(()),
    }
}

fn restrict(read: &[OsString]) -> Result<RestrictionStatus, Box<dyn std::error::Error>> {
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .all_threads(true)?;
    for path in read {
        let opened = PathFd::new(path)?;
        rules = rules.add_rule(PathBeneath::new(opened, reading(Path::new(path))))?;
    }
    Ok(rules.restrict_self()?)
}

/// A folder can be listed, too.
fn reading(path: &Path) -> BitFlags<AccessFs> {
    if path.is_dir() { AccessFs::ReadFile | AccessFs::ReadDir } else { AccessFs::ReadFile.into() }
}

/// The crate's errors say what failed, and their sources why.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let why = error.to_string();
        if !text.contains(&why) {
            text = format!("{text}: {why}");
        }
        source = error.source();
    }
    text
}
