//! The call of the runtime.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::args::Args;

pub(crate) fn par_ranges(args: &Args) -> TokenStream {
    let Args { items, chunk_fn, settings, krate } = args;
    let settings = settings.iter().map(|(setting, value)| {
        let name = &setting.name;
        match name.to_string().as_str() {
            "inline" => quote!(#name: #value),
            _ => quote_spanned!(value.span()=> #name: #krate::__private::Some(#value)),
        }
    });
    // The user's tokens alone in the places that inference complains about.
    let items = quote_spanned!(items.span().resolved_at(Span::call_site())=> &(#items));
    quote! {
        #krate::__private::par_ranges::<_, _, #chunk_fn>(
            #items,
            #krate::__private::ParOptions {
                #(#settings,)*
                ..::core::default::Default::default()
            },
        )
    }
}
