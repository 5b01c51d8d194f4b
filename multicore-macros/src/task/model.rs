//! A task function, checked: all that the expansion needs, and nothing that it could refuse.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{FnArg, GenericParam, ItemFn, Pat, PatType, ReturnType, Type};

use super::args::{Args, Codec};
use super::types::{self, Form, Returned};
use crate::companion::Companion;
use crate::function;
use crate::messages::{self, at};
use crate::options::Errors;

pub(crate) struct Task {
    pub(crate) args: Args,
    pub(crate) function: Ident,
    pub(crate) companion: Companion,
    pub(crate) arguments: Vec<Argument>,
    /// What a call gives back.
    pub(crate) result: Type,
    /// The text or slice, where the function returns a reference to it.
    pub(crate) lent_result: Option<Type>,
    /// The argument and result types as written.
    pub(crate) signature: String,
}

pub(crate) struct Argument {
    /// For `call`: the user's name at the user's place, but visible to nothing of the user's.
    pub(crate) name: Ident,
    pub(crate) form: Form,
    /// What travels: without the reference.
    pub(crate) ty: Type,
}

impl Task {
    pub(crate) fn of(args: Args, item: &ItemFn, errors: &mut Errors) -> Option<Task> {
        let mut own = Errors::default();
        let function = &item.sig.ident;
        function::check_qualifiers(item, messages::ASYNC, &mut own);
        check_generics(item, &mut own);
        let arguments: Vec<_> = item
            .sig
            .inputs
            .iter()
            .enumerate()
            .filter_map(|(at, input)| match input {
                FnArg::Typed(typed) => own.note(argument(at, typed)),
                FnArg::Receiver(_) => None,
            })
            .collect();
        let returned = match &item.sig.output {
            ReturnType::Default => Some(Returned { ty: unit(function.span()), lent: None }),
            // With errors as text it has to be a `Result`.
            ReturnType::Type(_, ty) => own.note(types::result(ty, !args.text)),
        };
        if let (true, Codec::Raw(literal)) = (own.is_empty() && arguments.len() != 1, &args.codec) {
            own.push(match item.sig.inputs.iter().nth(1) {
                Some(second) => at(second, messages::raw_arguments(arguments.len())),
                None => at(literal, messages::raw_arguments(0)),
            });
        }
        if let Some(error) = own.into_inner() {
            errors.push(error);
            return None;
        }
        let Returned { ty: result, lent: lent_result } = returned?;
        Some(Task {
            companion: Companion::of(item, args.type_name.as_ref()),
            args,
            function: function.clone(),
            signature: signature(item),
            arguments,
            result,
            lent_result,
        })
    }
}

fn check_generics(item: &ItemFn, errors: &mut Errors) {
    let mistake = item.sig.generics.params.iter().find_map(|parameter| match parameter {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(ty) => Some(at(&ty.ident, messages::GENERIC_TYPE)),
        GenericParam::Const(constant) => Some(at(&constant.ident, messages::GENERIC_CONST)),
    });
    if let Some(mistake) = mistake {
        errors.push(mistake);
    }
}

fn argument(position: usize, typed: &PatType) -> syn::Result<Argument> {
    if let Some(cfg) = typed
        .attrs
        .iter()
        .find(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr"))
    {
        return Err(at(cfg, messages::CONDITIONAL_ARGUMENT));
    }
    let name = match &*typed.pat {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
            let mut ident = name.ident.clone();
            ident.set_span(Span::mixed_site().located_at(ident.span()));
            ident
        }
        Pat::Wild(_) => format_ident!("argument_{position}", span = Span::mixed_site()),
        other => return Err(at(other, messages::PATTERN)),
    };
    let (form, ty) = types::argument(&typed.ty)?;
    Ok(Argument { name, form, ty })
}

/// `()`, at the function's name, because that is where an error about it would have to stand.
fn unit(span: Span) -> Type {
    Type::Tuple(syn::TypeTuple {
        attrs: Vec::new(),
        paren_token: syn::token::Paren(span),
        elems: Default::default(),
    })
}

fn signature(item: &ItemFn) -> String {
    let arguments: Vec<TokenStream> = item
        .sig
        .inputs
        .iter()
        .filter_map(|input| match input {
            FnArg::Typed(PatType { ty, .. }) => Some(quote!(#ty)),
            FnArg::Receiver(_) => None,
        })
        .collect();
    let arguments = arguments.into_iter().map(types::text).collect::<Vec<_>>().join(", ");
    match &item.sig.output {
        ReturnType::Default => format!("({arguments})"),
        ReturnType::Type(_, ty) => format!("({arguments}) -> {}", types::text(quote!(#ty))),
    }
}
