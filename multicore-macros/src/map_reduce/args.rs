//! What stands in `map_reduce!(…)`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::ParseStream;
use syn::{Expr, Path, Token};

use crate::function;
use crate::messages::{self, at};
use crate::options::{self, Errors, Setting};

const OPTIONS: &[(&str, &str)] = &[
    ("map", "map = split"),
    ("combine", "combine = add"),
    ("reduce", "reduce = total"),
    ("partitions", "partitions = 16"),
    ("workers", "workers = 2"),
    ("memory", "memory = 64 << 20"),
    ("timeout", "timeout = Duration::from_secs(60)"),
    ("retries", "retries = 1"),
    ("folder", "folder = \"/var/tmp\""),
    ("pool", "pool = &pool"),
    ("crate", "crate = path::to::multicore"),
];

pub(crate) struct Args {
    pub(crate) inputs: Expr,
    pub(crate) map: Path,
    pub(crate) combine: Option<Path>,
    pub(crate) reduce: Path,
    pub(crate) settings: Vec<(Setting, Expr)>,
    pub(crate) krate: TokenStream,
}

impl Args {
    pub(crate) fn read(input: TokenStream, errors: &mut Errors) -> Option<Args> {
        options::read_arguments(input, errors, Args::parse).flatten()
    }

    /// `None` where what is missing was noted.
    fn parse(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Option<Args>> {
        let usage = |_| syn::Error::new(input.span(), messages::MAP_REDUCE);
        if input.is_empty() {
            return Err(input.error(messages::MAP_REDUCE));
        }
        let inputs: Expr = input.parse()?;
        input.parse::<Token![,]>().map_err(usage)?;
        let end = input.span();
        let known: Vec<_> = OPTIONS.iter().map(|(name, _)| *name).collect();
        let (mut map, mut combine, mut reduce) = (None, None, None);
        let mut krate = quote!(::multicore);
        let mut settings = Vec::new();
        for setting in options::read_from(input, &known, errors) {
            let example =
                OPTIONS.iter().find(|(name, _)| setting.name == name).map_or("", |(_, example)| example);
            let task = match setting.name.to_string().as_str() {
                "map" => &mut map,
                "combine" => &mut combine,
                "reduce" => &mut reduce,
                "crate" => {
                    krate = function::crate_path(Some(&setting), errors);
                    continue;
                }
                _ => {
                    if let Some(value) = errors.note(setting.expression(example).cloned()) {
                        settings.push((setting, value));
                    }
                    continue;
                }
            };
            *task = errors.note(stage(&setting, example).cloned());
        }
        let (Some(map), Some(reduce)) = (map, reduce) else {
            if errors.is_empty() {
                errors.push(syn::Error::new(end, messages::MAP_REDUCE));
            }
            return Ok(None);
        };
        Ok(Some(Args { inputs, map, combine, reduce, settings, krate }))
    }
}

/// The path of a task function.
fn stage<'s>(setting: &'s Setting, example: &str) -> syn::Result<&'s Path> {
    match setting.expression(example)? {
        Expr::Path(path) if path.qself.is_none() => Ok(&path.path),
        other => Err(at(other, messages::stage(&setting.name.to_string(), example))),
    }
}
