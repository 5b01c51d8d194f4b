//! `par_ranges!`.

mod args;
mod expand;

use proc_macro2::TokenStream;

use crate::options::Errors;

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = args::Args::read(input, &mut errors);
    match args {
        Some(args) if errors.is_empty() => expand::par_ranges(&args),
        _ => errors.to_expression(),
    }
}
