//! A resource's function, checked.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, GenericArgument, ItemFn, PathArguments, ReturnType, Safety, Signature, Type};

use super::args::Args;
use crate::companion::Companion;
use crate::messages::{self, at};
use crate::options::Errors;

pub(crate) struct Resource {
    pub(crate) args: Args,
    pub(crate) function: Ident,
    pub(crate) companion: Companion,
    pub(crate) result: Made,
}

/// What the function returns.
pub(crate) struct Made {
    pub(crate) ty: Type,
    /// Whether that is a `Result`, as far as its name tells.
    pub(crate) is_result: bool,
    /// The two types of a `Result<T, E>` that is written out.
    parts: Option<(Type, Type)>,
}

impl Resource {
    pub(crate) fn of(args: Args, item: &ItemFn, errors: &mut Errors) -> Option<Resource> {
        let mut own = Errors::default();
        check(&item.sig, &mut own);
        let result = match &item.sig.output {
            ReturnType::Default => {
                own.push(at(&item.sig.ident, messages::RESOURCE_NOTHING));
                None
            }
            ReturnType::Type(_, ty) => own.note(made(ty)),
        };
        if let Some(error) = own.into_inner() {
            errors.push(error);
            return None;
        }
        Some(Resource {
            companion: Companion::of(item, args.type_name.as_ref()),
            args,
            function: item.sig.ident.clone(),
            result: result?,
        })
    }
}

fn check(signature: &Signature, errors: &mut Errors) {
    if let Some(token) = &signature.asyncness {
        errors.push(at(token, messages::RESOURCE_ASYNC));
    }
    if let Safety::Unsafe(token) = &signature.safety {
        errors.push(at(token, messages::RESOURCE_UNSAFE));
    }
    match signature.inputs.first() {
        Some(FnArg::Receiver(receiver)) => errors.push(at(receiver, messages::RESOURCE_SELF)),
        Some(FnArg::Typed(first)) => errors.push(at(first, messages::RESOURCE_ARGUMENTS)),
        None => {}
    }
    if let Some(first) = signature.generics.params.first() {
        errors.push(at(first, messages::RESOURCE_GENERIC));
    }
}

fn made(ty: &Type) -> syn::Result<Made> {
    match ty {
        Type::ImplTrait(_) => return Err(at(ty, messages::RESOURCE_IMPL)),
        Type::Never(_) => return Err(at(ty, messages::RESOURCE_NOTHING)),
        Type::Tuple(tuple) if tuple.elems.is_empty() => return Err(at(ty, messages::RESOURCE_NOTHING)),
        _ => {}
    }
    let last = match ty {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    };
    let result = last.filter(|last| last.ident.to_string().ends_with("Result"));
    // One by another name may have them the other way round.
    let written = result.filter(|result| result.ident == "Result");
    let parts = written.and_then(|result| parts(&result.arguments));
    Ok(Made { ty: ty.clone(), is_result: result.is_some(), parts })
}

/// The two types of `Result<T, E>`.
fn parts(arguments: &PathArguments) -> Option<(Type, Type)> {
    let PathArguments::AngleBracketed(arguments) = arguments else { return None };
    let mut types = arguments.args.iter();
    match (types.next()?, types.next()?, types.next()) {
        (GenericArgument::Type(value), GenericArgument::Type(error), None) => {
            Some((value.clone(), error.clone()))
        }
        _ => None,
    }
}

impl Made {
    /// The value's type.
    pub(crate) fn value(&self) -> TokenStream {
        match self {
            Made { parts: Some((value, _)), .. } => quote!(#value),
            Made { ty, is_result: true, .. } => {
                quote_spanned!(ty.span()=> <#ty as __multicore::Makes>::Value)
            }
            Made { ty, .. } => quote!(#ty),
        }
    }

    /// The error's type; `None` where there can be none.
    pub(crate) fn error(&self) -> Option<TokenStream> {
        match self {
            Made { parts: Some((_, error)), .. } => Some(quote!(#error)),
            Made { ty, is_result: true, .. } => {
                Some(quote_spanned!(ty.span()=> <#ty as __multicore::Makes>::Error))
            }
            Made { .. } => None,
        }
    }
}
