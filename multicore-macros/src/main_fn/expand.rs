//! The user's `main` inside of ours.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::model::Main;

/// Nests the item as it is, other attributes included, so that the pool is prepared before a runtime
/// starts threads: `#[tokio::main]` below is expanded inside, and above it has been expanded already.
pub(crate) fn main(main: &Main, item: &TokenStream) -> TokenStream {
    let Main { args, cfgs, visibility, output } = main;
    let krate = &args.krate;
    let preload = args.preload.iter().map(|path| {
        // Spanned at the static, for the error about its type.
        quote_spanned!(path.span()=> #krate::__private::preload(&#path);)
    });
    quote! {
        #(#cfgs)*
        #visibility fn main() #output {
            #item
            #(#preload)*
            #krate::__private::start_main();
            main()
        }
    }
}
