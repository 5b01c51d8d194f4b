//! `#[resource]`.

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
    let resource = function::read("resource", &item, &mut errors)
        .and_then(|function| model::Resource::of(args, &function, &mut errors));
    let resource = resource.as_ref().map(expand::resource);
    let errors = errors.to_tokens();
    quote!(#item #resource #errors)
}
