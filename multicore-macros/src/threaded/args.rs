//! The options of `#[threaded]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

use crate::options::{self, Errors};
use crate::{apart, function};

pub(crate) struct Args {
    pub(crate) name: Option<LitStr>,
    pub(crate) krate: TokenStream,
}

impl Args {
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Args {
        let mut args = Args { name: None, krate: quote!(::multicore) };
        for setting in options::read(tokens, &["name", "crate"], errors) {
            match setting.name.to_string().as_str() {
                "name" => args.name = errors.note(apart::name(&setting, "name = \"mail\"")),
                "crate" => args.krate = function::crate_path(Some(&setting), errors),
                _ => {}
            }
        }
        args
    }
}
