//! The call of the runtime.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned;

use super::args::Args;

/// `par_ranges::<_, _, chunk_fn>(&items, options)`.
///
/// The call begins and ends where the chunk function's path does: the compiler finds a wrong one
/// twice, at the path and at the call, and reports one of two errors at one place.
pub(crate) fn par_ranges(args: &Args) -> TokenStream {
    let Args { items, chunk_fn, settings, krate } = args;
    let first = chunk_fn.span();
    let last = chunk_fn.segments.last().map_or(first, |segment| segment.ident.span());
    let settings = settings.iter().map(|(setting, value)| {
        let name = &setting.name;
        match name.to_string().as_str() {
            "inline" => quote!(#name: #value),
            // At the option's name, where the error about the missing feature belongs.
            "progress" => {
                let krate = at(name.span(), krate);
                quote_spanned!(name.span()=> #name: #krate::__private::progress!(#value))
            }
            _ => quote_spanned!(value.span()=> #name: #krate::__private::Some(#value)),
        }
    });
    // What is wrong with the items' type is found at its `_`, which is why that stands there.
    let items_type = quote_spanned!(items.span()=> _);
    let items = borrowed(items);
    let options = quote! {
        #krate::__private::ParOptions {
            #(#settings,)*
            ..::core::default::Default::default()
        }
    };
    let krate = at(first, krate);
    let function = quote_spanned!(first=> #krate::__private::par_ranges::<#items_type, _, #chunk_fn>);
    let arguments = quote_spanned!(last=> (#items, #options));
    quote!(#function #arguments)
}

/// `&items`, at the user's place, with parentheses only where they are needed: needless ones would be
/// warned about there.
fn borrowed(items: &Expr) -> TokenStream {
    let span = items.span();
    match items {
        Expr::Path(_)
        | Expr::Field(_)
        | Expr::Call(_)
        | Expr::MethodCall(_)
        | Expr::Index(_)
        | Expr::Array(_)
        | Expr::Macro(_)
        | Expr::Reference(_)
        | Expr::Unary(_)
        | Expr::Paren(_)
        | Expr::Tuple(_)
        | Expr::Block(_) => quote_spanned!(span=> &#items),
        _ => quote_spanned!(span=> &(#items)),
    }
}

/// The same tokens at another place.
fn at(span: Span, tokens: &TokenStream) -> TokenStream {
    tokens
        .to_token_stream()
        .into_iter()
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}
