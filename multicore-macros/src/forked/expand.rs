//! A function whose body is a closure for a forked child.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Forked;
use crate::apart;

pub(crate) fn forked(forked: &Forked) -> TokenStream {
    let Forked { args, function } = forked;
    let krate = &args.krate;
    let (result, output, body) = (&function.result, &function.output, &function.body);
    let timeout = match args.timeout {
        Some(timeout) => {
            let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            quote!(#krate::__private::Some(#krate::__private::Duration::from_millis(#millis)))
        }
        None => quote!(#krate::__private::None),
    };
    let own = function.name();
    let (name, title) = match &args.name {
        Some(name) => (quote!(#name), quote!(#name)),
        None => (quote!(::core::concat!(::core::module_path!(), "::", #own)), quote!(#own)),
    };
    function.with(
        &apart::inputs(&function.signature),
        &quote!(#krate::__private::CrateResult<#krate::__private::Forked<#result>>),
        &quote! {
            #krate::__private::forked::<#result, _>(#name, #title, #timeout, move || #output { #body })
        },
    )
}
