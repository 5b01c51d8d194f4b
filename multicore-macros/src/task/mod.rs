//! `#[task]`.

mod args;
mod expand;
mod model;
mod types;

use proc_macro2::TokenStream;
use quote::quote;

use crate::function;
use crate::options::Errors;

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = args::Args::read(options, &mut errors);
    let task = function::read("task", &item, &mut errors)
        .and_then(|function| model::Task::of(args, &function, &mut errors));
    let task = task.as_ref().map(expand::task);
    let errors = errors.to_tokens();
    quote!(#item #task #errors)
}
