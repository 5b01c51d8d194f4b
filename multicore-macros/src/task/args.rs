//! The options of `#[task]`.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::LitStr;

use crate::function;
use crate::messages::{self, at};
use crate::options::{self, Errors, Setting};

pub(crate) struct Args {
    pub(crate) name: Option<LitStr>,
    pub(crate) type_name: Option<Ident>,
    pub(crate) codec: Codec,
    /// `error = "text"`.
    pub(crate) text: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retries: u32,
    pub(crate) isolate: bool,
    pub(crate) krate: TokenStream,
}

/// The codec, with the literal that chose it, for the place of an error about it.
pub(crate) enum Codec {
    Bincode,
    Json(LitStr),
    Raw(LitStr),
}

const KNOWN: &[&str] = &["name", "type", "codec", "error", "timeout", "retries", "isolate", "crate"];

impl Args {
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Args {
        let mut args = Args {
            name: None,
            type_name: None,
            codec: Codec::Bincode,
            text: false,
            timeout: None,
            retries: 0,
            isolate: false,
            krate: quote!(::multicore),
        };
        for setting in options::read(tokens, KNOWN, errors) {
            match setting.name.to_string().as_str() {
                "name" => args.name = errors.note(name(&setting)),
                "type" => args.type_name = errors.note(setting.name_of_type("type = RenderTask")),
                "codec" => args.codec = errors.note(codec(&setting)).unwrap_or(Codec::Bincode),
                "error" => args.text = errors.note(text(&setting)).is_some(),
                "timeout" => args.timeout = errors.note(setting.duration("timeout = \"2s\"")),
                "retries" => args.retries = errors.note(setting.number("retries = 3")).unwrap_or(0),
                "isolate" => args.isolate = errors.note(setting.flag("isolate")).is_some(),
                "crate" => args.krate = function::crate_path(Some(&setting), errors),
                _ => {}
            }
        }
        args
    }
}

fn name(setting: &Setting) -> syn::Result<LitStr> {
    let literal = setting.text("name = \"billing.render\"")?;
    match literal.value().trim() {
        "" => Err(at(literal, messages::EMPTY_NAME)),
        _ => Ok(literal.clone()),
    }
}

fn codec(setting: &Setting) -> syn::Result<Codec> {
    let literal = setting.text("codec = \"bincode\"")?;
    match literal.value().as_str() {
        "bincode" => Ok(Codec::Bincode),
        "json" => Ok(Codec::Json(literal.clone())),
        "raw" => Ok(Codec::Raw(literal.clone())),
        other => Err(at(literal, messages::unknown_codec(other))),
    }
}

fn text(setting: &Setting) -> syn::Result<()> {
    let literal = setting.text("error = \"text\"")?;
    match literal.value().as_str() {
        "text" => Ok(()),
        other => Err(at(literal, messages::unknown_error(other))),
    }
}
