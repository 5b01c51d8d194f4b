//! What `#[forked]` and `#[threaded]` share: a function whose body runs apart from its caller.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{
    AttrStyle, Attribute, Block, FnArg, ItemFn, LitStr, ReturnType, Safety, Signature, Type, Visibility,
};

use crate::messages::{self, at};
use crate::options::{Errors, Setting};

/// Whether functions with `self` may have the attribute.
pub(crate) fn takes_methods(attribute: &str) -> bool {
    matches!(attribute, "forked" | "threaded")
}

/// The function in the parts that the expansion puts together again.
pub(crate) struct Function {
    /// Those that stand before it.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// Those that begin its body; a closure's body may have none.
    pub(crate) inner: Vec<Attribute>,
    /// The body's statements.
    pub(crate) body: TokenStream,
    /// What it returns.
    pub(crate) result: TokenStream,
    /// `-> Type`, where the user wrote it.
    pub(crate) output: TokenStream,
}

impl Function {
    /// Checks what neither of the two may be.
    pub(crate) fn of(attribute: &str, item: ItemFn, errors: &mut Errors) -> Option<Function> {
        let mut own = Errors::default();
        check(attribute, &item.sig, &mut own);
        if let Some(error) = own.into_inner() {
            errors.push(error);
            return None;
        }
        let ItemFn { attrs, vis: visibility, sig: signature, block, .. } = item;
        let (attributes, inner): (Vec<_>, Vec<_>) =
            attrs.into_iter().partition(|attribute| matches!(attribute.style, AttrStyle::Outer));
        let Block { stmts, .. } = *block;
        let body = quote!(#(#stmts)*);
        let output = &signature.output;
        let (result, output) = match output {
            ReturnType::Default => (quote!(()), quote!()),
            ReturnType::Type(_, ty) => (quote!(#ty), quote!(#output)),
        };
        Some(Function { attributes, visibility, signature, inner, body, result, output })
    }

    /// The function's name as text.
    pub(crate) fn name(&self) -> String {
        self.signature.ident.unraw().to_string()
    }

    /// As the user wrote it, with another result and body.
    pub(crate) fn with(&self, inputs: &TokenStream, result: &TokenStream, body: &TokenStream) -> TokenStream {
        let Function { attributes, visibility, signature, inner, .. } = self;
        let Signature { ident, generics, .. } = signature;
        let parameters = (!generics.params.is_empty()).then(|| {
            let parameters = &generics.params;
            quote!(<#parameters>)
        });
        let conditions = &generics.where_clause;
        quote! {
            #(#attributes)*
            #visibility fn #ident #parameters (#inputs) -> #result #conditions {
                #(#inner)*
                #body
            }
        }
    }
}

fn check(attribute: &str, signature: &Signature, errors: &mut Errors) {
    if let Some(variadic) = &signature.variadic {
        errors.push(at(variadic.dots, messages::apart_variadic(attribute)));
        return;
    }
    if let Some(token) = &signature.constness {
        errors.push(at(token, messages::apart_const(attribute)));
    }
    if let Some(token) = &signature.asyncness {
        errors.push(at(token, messages::apart_async(attribute)));
    }
    if let Safety::Unsafe(token) = &signature.safety {
        errors.push(at(token, messages::apart_unsafe(attribute)));
    }
    if let Some(abi) = &signature.abi {
        errors.push(at(abi, messages::apart_abi(attribute)));
    }
    if let ReturnType::Type(_, ty) = &signature.output {
        match &**ty {
            Type::ImplTrait(_) => errors.push(at(ty, messages::apart_impl_result(attribute))),
            Type::Never(_) => errors.push(at(ty, messages::apart_never(attribute))),
            _ => {}
        }
    }
}

/// The option `name`.
pub(crate) fn name(setting: &Setting, example: &str) -> syn::Result<LitStr> {
    let literal = setting.text(example)?;
    match literal.value() {
        text if text.trim().is_empty() => Err(at(literal, messages::NAME_EMPTY)),
        text if text.contains('\0') => Err(at(literal, messages::NAME_ZERO)),
        _ => Ok(literal.clone()),
    }
}

/// The arguments as they were written.
pub(crate) fn inputs(signature: &Signature) -> TokenStream {
    let inputs: Vec<&FnArg> = signature.inputs.iter().collect();
    quote!(#(#inputs),*)
}
