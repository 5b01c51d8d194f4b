//! The options of `#[main]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Path, Token};

use crate::function;
use crate::messages::{self, at};
use crate::options::{self, Errors, Value};

pub(crate) struct Args {
    pub(crate) krate: TokenStream,
    pub(crate) preload: Vec<Path>,
}

impl Args {
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Args {
        let mut args = Args { krate: quote!(::multicore), preload: Vec::new() };
        for setting in options::read(tokens, &["preload", "crate"], errors) {
            match (&setting.name, &setting.value) {
                (name, _) if name == "crate" => args.krate = function::crate_path(Some(&setting), errors),
                (_, Value::List(list)) => {
                    let paths = Punctuated::<Path, Token![,]>::parse_terminated
                        .parse2(list.clone())
                        .map_err(|error| syn::Error::new(error.span(), messages::PRELOAD));
                    args.preload = errors.note(paths).into_iter().flatten().collect();
                }
                (name, _) => errors.push(at(name, messages::PRELOAD)),
            }
        }
        args
    }
}
