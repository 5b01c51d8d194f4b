//! A hook's function, checked.

use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, FnArg, ItemFn};

use super::Kind;
use crate::function;
use crate::messages::{self, at};
use crate::options::Errors;

pub(crate) struct Hook {
    pub(crate) kind: Kind,
    pub(crate) krate: TokenStream,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) name: Ident,
    /// The return type, for the place of an error about it.
    pub(crate) output: TokenStream,
}

impl Hook {
    pub(crate) fn of(kind: Kind, krate: TokenStream, item: &ItemFn, errors: &mut Errors) -> Option<Hook> {
        let mut own = Errors::default();
        function::check_qualifiers(item, &messages::hook_async(kind.attribute()), &mut own);
        if let Some(FnArg::Typed(first)) = item.sig.inputs.first() {
            own.push(at(first, messages::HOOK_ARGUMENTS));
        }
        if let Some(first) = item.sig.generics.params.first() {
            own.push(at(first, messages::HOOK_GENERIC));
        }
        if let Some(error) = own.into_inner() {
            errors.push(error);
            return None;
        }
        let output = match &item.sig.output {
            syn::ReturnType::Default => quote::quote!(()),
            syn::ReturnType::Type(_, ty) => quote::quote!(#ty),
        };
        Some(Hook {
            kind,
            krate,
            cfgs: function::cfgs(&item.attrs).into_iter().cloned().collect(),
            name: item.sig.ident.clone(),
            output,
        })
    }
}
