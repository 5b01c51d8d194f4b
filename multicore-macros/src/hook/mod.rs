//! `#[worker_start]` and `#[worker_exit]`.

mod expand;
mod model;

use proc_macro2::TokenStream;
use quote::quote;

use crate::function;
use crate::options::{self, Errors};

/// When the function runs.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Start,
    Exit,
}

impl Kind {
    fn attribute(self) -> &'static str {
        match self {
            Kind::Start => "worker_start",
            Kind::Exit => "worker_exit",
        }
    }
}

pub(crate) fn expand(kind: Kind, options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let settings = options::read(options, &["crate"], &mut errors);
    let krate = function::crate_path(settings.first(), &mut errors);
    let hook = function::read(kind.attribute(), &item, &mut errors)
        .and_then(|function| model::Hook::of(kind, krate, &function, &mut errors));
    let hook = hook.as_ref().map(expand::hook);
    let errors = errors.to_tokens();
    quote!(#item #hook #errors)
}
