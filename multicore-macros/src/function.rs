//! What all attributes on functions share: reading the item, and whose crate it stands in.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, FnArg, Item, ItemFn, Path, Safety, TraitItemFn};

use crate::apart;
use crate::messages::{self, at};
use crate::options::{Errors, Setting};

/// The item as a function; otherwise `None`, and the mistake noted if it is ours to explain.
///
/// Tokens that are no item at all are left to the compiler, which says what is wrong with them when
/// it gets them back.
pub(crate) fn read(attribute: &str, item: &TokenStream, errors: &mut Errors) -> Option<ItemFn> {
    if let Ok(function) = syn::parse2::<ItemFn>(item.clone()) {
        return Some(function);
    }
    if let Ok(method) = syn::parse2::<TraitItemFn>(item.clone()) {
        errors.push(match method.sig.receiver() {
            _ if apart::takes_methods(attribute) => at(&method.sig.ident, messages::apart_no_body(attribute)),
            Some(receiver) => at(receiver, messages::SELF),
            None => at(&method.sig.ident, messages::NO_BODY),
        });
        return None;
    }
    if let Ok(parsed) = syn::parse2::<Item>(item.clone()) {
        let kind = match parsed {
            Item::Struct(_) => "a struct",
            Item::Enum(_) => "an enum",
            Item::Union(_) => "a union",
            Item::Impl(_) if apart::takes_methods(attribute) => {
                "an `impl` block: annotate the functions inside"
            }
            Item::Impl(_) => "an `impl` block: move the function out and annotate it there",
            Item::Trait(_) => "a trait",
            Item::Mod(_) => "a module: annotate the functions inside",
            Item::Const(_) => "a constant",
            Item::Static(_) => "a static",
            Item::Type(_) => "a type alias",
            Item::Macro(_) => "a macro",
            Item::Use(_) => "a `use` declaration: annotate the function where it is defined",
            _ => "this item",
        };
        errors.push(at(item, messages::not_a_function(attribute, kind)));
    }
    None
}

/// The path of the runtime crate: `::multicore`, unless the option `crate` says otherwise.
pub(crate) fn crate_path(setting: Option<&Setting>, errors: &mut Errors) -> TokenStream {
    let path: Option<&Path> =
        setting.and_then(|setting| errors.note(setting.path("crate = path::to::multicore")));
    match path {
        Some(path) => quote!(#path),
        None => quote!(::multicore),
    }
}

/// Attributes that decide whether the item exists; everything beside it must follow them.
pub(crate) fn cfgs(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect()
}

/// What neither tasks nor hooks may be.
pub(crate) fn check_qualifiers(function: &ItemFn, is_async: &str, errors: &mut Errors) {
    let signature = &function.sig;
    if let Some(variadic) = &signature.variadic {
        // Only an `unsafe extern "C"` function can be one, so those are not mistakes of their own.
        errors.push(at(variadic.dots, messages::VARIADIC));
        return;
    }
    if let Some(token) = &signature.asyncness {
        errors.push(at(token, is_async));
    }
    if let Safety::Unsafe(token) = &signature.safety {
        errors.push(at(token, messages::UNSAFE));
    }
    if let Some(abi) = &signature.abi {
        errors.push(at(abi, messages::ABI));
    }
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        errors.push(at(receiver, messages::SELF));
    }
}
