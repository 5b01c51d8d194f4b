//! `#[main]`.

mod args;
mod expand;
mod model;

use proc_macro2::TokenStream;
use quote::quote;

use crate::function;
use crate::options::Errors;

fn is_main(item: &TokenStream) -> bool {
    syn::parse2::<syn::ItemFn>(item.clone()).is_ok_and(|function| function.sig.ident == "main")
}

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
        // Nested, so that the compiler does not explain a wrong `main` a second time.
        None if is_main(&item) => quote!(fn main() { #[allow(dead_code)] #item #errors }),
        None => quote!(#item #errors),
    }
}
