//! What a task's types may be, as far as their tokens tell.
//!
//! Whether a type can be serialised only the compiler knows; the probes ask it. Here is what would
//! otherwise be an error somewhere in the expansion.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Type, parse_quote_spanned};

use crate::messages::{self, at};

/// How an argument is taken, with the type that travels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `T`.
    Owned,
    /// `&T`: the caller's value is borrowed, and so is the worker's.
    Lent,
}

/// The form of an argument's type and the type without the reference.
pub(crate) fn argument(ty: &Type) -> syn::Result<(Form, Type)> {
    let bare = ungrouped(ty);
    let (form, inner) = match bare {
        Type::Reference(reference) => {
            if let Some(token) = &reference.mutability {
                return Err(syn::Error::new(token.span, messages::MUT_REFERENCE));
            }
            if let Some(lifetime) = reference.lifetime.as_ref().filter(|lifetime| lifetime.ident == "static")
            {
                return Err(at(lifetime, messages::STATIC_REFERENCE));
            }
            (Form::Lent, ungrouped(&reference.elem))
        }
        other => (Form::Owned, other),
    };
    match inner {
        Type::Ptr(pointer) => return Err(at(pointer, messages::RAW_POINTER)),
        Type::Never(never) => return Err(at(never, messages::NEVER)),
        _ => {}
    }
    let borrowed = Borrowed { reference: messages::INNER_REFERENCE, lifetime: messages::INNER_LIFETIME };
    check(inner, messages::IMPL_ARGUMENT, &borrowed)?;
    Ok((form, inner.clone()))
}

/// What a function returns.
pub(crate) struct Returned {
    /// What a call of it gives back.
    pub(crate) ty: Type,
    /// Text or a slice, where the function returns a reference to it.
    pub(crate) lent: Option<Type>,
}

/// What a function of this result type returns; `may_lend` says whether it can be a reference.
pub(crate) fn result(ty: &Type, may_lend: bool) -> syn::Result<Returned> {
    let borrowed = Borrowed { reference: messages::RESULT_REFERENCE, lifetime: messages::RESULT_LIFETIME };
    let bare = ungrouped(ty);
    let returned = match bare {
        Type::Ptr(pointer) => return Err(at(pointer, messages::RAW_POINTER)),
        Type::Never(never) => return Err(at(never, messages::NEVER)),
        Type::Reference(reference) if may_lend && reference.mutability.is_none() => lent(&reference.elem),
        _ => None,
    };
    let returned = returned.unwrap_or_else(|| Returned { ty: ty.clone(), lent: None });
    check(&returned.ty, messages::IMPL_RESULT, &borrowed)?;
    Ok(returned)
}

/// Text and slices have an owned type that travels in the same form.
fn lent(elem: &Type) -> Option<Returned> {
    let lent = ungrouped(elem).clone();
    let span = lent.span();
    let ty = match &lent {
        Type::Slice(slice) => {
            let elem = &slice.elem;
            parse_quote_spanned!(span=> __multicore::Vec<#elem>)
        }
        Type::Path(path) if path.qself.is_none() && path.path.is_ident("str") => {
            parse_quote_spanned!(span=> __multicore::String)
        }
        _ => return None,
    };
    Some(Returned { ty, lent: Some(lent) })
}

struct Borrowed {
    reference: &'static str,
    lifetime: &'static str,
}

fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        other => other,
    }
}

/// Looks through the tokens, because a lifetime can hide at any depth.
fn check(ty: &Type, impl_trait: &str, borrowed: &Borrowed) -> syn::Result<()> {
    match first_mistake(ty.to_token_stream()) {
        None => Ok(()),
        Some(Mistake::Impl(span)) => Err(syn::Error::new(span, impl_trait)),
        Some(Mistake::SelfType(ident)) => Err(at(ident, messages::SELF_TYPE)),
        Some(Mistake::Reference(reference)) => Err(at(reference, borrowed.reference)),
        Some(Mistake::Lifetime(lifetime)) => Err(at(lifetime, borrowed.lifetime)),
    }
}

enum Mistake {
    Impl(Span),
    SelfType(Ident),
    Reference(TokenStream),
    Lifetime(TokenStream),
}

fn first_mistake(tokens: TokenStream) -> Option<Mistake> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Ident(ident) if ident == "impl" => return Some(Mistake::Impl(ident.span())),
            TokenTree::Ident(ident) if ident == "Self" => return Some(Mistake::SelfType(ident.clone())),
            // A function pointer's own references borrow nothing; that it cannot travel is the probe's
            // to say.
            TokenTree::Ident(ident)
                if ident == "fn" || ident == "Fn" || ident == "FnMut" || ident == "FnOnce" =>
            {
                return None;
            }
            TokenTree::Punct(punct) if punct.as_char() == '&' => {
                let mut reference = token.to_token_stream();
                reference.extend(tokens.peek().cloned());
                return Some(Mistake::Reference(reference));
            }
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                let name = tokens.next()?;
                if !matches!(&name, TokenTree::Ident(ident) if ident == "static") {
                    let mut lifetime = token.to_token_stream();
                    lifetime.extend([name]);
                    return Some(Mistake::Lifetime(lifetime));
                }
            }
            TokenTree::Group(group) if group.delimiter() != Delimiter::Brace => {
                if let Some(mistake) = first_mistake(group.stream()) {
                    return Some(mistake);
                }
            }
            _ => {}
        }
    }
    None
}

/// Types as text with the same spaces whoever prints them, for IDs and listings.
pub(crate) fn text(tokens: TokenStream) -> String {
    let mut text = String::new();
    let mut after_word = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                text.push_str(&self::text(group.stream()));
                text.push_str(close);
                after_word = false;
            }
            TokenTree::Punct(punct) => {
                text.push(punct.as_char());
                if matches!(punct.as_char(), ',' | ';') {
                    text.push(' ');
                }
                after_word = false;
            }
            word => {
                if after_word {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
                after_word = true;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_without_needless_spaces() {
        let types: TokenStream = "& [ Vec < u8 > ], Box < dyn Fn ( u32 ) -> [ u8 ; 3 ] >".parse().unwrap();
        assert_eq!(text(types), "&[Vec<u8>], Box<dyn Fn(u32)->[u8; 3]>");
    }

    #[test]
    fn what_is_borrowed_is_found_at_any_depth() {
        let check = |ty: &str| result(&syn::parse_str(ty).unwrap(), true).is_ok();
        assert!(check("HashMap<String, Cow<'static, str>>"));
        assert!(!check("HashMap<String, (u8, Cow<'_, str>)>"));
        assert!(!check("Vec<[&u8; 2]>"));
        assert!(!check("Option<impl Iterator>"));
    }

    #[test]
    fn text_and_slices_are_lent() {
        let lent = |ty: &str, may_lend| {
            let returned = result(&syn::parse_str(ty).unwrap(), may_lend).ok()?;
            returned.lent.map(|_| text(returned.ty.to_token_stream()))
        };
        assert_eq!(lent("&str", true).as_deref(), Some("__multicore::String"));
        assert_eq!(lent("&'a [Row]", true).as_deref(), Some("__multicore::Vec<Row>"));
        assert_eq!(lent("(&'static [u8])", true).as_deref(), Some("__multicore::Vec<u8>"));
        for other in ["&[&u8]", "&mut [u8]", "&Vec<u8>", "&[Cow<'_, str>]", "Vec<u8>"] {
            assert_eq!(lent(other, true), None, "{other}");
        }
        assert_eq!(lent("&str", false), None);
    }
}
