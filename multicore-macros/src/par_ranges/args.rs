//! What stands in `par_ranges!(…)`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::ParseStream;
use syn::{Expr, Path, Token};

use crate::function;
use crate::messages::{self, at};
use crate::options::{self, Errors, Setting};

const OPTIONS: &[(&str, &str)] = &[
    ("min_range_size", "min_range_size = 100"),
    ("ranges", "ranges = 8"),
    ("workers", "workers = 2"),
    ("timeout", "timeout = Duration::from_secs(2)"),
    ("max_load_average", "max_load_average = 0.85"),
    ("pool", "pool = &pool"),
    ("inline", "inline = true"),
    ("progress", "progress = true"),
    ("crate", "crate = path::to::multicore"),
];

pub(crate) struct Args {
    pub(crate) items: Expr,
    pub(crate) chunk_fn: Path,
    pub(crate) settings: Vec<(Setting, Expr)>,
    pub(crate) krate: TokenStream,
}

impl Args {
    pub(crate) fn read(input: TokenStream, errors: &mut Errors) -> Option<Args> {
        options::read_arguments(input, errors, Args::parse)
    }

    fn parse(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Args> {
        let usage = |_| syn::Error::new(input.span(), messages::PAR_RANGES);
        if input.is_empty() {
            return Err(input.error(messages::PAR_RANGES));
        }
        let items: Expr = input.parse()?;
        input.parse::<Token![,]>().map_err(usage)?;
        if input.is_empty() {
            return Err(input.error(messages::PAR_RANGES));
        }
        let chunk_fn = match input.parse()? {
            Expr::Path(path) if path.qself.is_none() => path.path,
            other => return Err(at(other, messages::CHUNK_FN)),
        };
        if !input.is_empty() {
            input.parse::<Token![,]>().map_err(usage)?;
        }
        let known: Vec<_> = OPTIONS.iter().map(|(name, _)| *name).collect();
        let mut krate = quote!(::multicore);
        let mut settings = Vec::new();
        for setting in options::read_from(input, &known, errors) {
            if setting.name == "crate" {
                krate = function::crate_path(Some(&setting), errors);
                continue;
            }
            let example =
                OPTIONS.iter().find(|(name, _)| setting.name == name).map_or("", |(_, example)| example);
            if let Some(value) = errors.note(setting.expression(example).cloned()) {
                settings.push((setting, value));
            }
        }
        Ok(Args { items, chunk_fn, settings, krate })
    }
}
