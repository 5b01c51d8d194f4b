//! The user's `main`, checked.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, ItemFn, Visibility};

use super::args::Args;
use crate::function;
use crate::messages::{self, at};
use crate::options::Errors;

pub(crate) struct Main {
    pub(crate) args: Args,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    /// `-> Type`, or nothing.
    pub(crate) output: TokenStream,
}

/// Attributes that cannot turn an `async fn main` into an ordinary one.
const INERT: &[&str] = &[
    "allow",
    "cfg",
    "cold",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "forbid",
    "inline",
    "must_use",
    "track_caller",
    "warn",
];

impl Main {
    pub(crate) fn of(args: Args, item: &ItemFn, errors: &mut Errors) -> Option<Main> {
        let signature = &item.sig;
        let mistake = if signature.ident != "main" {
            Some(at(&signature.ident, messages::MAIN_NAME))
        } else if let Some(first) = signature.inputs.first() {
            Some(at(first, messages::MAIN_ARGUMENTS))
        } else {
            signature
                .asyncness
                .filter(|_| item.attrs.iter().all(is_inert))
                .map(|token| at(token, messages::MAIN_ASYNC))
        };
        if let Some(mistake) = mistake {
            errors.push(mistake);
            return None;
        }
        let output = &signature.output;
        Some(Main {
            args,
            cfgs: function::cfgs(&item.attrs).into_iter().cloned().collect(),
            visibility: item.vis.clone(),
            output: quote!(#output),
        })
    }
}

fn is_inert(attribute: &Attribute) -> bool {
    INERT.iter().any(|name| attribute.path().is_ident(name))
}
