//! The options of `#[forked]`.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

use crate::options::{self, Errors};
use crate::{apart, function};

pub(crate) struct Args {
    pub(crate) name: Option<LitStr>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) krate: TokenStream,
}

impl Args {
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Args {
        let mut args = Args { name: None, timeout: None, krate: quote!(::multicore) };
        for setting in options::read(tokens, &["name", "timeout", "crate"], errors) {
            match setting.name.to_string().as_str() {
                "name" => args.name = errors.note(apart::name(&setting, "name = \"longest line\"")),
                "timeout" => args.timeout = errors.note(setting.duration("timeout = \"2s\"")),
                "crate" => args.krate = function::crate_path(Some(&setting), errors),
                _ => {}
            }
        }
        args
    }
}
