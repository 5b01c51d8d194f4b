//! `#[threaded]`.

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
    let threaded = function::read("threaded", &item, &mut errors)
        .and_then(|function| model::Threaded::of(args, function, &mut errors));
    let errors = errors.to_tokens();
    match threaded {
        Some(threaded) => {
            let threaded = expand::threaded(&threaded);
            quote!(#threaded #errors)
        }
        None => quote!(#item #errors),
    }
}
