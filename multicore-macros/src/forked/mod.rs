//! `#[forked]`.

mod args;
mod expand;
mod model;

use proc_macro2::TokenStream;
use quote::quote;

use crate::function;
use crate::options::Errors;

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = args::Args::read(options, &mut errors);
    let forked = function::read("forked", &item, &mut errors)
        .and_then(|function| model::Forked::of(args, function, &mut errors));
    let errors = errors.to_tokens();
    match forked {
        Some(forked) => {
            let forked = expand::forked(&forked);
            quote!(#forked #errors)
        }
        None => quote!(#item #errors),
    }
}
