//! What stands beside a resource's function: the companion type with what it takes to borrow the value.

use std::time::Duration;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprClosure, Pat, Type};

use super::model::Resource;

pub(crate) fn resource(resource: &Resource) -> TokenStream {
    let companion = &resource.companion;
    let name = companion.function();
    let documentation =
        format!("The resource `{name}` as a type: `{name}::get()` borrows this worker's value of it.");
    let parts = match &resource.args.r2d2 {
        // Without the feature the one error says so, at the word; nothing else is there to fail.
        Some(word) => {
            let managed = managed(resource);
            quote_spanned!(word.span()=> __multicore::r2d2! { #managed })
        }
        None => own(resource),
    };
    companion.beside(&resource.args.krate, &documentation, &parts)
}

/// A resource that is what its function returns.
fn own(resource: &Resource) -> TokenStream {
    let make = made(resource);
    let make = quote! {
        fn make() -> __multicore::Result<Self::Value, Self::Error> {
            #make
        }
    };
    let check = resource.args.check.as_ref().map(|check| asks("check", check));
    let parts = Parts {
        value: resource.result.value(),
        error: resource.result.error(),
        checks: check.is_some(),
        functions: quote!(#make #check),
    };
    parts.of(resource)
}

/// A resource that is a connection of the manager which its function returns.
fn managed(resource: &Resource) -> TokenStream {
    let manager = resource.result.value();
    let make = made(resource);
    let check = match &resource.args.check {
        Some(check) => asks("check", check),
        None => quote! {
            fn check(value: &mut Self::Value) -> bool {
                __MULTICORE_MANAGER.is_valid(value)
            }
        },
    };
    let functions = quote! {
        fn make() -> __multicore::Result<Self::Value, Self::Error> {
            __MULTICORE_MANAGER.connect(|| #make)
        }

        fn is_broken(value: &mut Self::Value) -> bool {
            __MULTICORE_MANAGER.has_broken(value)
        }

        #check
    };
    let parts = Parts {
        value: quote!(<#manager as __multicore::ManageConnection>::Connection),
        error: Some(quote!(<#manager as __multicore::ManageConnection>::Error)),
        checks: true,
        functions,
    };
    let parts = parts.of(resource);
    quote! {
        static __MULTICORE_MANAGER: __multicore::Manager<#manager> = __multicore::Manager::new();

        #parts
    }
}

/// In what the kinds of resources differ.
struct Parts {
    value: TokenStream,
    /// `None` where making it cannot fail.
    error: Option<TokenStream>,
    /// Whether there is a check.
    checks: bool,
    functions: TokenStream,
}

impl Parts {
    fn of(&self, resource: &Resource) -> TokenStream {
        let Parts { value, error, checks, functions } = self;
        let companion = &resource.companion;
        let failure = error.clone().unwrap_or_else(|| quote!(::core::convert::Infallible));
        let (rules, others) = (rules(resource, *checks), others(resource));
        let borrowed = borrow(resource, value, error.as_ref());
        quote! {
            impl __multicore::Resource for #companion {
                type Value = #value;
                type Error = #failure;
                const RULES: __multicore::Rules = #rules;

                #functions
                #others
            }

            #borrowed
        }
    }
}

/// What the function gives, as a `Result`.
fn made(resource: &Resource) -> TokenStream {
    let Resource { function, result, .. } = resource;
    let (span, ty) = (result.ty.span(), &result.ty);
    if result.is_result {
        // All that asks for a `Result` says so at one place, and so once.
        let mut function = function.clone();
        function.set_span(function.span().located_at(span));
        quote_spanned!(span=> <#ty as __multicore::Makes>::made(#function()))
    } else {
        quote_spanned!(span=> __multicore::Result::Ok(#function()))
    }
}

fn rules(resource: &Resource, checks: bool) -> TokenStream {
    let name = resource.companion.function();
    let args = &resource.args;
    let (max_age, check_idle) = (duration(args.max_age), duration(args.check_idle));
    let (client, resets) = (args.client, args.reset.is_some());
    quote! {
        __multicore::Rules {
            name: ::core::concat!(::core::module_path!(), "::", #name),
            max_age: #max_age,
            check_idle: #check_idle,
            client: #client,
            checks: #checks,
            resets: #resets,
        }
    }
}

/// What is done with a value beside making and checking it.
fn others(resource: &Resource) -> TokenStream {
    let reset = resource.args.reset.as_ref().map(|reset| asks("reset", reset));
    let close = resource.args.on_close.as_ref().map(|close| {
        let said = match close {
            Expr::Closure(_) => over(close, "give", &quote!(value, #close)),
            _ => quote_spanned!(close.span()=> (#close)(value)),
        };
        let closed = over(close, "hook_outcome", &said);
        quote! {
            fn close(value: Self::Value) -> __multicore::Result<(), __multicore::String> {
                #closed
            }
        }
    });
    quote!(#reset #close)
}

/// A function of the trait that asks the user's: a function directly, so that it may take the value either way, a
/// closure by a function that tells it its argument's type.
fn asks(name: &str, function: &Expr) -> TokenStream {
    let name = Ident::new(name, Span::call_site());
    let said = match function {
        Expr::Closure(closure) if only_looks(closure) => over(function, "show", &quote!(value, #function)),
        Expr::Closure(_) => over(function, "lend", &quote!(value, #function)),
        _ => quote_spanned!(function.span()=> (#function)(value)),
    };
    let answer = over(function, "healthy", &said);
    quote! {
        fn #name(value: &mut Self::Value) -> bool {
            #answer
        }
    }
}

/// Whether a closure says that it takes a `&T`.
fn only_looks(closure: &ExprClosure) -> bool {
    let Some(Pat::Type(first)) = closure.inputs.first() else { return false };
    matches!(&*first.ty, Type::Reference(reference) if reference.mutability.is_none())
}

/// A call of a function of ours that stands where the whole of what the user wrote does: an error about it shows
/// all of that.
fn over(written: &Expr, function: &str, arguments: &TokenStream) -> TokenStream {
    let first = written.span();
    let last = written.to_token_stream().into_iter().last().map_or(first, |token| token.span());
    let function = Ident::new(function, first);
    let mut arguments = Group::new(Delimiter::Parenthesis, arguments.clone());
    arguments.set_span(last);
    quote_spanned!(first=> __multicore::#function #arguments)
}

/// The companion's functions.
fn borrow(resource: &Resource, value: &TokenStream, error: Option<&TokenStream>) -> TokenStream {
    let Resource { args, companion, .. } = resource;
    let krate = &args.krate;
    let name = resource.companion.function();
    let [get, with, try_get] = [
        format!("This worker's `{name}`, borrowed; made if there is none."),
        format!("What the closure returns, given this worker's `{name}`; made if there is none."),
        format!(
            "As `get`, and an error where that panics: where `{name}` is borrowed already, or is not to be had."
        ),
    ];
    let panics = "\n\n# Panics\nWhere it is borrowed in this thread already; where it is being made or closed and asks \
                  for itself; while its thread ends; and in the client outside of calls, unless the attribute says \
                  `client`. A panic of its function passes through.";
    let (get, with) = (format!("{get}{panics}"), format!("{with}{panics}"));
    let guard = quote!(#krate::ResourceGuard<#value>);
    let (failure, got, with_result, body, with_body) = match error {
        None => (
            quote!(::core::convert::Infallible),
            quote!(#guard),
            quote!(__MulticoreOutput),
            quote!(match __multicore::get::<Self>() {
                __multicore::Result::Ok(guard) => guard,
                __multicore::Result::Err(never) => match never {},
            }),
            quote!(with(&mut Self::get())),
        ),
        Some(error) => (
            quote!(#error),
            quote!(__multicore::Result<#guard, #error>),
            quote!(__multicore::Result<__MulticoreOutput, #error>),
            quote!(__multicore::get::<Self>()),
            quote!(__multicore::Result::Ok(with(&mut *Self::get()?))),
        ),
    };
    quote! {
        // So none of them is dead code; a crate may forbid even to allow that.
        const _: fn() = || {
            let _ = (#companion::get, #companion::try_get, |with: fn(&mut #value)| #companion::with(with));
        };

        impl #companion {
            #[doc = #get]
            #[track_caller]
            pub fn get() -> #got {
                #body
            }

            #[doc = #with]
            #[track_caller]
            pub fn with<__MulticoreOutput>(
                with: impl ::core::ops::FnOnce(&mut #value) -> __MulticoreOutput,
            ) -> #with_result {
                #with_body
            }

            #[doc = #try_get]
            ///
            /// # Errors
            /// The maker's, or why it cannot be borrowed.
            pub fn try_get() -> __multicore::Result<#guard, #krate::ResourceError<#failure>> {
                __multicore::acquire::<Self>()
            }
        }
    }
}

fn duration(value: Option<Duration>) -> TokenStream {
    match value {
        Some(value) => {
            let millis = u64::try_from(value.as_millis()).unwrap_or(u64::MAX);
            quote!(__multicore::Some(__multicore::Duration::from_millis(#millis)))
        }
        None => quote!(__multicore::None),
    }
}
