//! A function whose body is a closure for a thread.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::model::{Argument, Threaded};
use crate::function::cfgs;

pub(crate) fn threaded(threaded: &Threaded) -> TokenStream {
    let Threaded { args, function, receiver, arguments } = threaded;
    let krate = &args.krate;
    let (result, output, body) = (&function.result, &function.output, &function.body);
    let own = function.name();
    let name = args.name.as_ref().map_or(quote!(#own), |name| quote!(#name));
    let receiver = receiver.as_ref().map(|receiver| quote!(#receiver,));
    let inputs =
        arguments.iter().map(|Argument { attributes, name, ty, .. }| quote!(#(#attributes)* #name: #ty));
    // Spanned at the type, where an error about it belongs.
    let moves = arguments.iter().map(|Argument { attributes, name, ty, .. }| {
        let (moved, cfgs) = (quote_spanned!(ty.span()=> #krate::__private::moved(#name)), cfgs(attributes));
        quote!(#(#cfgs)* let #name = #moved;)
    });
    let takes = arguments.iter().map(|Argument { attributes, name, pattern, .. }| {
        let cfgs = cfgs(attributes);
        quote!(#(#cfgs)* let #pattern = #name.here();)
    });
    function.with(
        &quote!(#receiver #(#inputs),*),
        &quote!(#krate::__private::CrateResult<#krate::__private::JoinHandle<#result>>),
        &quote! {
            #(#moves)*
            #krate::__private::threaded::<#result, _>(#name, move || #output { #(#takes)* #body })
        },
    )
}
