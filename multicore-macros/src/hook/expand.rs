//! A hook's registration.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::Kind;
use super::model::Hook;

pub(crate) fn hook(hook: &Hook) -> TokenStream {
    let Hook { kind, krate, cfgs, name, output } = hook;
    let kind = match kind {
        Kind::Start => quote!(Start),
        Kind::Exit => quote!(Exit),
    };
    let text = name.to_string();
    let place = quote_spanned!(name.span()=> #krate::__private::here());
    // The type is written out so that an error about it stands at it, not at the attribute.
    let outcome = quote!(#krate::__private::hook_outcome::<#output>(#name()));
    quote! {
        #(#cfgs)*
        const _: () = {
            static __MULTICORE_HOOK: #krate::__private::Hook = #krate::__private::Hook::new(
                #krate::__private::HookKind::#kind,
                || #outcome,
                ::core::concat!(::core::module_path!(), "::", #text),
                #place,
            );
            #krate::__private::register!(Hook, &__MULTICORE_HOOK);
        };
    }
}
