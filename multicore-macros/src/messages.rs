//! The sentences that a user of the macros can meet, beside those of the runtime crate (its traits, and features that
//! are missing): what is wrong, and what to write instead.

use std::fmt::Display;

/// `a`, `b` or `c`.
fn one_of(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The known name that is probably meant.
fn meant<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let limit = (name.len() / 3).max(1);
    known
        .iter()
        .map(|known| (distance(name, known), *known))
        .filter(|(distance, known)| *distance <= limit || has_same_words(name, known))
        .min()
        .map(|(_, known)| known)
}

/// Whether all words of `name` are words of `known` (`min_size` for `min_range_size`), or both begin
/// alike (`retry` for `retries`).
fn has_same_words(name: &str, known: &str) -> bool {
    let alike = name.chars().zip(known.chars()).take_while(|(a, b)| a == b).count();
    alike >= 4 || name.split('_').all(|word| known.split('_').any(|known| known == word))
}

/// Letters to insert, remove or replace until `a` is `b`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[row.len() - 1]
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    match meant(name, known) {
        Some(meant) => format!("unknown {what} `{name}`; did you mean `{meant}`?"),
        None => format!("unknown {what} `{name}`; write {}", one_of(known)),
    }
}

// Options.

pub(crate) fn unknown_option(name: &str, known: &[&str]) -> String {
    if known.is_empty() {
        format!("unknown option `{name}`; there are none")
    } else {
        unknown("option", name, known)
    }
}

pub(crate) fn option_twice(name: &str) -> String {
    format!("the option `{name}` is given twice; keep one")
}

pub(crate) fn wrong_kind(name: &str, example: &str) -> String {
    if name == example {
        return format!("the option `{name}` takes no value: write `{name}` alone, or leave it out");
    }
    format!("the option `{name}` is written `{example}`")
}

pub(crate) fn not_an_option(known: &[&str]) -> String {
    if known.is_empty() {
        "there are no options here".into()
    } else {
        format!("expected an option: {}", one_of(known))
    }
}

pub(crate) fn unknown_codec(name: &str) -> String {
    unknown("codec", name, &["bincode", "json", "raw"])
}

pub(crate) fn unknown_error(name: &str) -> String {
    format!("unknown way `{name}` to send errors; write `error = \"text\"`")
}

pub(crate) const EMPTY_NAME: &str =
    "a task's name cannot be empty; leave `name` out to use the function's path";
pub(crate) const DURATION: &str =
    "a length of time is a whole number and a unit: \"100ms\", \"2s\", \"1m\" or \"1h\"";
pub(crate) const DURATION_ZERO: &str = "a timeout of 0 would end every call; leave `timeout` out for none";

// The item.

pub(crate) fn not_a_function(attribute: &str, kind: &str) -> String {
    format!("`#[{attribute}]` goes on a function, not on {kind}")
}

pub(crate) const NO_BODY: &str =
    "a task function has a body: put `#[task]` on a free function, and let the trait's method call it";
pub(crate) const SELF: &str = "a task function takes no `self`: move it out of the `impl` or `trait` block and pass the \
     value as an argument, such as `this: &Type`";
pub(crate) const SELF_TYPE: &str = "a task function stands outside of `impl` and `trait` blocks: move it out and write the type's name for `Self`";
pub(crate) const GENERIC_TYPE: &str = "a task function cannot be generic over types, because a worker must find it under one ID: \
     write the type, or one task function for each type";
pub(crate) const GENERIC_CONST: &str =
    "a task function cannot be generic over constants: pass the value as an argument";
pub(crate) const IMPL_ARGUMENT: &str =
    "an argument of a task has one type, not `impl Trait`: write the type that is passed";
pub(crate) const IMPL_RESULT: &str = "a result of a task has one type, not `impl Trait`: write the type that is returned, \
     such as `Vec<T>` for an iterator";
pub(crate) const MUT_REFERENCE: &str = "a worker cannot change the caller's value through `&mut`: take the value and return \
     the changed one";
pub(crate) const RAW_POINTER: &str =
    "a raw pointer means nothing in another process: pass the data, such as `&[T]`";
pub(crate) const NEVER: &str = "a task function returns; leave the result out if there is none";
pub(crate) const ASYNC: &str = "a task function cannot be `async`: a worker runs one call at a time; remove `async` and block \
     on a runtime of its own inside";
pub(crate) const UNSAFE: &str = "a task function cannot be `unsafe`: nobody can check its conditions in another process; \
     remove `unsafe` and put an `unsafe` block inside";
pub(crate) const ABI: &str = "a task function has Rust's own calling convention: remove `extern`";
pub(crate) const VARIADIC: &str =
    "a task function has a fixed number of arguments: take a slice, such as `&[T]`";
pub(crate) const PATTERN: &str =
    "an argument of a task needs a name, not a pattern: write `name: Type` and take it apart inside";
pub(crate) const CONDITIONAL_ARGUMENT: &str =
    "an argument of a task cannot depend on `cfg`: put `cfg` on two versions of the whole function";
pub(crate) const STATIC_REFERENCE: &str =
    "a worker borrows an argument for the length of the call only: remove `'static`";
pub(crate) const INNER_REFERENCE: &str = "an argument of a task may be a reference, but not contain one: take the owned \
     type, such as `Option<String>` for `Option<&str>`";
pub(crate) const INNER_LIFETIME: &str =
    "an argument of a task cannot contain something borrowed: take a type without lifetimes";
pub(crate) const RESULT_REFERENCE: &str = "a result of a task cannot borrow: it comes from another process; return an \
     owned type (only `&str` and `&[T]`, alone, are copied for the caller)";
pub(crate) const RESULT_LIFETIME: &str =
    "a result of a task cannot borrow from an argument: it comes from another process; return an owned type";

pub(crate) fn raw_arguments(count: usize) -> String {
    let have = match count {
        0 => "none".to_owned(),
        count => count.to_string(),
    };
    format!(
        "the codec `raw` carries exactly one argument, and this function has {have}; leave out `codec = \"raw\"`"
    )
}

// `#[forked]` and `#[threaded]`.

/// `a forked function`, `a threaded function`.
fn apart(attribute: &str) -> String {
    format!("a {attribute} function")
}

pub(crate) fn apart_no_body(attribute: &str) -> String {
    format!(
        "{} has a body: put `#[{attribute}]` on the functions that implement the trait's",
        apart(attribute)
    )
}

pub(crate) fn apart_async(attribute: &str) -> String {
    format!(
        "{} cannot be `async`: it runs apart from its caller's runtime; remove `async` and block on a runtime of \
         its own inside",
        apart(attribute)
    )
}

pub(crate) fn apart_const(attribute: &str) -> String {
    format!(
        "{} cannot be `const`: it starts something while the program runs; remove `const`",
        apart(attribute)
    )
}

pub(crate) fn apart_unsafe(attribute: &str) -> String {
    format!(
        "{} cannot be `unsafe`: its conditions would have to hold after the caller has gone on; remove `unsafe` and \
         put an `unsafe` block inside",
        apart(attribute)
    )
}

pub(crate) fn apart_abi(attribute: &str) -> String {
    format!("{} has Rust's own calling convention: remove `extern`", apart(attribute))
}

pub(crate) fn apart_variadic(attribute: &str) -> String {
    format!("{} has a fixed number of arguments: take a slice, such as `&[T]`", apart(attribute))
}

pub(crate) fn apart_impl_result(attribute: &str) -> String {
    format!(
        "a result of {} has one type, not `impl Trait`: write the type that is returned, such as `Vec<T>` for an \
         iterator",
        apart(attribute)
    )
}

pub(crate) fn apart_never(attribute: &str) -> String {
    format!("leave the result of {} out if it never returns", apart(attribute))
}

pub(crate) const FORKED_REFERENCE: &str = "a result of a forked function cannot borrow: it comes from another process; \
     return an owned type, such as `String` for `&str`";
pub(crate) const THREADED_REFERENCE: &str = "an argument of a threaded function cannot be borrowed: the thread may outlive \
     the caller; take an owned type, such as `String` for `&str` or `Arc<T>` for `&T`";
pub(crate) const THREADED_SELF: &str =
    "a thread cannot borrow `self`, which it may outlive: take `self` or `self: Arc<Self>`";
pub(crate) const NAME_EMPTY: &str = "a name cannot be empty; leave `name` out to use the function's";
pub(crate) const NAME_ZERO: &str = "a name cannot contain a zero byte";

// `#[main]` and the hooks.

pub(crate) const MAIN_NAME: &str =
    "`#[multicore::main]` goes on the function `main`; elsewhere call `multicore::initialize()?`";
pub(crate) const MAIN_ARGUMENTS: &str = "`main` takes no arguments; read them with `std::env::args()`";
pub(crate) const MAIN_ASYNC: &str = "`main` cannot be `async` without a runtime: add `#[tokio::main]` (or your runtime's \
     attribute) below `#[multicore::main]`";
pub(crate) const PRELOAD: &str = "`preload` lists statics: `preload(USERS, INDEX)`";
pub(crate) const HOOK_ARGUMENTS: &str = "a worker's start or exit function takes no arguments";
pub(crate) const HOOK_GENERIC: &str = "a worker's start or exit function cannot be generic";

pub(crate) fn hook_async(attribute: &str) -> String {
    format!("`#[{attribute}]` goes on a function that is not `async`: block on a runtime inside")
}

// `#[resource]`.

pub(crate) const IDLE_WITHOUT_CHECK: &str = "`check_idle` says when `check` is asked; add `check = is_alive`";
pub(crate) const RESOURCE_NOTHING: &str =
    "a resource's function returns the value that workers keep, or a `Result` of it";
pub(crate) const RESOURCE_ARGUMENTS: &str = "a resource's function takes no arguments: each worker calls it by itself; read them from the environment";
pub(crate) const RESOURCE_SELF: &str =
    "a resource's function takes no `self`: move it out of the `impl` or `trait` block";
pub(crate) const RESOURCE_GENERIC: &str = "a resource's function cannot be generic: each worker keeps one value of one type; write a function for each type";
pub(crate) const RESOURCE_IMPL: &str =
    "a resource has one type, not `impl Trait`: write the type, or `Box<dyn Trait>`";
pub(crate) const RESOURCE_ASYNC: &str = "a resource's function cannot be `async`: a worker waits until it has its value; \
     remove `async` and block on a runtime inside, or keep a runtime as a resource of its own";
pub(crate) const RESOURCE_UNSAFE: &str = "a resource's function cannot be `unsafe`: workers call it by themselves; remove \
     `unsafe` and put an `unsafe` block inside";

// `par_ranges!`.

pub(crate) const PAR_RANGES: &str =
    "write `par_ranges!(items, chunk_fn)` or `par_ranges!(items, chunk_fn, option = value)`";
pub(crate) const CHUNK_FN: &str =
    "the chunk function is named by its path, such as `render`; annotate it with `#[multicore::task]`";

// `map_reduce!`.

pub(crate) const MAP_REDUCE: &str = "write `map_reduce!(inputs, map = split, reduce = total)`, with `combine = add` where values can be folded early";

pub(crate) fn stage(name: &str, example: &str) -> String {
    format!(
        "`{name}` names a task function by its path, as in `{example}`; annotate the function with `#[multicore::task]`"
    )
}

/// An error at a token.
pub(crate) fn at(token: impl quote::ToTokens, message: impl Display) -> syn::Error {
    syn::Error::new_spanned(token, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_is_meant_is_near_or_made_of_the_same_words() {
        let known = ["min_range_size", "ranges", "timeout", "retries"];
        let cases = [
            ("timout", "timeout"),
            ("retry", "retries"),
            ("range", "ranges"),
            ("min_size", "min_range_size"),
        ];
        for (written, expected) in cases {
            assert_eq!(meant(written, &known), Some(expected), "{written}");
        }
        assert_eq!(meant("quickly", &known), None);
    }

    #[test]
    fn alternatives_read_as_a_sentence() {
        assert_eq!(one_of(&["a"]), "`a`");
        assert_eq!(one_of(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
