//! What stands beside a task function: the companion type, its registration, the probes.
//!
//! Generated names that the user's code could see are the companion's and `__multicore…` ones inside
//! an anonymous constant; local variables have the macro's hygiene, so a function may be named like
//! one of them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::args::Codec;
use super::model::{Argument, Task};
use super::types::Form;

pub(crate) fn task(task: &Task) -> TokenStream {
    let Task { args, companion, .. } = task;
    let krate = &args.krate;
    let name = companion.function();
    let documentation =
        format!("The task function `{name}` as a type: `{name}::call(…)` makes a call of it.");
    let parts = [call(task), map(task), task_fn(task), call_with(task), probes(task)];
    let parts = quote! {
        use #krate::__private::traits::*;

        #(#parts)*
    };
    companion.beside(krate, &documentation, &parts)
}

/// A local variable that no name of the user's can capture, and that is no argument's name.
fn local(name: &str) -> Ident {
    Ident::new(&format!("__multicore_{name}"), Span::mixed_site())
}

/// Where generated tokens stand: with `error = "text"` at the result's type, so that if that is no
/// `Result`, which shows in many of them, it is one error at one place.
fn span(task: &Task) -> Span {
    if task.args.text { Span::call_site().located_at(task.result.span()) } else { Span::call_site() }
}

/// The inherent `call`.
fn call(task: &Task) -> TokenStream {
    let Task { companion, arguments, .. } = task;
    let documentation =
        format!("A call of `{0}` with these arguments; it runs once it is spawned.", companion.function());
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
    let result_route = route(span(task), &result, Form::Owned);
    let count = arguments.len();
    let puts = arguments.iter().map(|Argument { name, form, ty }| {
        let route = route(span(task), &quote!(#ty), *form);
        let value = match form {
            Form::Owned => quote!(#name),
            Form::Lent => quote!(*#name),
        };
        quote!(#all.add(__multicore::put(#route, #value, #encoder));)
    });
    let invocation = result_here(task, &scoped(task, &run_here(task)));
    quote_spanned! {span(task)=>
        impl #companion {
            #[doc = #documentation]
            pub fn call #generics (#(#parameters),*) -> __multicore::Call<#lifetime, #result> {
                __multicore::call(
                    <Self as __multicore::TaskFn>::entry(),
                    (#(#names,)*),
                    |(#(#names,)*), #encoder: &mut __multicore::Encoder<'_, '_>| {
                        let mut #all = __multicore::All::new();
                        #all.add(__multicore::check_raw(#result_route, #count, #encoder));
                        #(#puts)*
                        #all.end()
                    },
                    |(#(#names,)*)| #invocation,
                    |#reply: __multicore::Reply<'_>| __multicore::take_result(#result_route, #reply),
                )
            }
        }
    }
}

/// The inherent `map`, of a task of one argument.
fn map(task: &Task) -> TokenStream {
    let Task { companion, arguments, .. } = task;
    let [argument] = &arguments[..] else { return TokenStream::new() };
    let documentation = format!(
        "Calls of `{0}` with each of these items, results in order: `multicore::map`.",
        companion.function()
    );
    let (generics, lifetime) = match argument.form {
        Form::Lent => (quote!('call,), quote!('call)),
        Form::Owned => (quote!(), quote!('static)),
    };
    let (item, result) = (call_type(argument), result_type(task));
    let (source, items) = (Ident::new("__MulticoreItems", Span::mixed_site()), local("items"));
    quote_spanned! {span(task)=>
        impl #companion {
            #[doc = #documentation]
            pub fn map<#generics #source>(#items: #source) -> __multicore::Mapping<#lifetime, #source, #item, #result>
            where
                #source: ::core::iter::IntoIterator<Item = #item>,
            {
                __multicore::mapping(#items, Self::call)
            }
        }
    }
}

/// `TaskFn`, with the static that describes the task.
fn task_fn(task: &Task) -> TokenStream {
    let Task { args, function, companion, signature, .. } = task;
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
        Codec::Json(literal) => quote_spanned!(literal.span()=> __multicore::json!()),
        Codec::Raw(_) => quote!(__multicore::Codec::Raw),
    };
    let place = quote_spanned!(function.span()=> __multicore::here());
    let run = run(task);
    quote_spanned! {span(task)=>
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

        __multicore::register!(Task, &__MULTICORE_ENTRY);

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
        let route = route(span(task), &quote!(#ty), *form);
        quote!(let #name = __multicore::take(#route, &mut #input)?;)
    });
    let values = arguments.iter().map(|Argument { name, form, .. }| match form {
        Form::Owned => quote!(#name),
        Form::Lent => quote!(&*#name),
    });
    let call = invoke(task, &scoped(task, &quote!(#function(#(#values),*))));
    let put = match &task.lent_result {
        Some(lent) => {
            let route = route(span(task), &quote!(#lent), Form::Lent);
            quote!(put_lent_result(#route, #output, #invocation))
        }
        None => {
            let route = route(span(task), &result_type(task), Form::Owned);
            quote!(put_result(#route, &#output, #invocation))
        }
    };
    quote_spanned! {span(task)=>
        |#invocation: __multicore::Invocation<'_, '_, '_>| {
            let mut #input = #invocation.input();
            #(#takes)*
            #input.finish()?;
            let #output = #call;
            __multicore::#put
        }
    }
}

/// The call by a tuple, for code that is generic over task functions.
fn call_with(task: &Task) -> TokenStream {
    let Task { companion, arguments, .. } = task;
    let names: Vec<_> = arguments.iter().map(|argument| &argument.name).collect();
    let types = arguments.iter().map(call_type);
    let tuple = quote!((#(#types,)*));
    // Part of a call whose scope stands around all of its steps.
    let invocation = result_here(task, &run_here(task));
    quote_spanned! {span(task)=>
        impl<'call> __multicore::CallWith<'call, #tuple> for #companion {
            fn call_with((#(#names,)*): #tuple) -> __multicore::Call<'call, <Self as __multicore::TaskFn>::Output> {
                Self::call(#(#names),*)
            }

            #[inline]
            fn run_with((#(#names,)*): #tuple) -> <Self as __multicore::TaskFn>::Output {
                #invocation
            }
        }
    }
}

/// One check per type, spanned on the type; see `multicore::private::probe`.
fn probes(task: &Task) -> TokenStream {
    let raw = matches!(task.args.codec, Codec::Raw(_));
    let arguments = task.arguments.iter().map(|Argument { form, ty, .. }| {
        if raw {
            quote_spanned!(ty.span()=> __multicore::raw_argument_must_be_plain::<#ty>();)
        } else {
            let marker = marker(*form, ty.span());
            probe("argument_must_be_serializable", ty, &quote!(#marker), "__multicore_probe")
        }
    });
    let ty = &task.result;
    let result = if raw {
        quote_spanned!(ty.span()=> __multicore::raw_result_must_be_plain::<#ty>();)
    } else {
        let value = probe("result_must_be_serializable", ty, &quote!(Owned), "__multicore_probe");
        let error = if task.args.text {
            probe("error_must_become_text", ty, &quote!(Returned), "__multicore_probe_text")
        } else {
            probe("error_must_be_serializable", ty, &quote!(Owned), "__multicore_probe_error")
        };
        quote!(#value #error)
    };
    quote! {
        const _: fn() = || {
            #(#arguments)*
            #result
        };
    }
}

/// `function((&&&Marker::<Type>::NEW).method())`, the argument covering the whole type: its first
/// token has the place of the type's first, its last that of the type's last.
fn probe(function: &str, ty: &Type, marker: &TokenStream, method: &str) -> TokenStream {
    let first = ty.span();
    let last = ty.to_token_stream().into_iter().last().map_or(first, |token| token.span());
    let (function, method) = (Ident::new(function, first), Ident::new(method, last));
    let marked = quote_spanned!(first=> (&&&__multicore::#marker::<#ty>::NEW));
    let asked = quote_spanned!(last=> .#method());
    quote_spanned!(first=> __multicore::#function(#marked #asked);)
}

/// The call within the scope that the rules of resources go by.
fn scoped(task: &Task, call: &TokenStream) -> TokenStream {
    let (scope, returned) = (local("scope"), local("returned"));
    quote_spanned! {span(task)=>
        {
            let #scope = __multicore::Scope::enter();
            let #returned = #call;
            #scope.end((&&__multicore::Seen(&#returned)).__multicore_failed());
            #returned
        }
    }
}

/// The function's value as the call's result.
fn invoke(task: &Task, call: &TokenStream) -> TokenStream {
    if !task.args.text {
        return call.clone();
    }
    let ty = &task.result;
    quote_spanned!(span(task)=> (&&&__multicore::Returned::<#ty>::NEW).__multicore_text(#call))
}

/// The function, run with what `call` takes.
fn run_here(task: &Task) -> TokenStream {
    let Task { function, arguments, .. } = task;
    let names = arguments.iter().map(|argument| &argument.name);
    quote!(#function(#(#names),*))
}

/// What that returns as the call's result.
fn result_here(task: &Task, call: &TokenStream) -> TokenStream {
    let invocation = invoke(task, call);
    match &task.lent_result {
        Some(lent) => quote_spanned!(lent.span()=> __multicore::to_owned(#invocation)),
        None => invocation,
    }
}

/// What a call gives back.
fn result_type(task: &Task) -> TokenStream {
    let ty = &task.result;
    if task.args.text {
        quote_spanned!(span(task)=> __multicore::Result<__multicore::OkOf<#ty>, __multicore::TextError>)
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
fn route(span: Span, ty: &TokenStream, form: Form) -> TokenStream {
    let marker = marker(form, span);
    quote_spanned!(span=> (&&&__multicore::#marker::<#ty>::NEW).__multicore_route())
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
