//! The table of task functions: who is there, by stable ID.
//!
//! Generated code submits its entries before `main`, and nobody adds one later. Client and workers are one
//! executable, so they have the same table; the digest that they compare when they meet guards the cases
//! in which they are not.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::call::Invocation;
use crate::codec::{Codec, Failure};
use crate::error::{Error, Result};

/// What generated code submits.
#[doc(hidden)]
pub enum Registered {
    /// A task function.
    Task(&'static Entry),
    /// A worker's start or exit function.
    Hook(&'static Hook),
}

inventory::collect!(Registered);

/// Everything that was submitted, in no order.
fn registered() -> impl Iterator<Item = &'static Registered> {
    inventory::iter::<Registered>.into_iter()
}

/// One task function.
#[doc(hidden)]
pub struct Entry {
    name: Option<&'static str>,
    type_name: fn() -> &'static str,
    pub(crate) signature: &'static str,
    package: &'static str,
    version: &'static str,
    place: &'static Location<'static>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retries: u32,
    pub(crate) isolate: bool,
    pub(crate) codec: Codec,
    pub(crate) run: Run,
    /// The ID once computed; 0 before. Any thread computes the same, so a race is harmless.
    id: AtomicU64,
}

/// Decodes the arguments, runs the function, encodes the result.
pub(crate) type Run = for<'a, 'b, 'w> fn(Invocation<'a, 'b, 'w>) -> Result<(), Failure>;

/// What generated code knows about a task function.
#[doc(hidden)]
pub struct Declared {
    pub name: Option<&'static str>,
    pub type_name: fn() -> &'static str,
    pub signature: &'static str,
    pub package: Option<&'static str>,
    pub version: Option<&'static str>,
    pub place: &'static Location<'static>,
    pub timeout: Option<Duration>,
    pub retries: u32,
    pub isolate: bool,
    pub codec: Codec,
    pub run: Run,
}

impl Entry {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(declared: Declared) -> Entry {
        Entry {
            name: declared.name,
            type_name: declared.type_name,
            signature: declared.signature,
            // Built without cargo there is neither; the type's path still tells tasks apart.
            package: match declared.package {
                Some(package) => package,
                None => "",
            },
            version: match declared.version {
                Some(version) => version,
                None => "",
            },
            place: declared.place,
            timeout: declared.timeout,
            retries: declared.retries,
            isolate: declared.isolate,
            codec: declared.codec,
            run: declared.run,
            id: AtomicU64::new(0),
        }
    }

    /// The pinned name, or the companion type's path.
    pub(crate) fn name(&self) -> &'static str {
        self.name.unwrap_or_else(self.type_name)
    }

    /// The stable ID: equal in every build of one version of the task's crate, never 0.
    pub(crate) fn id(&self) -> u64 {
        match self.id.load(Ordering::Relaxed) {
            0 => {
                let id = self.compute_id();
                self.id.store(id, Ordering::Relaxed);
                id
            }
            id => id,
        }
    }

    /// Where the function stands, as `file:line:column`.
    pub(crate) fn place(&self) -> &'static Location<'static> {
        self.place
    }

    fn compute_id(&self) -> u64 {
        let hash = match self.name {
            Some(name) => Fnv::new().text(name),
            None => Fnv::new().text(self.package).text(self.version).text((self.type_name)()),
        };
        hash.text(self.signature).0.max(1)
    }
}

/// When a worker runs a hook.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookKind {
    /// Before its first call.
    Start,
    /// After its last.
    Exit,
}

/// A function that every worker runs at its start or its end.
#[doc(hidden)]
pub struct Hook {
    pub(crate) kind: HookKind,
    pub(crate) run: fn() -> Result<(), String>,
    pub(crate) name: &'static str,
    pub(crate) place: &'static Location<'static>,
}

impl Hook {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        kind: HookKind,
        run: fn() -> Result<(), String>,
        name: &'static str,
        place: &'static Location<'static>,
    ) -> Hook {
        Hook { kind, run, name, place }
    }
}

/// The hooks of one kind, by name, so that every worker runs them in one order.
pub(crate) fn hooks(kind: HookKind) -> impl Iterator<Item = &'static Hook> {
    let mut hooks: Vec<_> = registered()
        .filter_map(|item| match item {
            Registered::Hook(hook) if hook.kind == kind => Some(*hook),
            _ => None,
        })
        .collect();
    hooks.sort_by_key(|hook| (hook.name, hook.place.file(), hook.place.line()));
    hooks.into_iter()
}

/// All task functions of this program.
pub(crate) struct Registry {
    /// Sorted by ID.
    entries: Vec<&'static Entry>,
    digest: u64,
}

impl Registry {
    /// The task with this ID.
    pub(crate) fn find(&self, id: u64) -> Option<&'static Entry> {
        let at = self.entries.binary_search_by_key(&id, |entry| entry.id()).ok()?;
        Some(self.entries[at])
    }

    /// All of them, by ID.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &'static Entry> {
        self.entries.iter().copied()
    }

    /// A hash over every task's ID and name: two programs with one digest agree about every call.
    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    fn of(entries: impl Iterator<Item = &'static Entry>) -> Result<Registry, String> {
        let mut entries: Vec<_> = entries.collect();
        // Names and places break ties, so that an error names its two places in the same order each time.
        entries.sort_by_key(|entry| (entry.id(), entry.name(), place_key(entry)));
        let mut names: HashMap<&str, &Entry> = HashMap::new();
        for entry in &entries {
            if let Some(first) = names.insert(entry.name(), entry) {
                return Err(duplicate("the name", entry.name(), first, entry));
            }
        }
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].id() == pair[1].id()) {
            return Err(duplicate("the ID", &format!("{:016x}", pair[0].id()), pair[0], pair[1]));
        }
        let digest =
            entries.iter().fold(Fnv::new(), |hash, entry| hash.number(entry.id()).text(entry.name())).0;
        Ok(Registry { entries, digest })
    }
}

fn place_key(entry: &Entry) -> (&'static str, u32, u32) {
    (entry.place.file(), entry.place.line(), entry.place.column())
}

fn duplicate(what: &str, value: &str, first: &Entry, second: &Entry) -> String {
    let (mut first, mut second) = (first, second);
    if place_key(second) < place_key(first) {
        (first, second) = (second, first);
    }
    format!(
        "two tasks have {what} `{value}`: one at {}, one at {}; give one of them another with `#[task(name = \"…\")]`",
        first.place(),
        second.place(),
    )
}

/// The program's table of tasks.
///
/// # Errors
/// [`Error::Registry`] when two tasks have one name or one ID, each time it is asked.
pub(crate) fn registry() -> Result<&'static Registry> {
    static REGISTRY: OnceLock<Result<Registry, String>> = OnceLock::new();
    REGISTRY
        .get_or_init(|| {
            Registry::of(registered().filter_map(|item| match item {
                Registered::Task(entry) => Some(*entry),
                Registered::Hook(_) => None,
            }))
        })
        .as_ref()
        .map_err(|what| Error::Registry { what: what.clone() })
}

/// One task function of this program, as [`tasks`] lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskInfo {
    /// Its name: the function's path, or what `#[task(name = "…")]` pinned.
    pub name: &'static str,
    /// Its stable ID.
    pub id: u64,
    /// The argument types and the result type, as written.
    pub signature: &'static str,
    /// The source file that it stands in.
    pub file: &'static str,
    /// The line of its name.
    pub line: u32,
}

/// Every task function that is linked into this program, by name.
///
/// A crate that the program never names is not linked, and its tasks are missing:
/// `use my_tasks as _;` links it.
///
/// # Errors
/// [`Error::Registry`] when two tasks have one name or one ID; it names both places in the source.
pub fn tasks() -> Result<Vec<TaskInfo>> {
    let mut tasks: Vec<_> = registry()?
        .entries
        .iter()
        .map(|entry| TaskInfo {
            name: entry.name(),
            id: entry.id(),
            signature: entry.signature,
            file: entry.place.file(),
            line: entry.place.line(),
        })
        .collect();
    tasks.sort_by_key(|task| task.name);
    Ok(tasks)
}

/// FNV-1a, 64 bits: stable over platforms and releases, which the standard hasher is not.
struct Fnv(u64);

impl Fnv {
    fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    /// Text with its end, so that ("ab", "c") and ("a", "bc") differ.
    fn text(self, text: &str) -> Fnv {
        self.bytes(text.as_bytes()).bytes(&[0xff])
    }

    fn number(self, number: u64) -> Fnv {
        self.bytes(&number.to_le_bytes())
    }

    fn bytes(self, bytes: &[u8]) -> Fnv {
        Fnv(bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)))
    }
}

#[cfg(test)]
// Inside this crate the macros' unsafe attribute is not another crate's.
#[allow(unsafe_code)]
mod tests;
