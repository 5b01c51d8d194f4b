//! A threaded function, checked.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, FnArg, ItemFn, Pat, PatType, Receiver, ReceiverKind, Type};

use super::args::Args;
use crate::apart::Function;
use crate::messages::{self, at};
use crate::options::Errors;

pub(crate) struct Threaded {
    pub(crate) args: Args,
    pub(crate) function: Function,
    pub(crate) receiver: Option<Receiver>,
    pub(crate) arguments: Vec<Argument>,
}

pub(crate) struct Argument {
    pub(crate) attributes: Vec<Attribute>,
    /// What the signature calls it.
    pub(crate) name: Ident,
    /// What the body takes it as.
    pub(crate) pattern: TokenStream,
    pub(crate) ty: Type,
}

impl Threaded {
    pub(crate) fn of(args: Args, item: ItemFn, errors: &mut Errors) -> Option<Threaded> {
        let mut own = Errors::default();
        let mut receiver = None;
        let mut arguments = Vec::new();
        for (position, input) in item.sig.inputs.iter().enumerate() {
            match input {
                FnArg::Receiver(this) if is_borrowed(this) => own.push(at(this, messages::THREADED_SELF)),
                FnArg::Receiver(this) => receiver = Some(this.clone()),
                FnArg::Typed(typed) => arguments.extend(own.note(argument(position, typed))),
            }
        }
        let function = Function::of("threaded", item, &mut own);
        if let Some(error) = own.into_inner() {
            errors.push(error);
            return None;
        }
        Some(Threaded { args, function: function?, receiver, arguments })
    }
}

/// `&self` and `self: &Self`.
fn is_borrowed(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Reference(..) => true,
        ReceiverKind::Typed(_, ty) => matches!(**ty, Type::Reference(_)),
        _ => false,
    }
}

fn argument(position: usize, typed: &PatType) -> syn::Result<Argument> {
    if let Type::Reference(reference) = &*typed.ty
        && reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static")
    {
        return Err(at(reference, messages::THREADED_REFERENCE));
    }
    let pattern = &typed.pat;
    let name = match &**pattern {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => name.ident.clone(),
        _ => format_ident!("argument_{position}", span = Span::mixed_site()),
    };
    Ok(Argument { attributes: typed.attrs.clone(), name, pattern: quote!(#pattern), ty: (*typed.ty).clone() })
}
