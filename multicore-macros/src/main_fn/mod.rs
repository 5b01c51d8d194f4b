//! `#[main]`.

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
    let main = function::read("multicore::main", &item, &mut errors)
        .and_then(|function| model::Main::of(args, &function, &mut errors));
    let errors = errors.to_tokens();
    match main {
        Some(main) => {
            let main = expand::main(&main, &item);
            quote!(#main #errors)
        }
        None => quote!(#item #errors),
    }
}
