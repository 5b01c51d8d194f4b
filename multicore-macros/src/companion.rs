//! The type that stands beside a function and has its name, unless `type` gives another: what `#[task]` and
//! `#[resource]` share.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Attribute, ItemFn, Visibility};

use crate::function;

/// It stands for its name where tokens are made.
pub(crate) struct Companion {
    cfgs: Vec<Attribute>,
    /// Copied from the function, so that it warns where that would.
    deprecated: Option<Attribute>,
    visibility: Visibility,
    name: Ident,
    function: String,
}

impl Companion {
    pub(crate) fn of(item: &ItemFn, type_name: Option<&Ident>) -> Companion {
        let function = &item.sig.ident;
        // Located at the function's name, and from this expansion: lints about names pass it by.
        let name = type_name.cloned().unwrap_or_else(|| {
            let mut name = function.clone();
            name.set_span(Span::call_site().located_at(function.span()));
            name
        });
        Companion {
            cfgs: function::cfgs(&item.attrs).into_iter().cloned().collect(),
            deprecated: item.attrs.iter().find(|attribute| attribute.path().is_ident("deprecated")).cloned(),
            visibility: item.vis.clone(),
            name,
            function: function.unraw().to_string(),
        }
    }

    /// The function's name as text, for documentation.
    pub(crate) fn function(&self) -> &str {
        &self.function
    }

    /// The type, and beside it what nobody can name: `parts`, in which the runtime crate's hidden module is
    /// `__multicore`.
    pub(crate) fn beside(
        &self,
        krate: &TokenStream,
        documentation: &str,
        parts: &TokenStream,
    ) -> TokenStream {
        let Companion { cfgs, deprecated, visibility, name, .. } = self;
        let quiet = deprecated.as_ref().map(|_| quote!(#[allow(deprecated)]));
        quote! {
            #(#cfgs)*
            #[#krate::__private::__beside(
                #quiet
                const _: () = {
                    use #krate::__private as __multicore;

                    #parts
                };
            )]
            #deprecated
            #[doc = #documentation]
            #visibility enum #name {}
        }
    }
}

impl ToTokens for Companion {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.name.to_tokens(tokens);
    }
}
