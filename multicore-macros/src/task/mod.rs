//! `#[task]`.

mod args;
mod expand;
mod model;
pub(crate) mod types;

use proc_macro2::TokenStream;
use quote::quote;

use crate::function;
use crate::options::Errors;

fn is_variadic(item: &TokenStream) -> bool {
    syn::parse2::<syn::ItemFn>(item.clone()).is_ok_and(|function| function.sig.variadic.is_some())
}

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = args::Args::read(options, &mut errors);
    let task = function::read("task", &item, &mut errors)
        .and_then(|function| model::Task::of(args, &function, &mut errors));
    let task = task.as_ref().map(expand::task);
    let errors = errors.to_tokens();
    if task.is_none() && is_variadic(&item) {
        // The compiler would add that C-variadic functions are unstable, which is beside the point.
        return errors;
    }
    quote!(#item #task #errors)
}
