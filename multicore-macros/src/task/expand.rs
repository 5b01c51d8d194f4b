//! What stands beside a task function: the companion type, its registration, the probes.
//!
//! Generated names that the user's code could see are the companion's and `__multicore…` ones inside
//! an anonymous constant; local variables have the macro's hygiene, so a function may be named like
//! one of them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::args::Codec;
use super::model::{Argument, Task};
use super::types::Form;

pub(crate) fn task(task: &Task) -> TokenStream {
    let Task { args, cfgs, deprecated, visibility, companion, .. } = task;
    let krate = &args.krate;
    let documentation =
        format!("The task function `{0}` as a type: `{0}::call(…)` makes a call of it.", task.name());
    let quiet = deprecated.as_ref().map(|_| quote!(#[allow(deprecated)]));
    let parts = [call(task), task_fn(task), call_with(task), registration(task), probes(task)];
    quote! {
        #(#cfgs)*
        #deprecated
        #[doc = #documentation]
        #visibility enum #companion {}

        #(#cfgs)*
        #quiet
        const _: () = {
            use #krate::__private as __multicore;
            use #krate::__private::traits::*;

            #(#parts)*
        };
    }
}

/// A local variable that no name of the user's can be or capture.
fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The inherent `call`.
fn call(task: &Task) -> TokenStream {
    let Task { function, companion, arguments, .. } = task;
    let documentation =
        format!("A call of [`{0}`](fn@{0}) with these arguments; it runs once it is spawned.", task.name());
    let names: Vec<_> = arguments.iter().map(|argument| &argument.name).collect();
    let borrows = arguments.iter().any(|argument| argument.form == Form::Lent);
    let (generics, lifetime) =
        if borrows { (quote!(<'call>), quote!('call)) } else { (quote!(), quote!('static)) };
    let parameters = arguments.iter().map(|argument| {
        let (name, ty) = (&argument.name, call_type(argument));
        quote!(#name: #ty)
    });
    let result = result_type(task);
    let (encoder, all, reply) = (local("encoder"), local("all"), local("reply"));
    let result_route = route(&result, Form::Owned);
    let count = arguments.len();
    let puts = arguments.iter().map(|Argument { name, form, ty }| {
        let route = route(&quote!(#ty), *form);
        let value = match form {
            Form::Owned => quote!(#name),
            Form::Lent => quote!(*#name),
        };
        quote!(#all.add(__multicore::put(#route, #value, #encoder));)
    });
    let invocation = invoke(task, &quote!(#function(#(#names),*)));
    quote! {
        impl #companion {
            #[doc = #documentation]
            pub fn call #generics (#(#parameters),*) -> __multicore::Call<#lifetime, #result> {
                __multicore::call(
                    <Self as __multicore::TaskFn>::entry(),
                    (#(#names,)*),
                    |(#(#names,)*), #encoder| {
                        let mut #all = __multicore::All::new();
                        #all.add(__multicore::check_raw(#result_route, #count, #encoder));
                        #(#puts)*
                        #all.end()
                    },
                    |(#(#names,)*)| #invocation,
                    |#reply| __multicore::take_result(#result_route, #reply),
                )
            }
        }
    }
}

/// `TaskFn`, with the static that describes the task.
fn task_fn(task: &Task) -> TokenStream {
    let Task { args, function, companion, signature, .. } = task;
    let krate = &args.krate;
    let result = result_type(task);
    let name = option(args.name.as_ref().map(|name| quote!(#name)));
    let timeout = option(args.timeout.map(|timeout| {
        let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        quote!(__multicore::Duration::from_millis(#millis))
    }));
    let (retries, isolate) = (args.retries, args.isolate);
    let codec = match &args.codec {
        Codec::Bincode => quote!(__multicore::Codec::Bincode),
        // At the literal, where the error about the missing feature belongs.
        Codec::Json(literal) => quote_spanned!(literal.span()=> #krate::__private::json!()),
        Codec::Raw(_) => quote!(__multicore::Codec::Raw),
    };
    let place = quote_spanned!(function.span()=> __multicore::here());
    let run = run(task);
    quote! {
        static __MULTICORE_ENTRY: __multicore::Entry = __multicore::Entry::new(__multicore::Declared {
            name: #name,
            type_name: __multicore::type_name::<#companion>,
            signature: #signature,
            package: ::core::option_env!("CARGO_PKG_NAME"),
            version: ::core::option_env!("CARGO_PKG_VERSION"),
            place: #place,
            timeout: #timeout,
            retries: #retries,
            isolate: #isolate,
            codec: #codec,
            run: #run,
        });

        impl __multicore::TaskFn for #companion {
            type Output = #result;

            fn entry() -> &'static __multicore::Entry {
                &__MULTICORE_ENTRY
            }
        }
    }
}

/// What a worker does: decodes, runs, encodes.
fn run(task: &Task) -> TokenStream {
    let Task { function, arguments, .. } = task;
    let (invocation, input, output) = (local("invocation"), local("input"), local("output"));
    let takes = arguments.iter().map(|Argument { name, form, ty }| {
        let route = route(&quote!(#ty), *form);
        quote!(let #name = __multicore::take(#route, &mut #input)?;)
    });
    let values = arguments.iter().map(|Argument { name, form, .. }| match form {
        Form::Owned => quote!(#name),
        Form::Lent => quote!(&*#name),
    });
    let call = invoke(task, &quote!(#function(#(#values),*)));
    let result_route = route(&result_type(task), Form::Owned);
    quote! {
        |#invocation| {
            let mut #input = #invocation.input();
            #(#takes)*
            #input.finish()?;
            let #output = #call;
            __multicore::put_result(#result_route, &#output, #invocation)
        }
    }
}

/// The call by a tuple, for code that is generic over chunk functions.
fn call_with(task: &Task) -> TokenStream {
    let Task { companion, arguments, .. } = task;
    let names: Vec<_> = arguments.iter().map(|argument| &argument.name).collect();
    let types = arguments.iter().map(call_type);
    let tuple = quote!((#(#types,)*));
    quote! {
        impl<'call> __multicore::CallWith<'call, #tuple> for #companion {
            fn call_with((#(#names,)*): #tuple) -> __multicore::Call<'call, <Self as __multicore::TaskFn>::Output> {
                Self::call(#(#names),*)
            }
        }
    }
}

fn registration(task: &Task) -> TokenStream {
    let krate = &task.args.krate;
    quote!(#krate::__private::register!(Task, &__MULTICORE_ENTRY);)
}

/// One check per type, spanned on the type; see `multicore::private::probe`.
fn probes(task: &Task) -> TokenStream {
    let raw = matches!(task.args.codec, Codec::Raw(_));
    let arguments = task.arguments.iter().map(|Argument { form, ty, .. }| {
        let marker = marker(*form, ty.span());
        if raw {
            quote_spanned!(ty.span()=> __multicore::raw_argument_must_be_plain::<#ty>();)
        } else {
            quote_spanned!(ty.span()=> __multicore::argument_must_be_serializable(
                (&&__multicore::#marker::<#ty>::NEW).__multicore_probe()
            );)
        }
    });
    let ty = &task.result;
    let result = if raw {
        quote_spanned!(ty.span()=> __multicore::raw_result_must_be_plain::<#ty>();)
    } else if task.args.text {
        quote_spanned! {ty.span()=>
            __multicore::result_must_be_serializable(
                (&&__multicore::Owned::<#ty>::NEW).__multicore_probe()
            );
            __multicore::error_must_become_text(
                (&&__multicore::ErrorType::<__multicore::ErrOf<#ty>>::NEW).__multicore_probe_text()
            );
        }
    } else {
        quote_spanned! {ty.span()=>
            __multicore::result_must_be_serializable(
                (&&__multicore::Owned::<#ty>::NEW).__multicore_probe()
            );
            __multicore::error_must_be_serializable(
                (&__multicore::Owned::<#ty>::NEW).__multicore_probe_error()
            );
        }
    };
    quote! {
        const _: fn() = || {
            #(#arguments)*
            #result
        };
    }
}

/// The function's value as the call's result.
fn invoke(task: &Task, call: &TokenStream) -> TokenStream {
    if !task.args.text {
        return call.clone();
    }
    let (error, ty) = (local("error"), &task.result);
    quote! {
        __multicore::text_result(#call, |#error| {
            (&&__multicore::ErrorType::<__multicore::ErrOf<#ty>>::NEW).__multicore_text(#error)
        })
    }
}

/// What a call gives back.
fn result_type(task: &Task) -> TokenStream {
    let ty = &task.result;
    if task.args.text {
        quote!(__multicore::Result<__multicore::OkOf<#ty>, __multicore::TextError>)
    } else {
        quote!(#ty)
    }
}

/// An argument as `call` takes it.
fn call_type(argument: &Argument) -> TokenStream {
    let ty = &argument.ty;
    match argument.form {
        Form::Owned => quote!(#ty),
        Form::Lent => quote!(&'call #ty),
    }
}

/// The expression whose type says how a type travels; see `multicore::private::route`.
fn route(ty: &TokenStream, form: Form) -> TokenStream {
    let marker = marker(form, Span::call_site());
    quote!((&&&__multicore::#marker::<#ty>::NEW).__multicore_route())
}

fn marker(form: Form, span: Span) -> Ident {
    Ident::new(if form == Form::Owned { "Owned" } else { "Lent" }, span)
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(__multicore::Some(#value)),
        None => quote!(__multicore::None),
    }
}
