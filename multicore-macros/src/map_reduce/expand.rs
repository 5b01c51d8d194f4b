//! The hidden tasks, and the call of the runtime.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

use super::args::Args;
use crate::task::types::text;

/// A block with the two stages as hidden tasks of these very task functions, and the call.
///
/// A worker finds tasks by ID in a table that is made before `main`, so what it is to run must be there as a
/// function of one type each: a stage of the runtime with the user's companion types filled in. What it takes
/// and returns is inferred from them; the stages' IDs come from the names of two types that no other use has.
pub(crate) fn map_reduce(args: &Args, site: &str) -> TokenStream {
    let Args { inputs, map, combine, reduce, settings, krate } = args;
    let combiner = match combine {
        Some(path) => quote!(#path),
        None => quote!(#krate::__private::NoCombiner),
    };
    let (map_type, reduce_type) = (format_ident!("MapStage{site}"), format_ident!("ReduceStage{site}"));
    let (map_entry, reduce_entry) =
        (format_ident!("__MULTICORE_MAP_{site}"), format_ident!("__MULTICORE_REDUCE_{site}"));
    let signature = signature(args);
    // The same tokens at the same place each time: what is wrong with them is said once.
    let job = quote_spanned!(map.span()=> #krate::__private::job::<#map, #combiner, #reduce, _, _>());
    let stages = [
        stage(krate, &map_type, &map_entry, map, &signature, &quote!(#job.map)),
        stage(krate, &reduce_type, &reduce_entry, reduce, &signature, &quote!(#job.reduce)),
    ];
    let settings = settings.iter().map(|(setting, value)| {
        let name = &setting.name;
        if name == "folder" {
            let into =
                quote_spanned!(value.span()=> ::core::convert::Into::<#krate::__private::PathBuf>::into);
            return quote_spanned!(value.span()=> #name: #krate::__private::Some(#into(#value)));
        }
        quote_spanned!(value.span()=> #name: #krate::__private::Some(#value))
    });
    quote! {{
        #(#stages)*
        #job.drive(
            #inputs,
            &#krate::__private::Stages { map: &#map_entry, reduce: &#reduce_entry },
            #krate::__private::MapReduceOptions {
                #(#settings,)*
                ..::core::default::Default::default()
            },
        )
    }}
}

/// One hidden task.
fn stage(
    krate: &TokenStream,
    companion: &Ident,
    entry: &Ident,
    task: &Path,
    signature: &str,
    run: &TokenStream,
) -> TokenStream {
    let place = quote_spanned!(task.span()=> #krate::__private::here());
    quote! {
        enum #companion {}

        static #entry: #krate::__private::Entry = #krate::__private::Entry::new(#krate::__private::Declared {
            name: #krate::__private::None,
            type_name: #krate::__private::type_name::<#companion>,
            signature: #signature,
            package: ::core::option_env!("CARGO_PKG_NAME"),
            version: ::core::option_env!("CARGO_PKG_VERSION"),
            place: #place,
            timeout: #krate::__private::None,
            retries: 0,
            isolate: false,
            codec: #krate::__private::Codec::Bincode,
            run: |invocation| #run(invocation),
        });

        const _: () = {
            #krate::__private::register!(Task, &#entry);
        };
    }
}

/// Which task functions these are stages of, as written.
fn signature(args: &Args) -> String {
    let Args { map, combine, reduce, .. } = args;
    let combine = combine.as_ref().map(|combine| quote!(combine = #combine,));
    text(quote!(map = #map, #combine reduce = #reduce))
}
