//! `map_reduce!`.

mod args;
mod expand;

use proc_macro2::TokenStream;

use crate::options::Errors;

/// `site` is no other use's in the program's function: it tells hidden tasks apart.
pub(crate) fn expand(input: TokenStream, site: &str) -> TokenStream {
    let mut errors = Errors::default();
    let args = args::Args::read(input, &mut errors);
    match args {
        Some(args) if errors.is_empty() => expand::map_reduce(&args, site),
        _ => errors.to_expression(),
    }
}
