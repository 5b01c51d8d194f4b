//! The options of `#[resource]`.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Expr;

use crate::function;
use crate::messages;
use crate::options::{self, Errors, Setting};

pub(crate) struct Args {
    pub(crate) max_age: Option<Duration>,
    pub(crate) check: Option<Expr>,
    pub(crate) check_idle: Option<Duration>,
    pub(crate) reset: Option<Expr>,
    pub(crate) on_close: Option<Expr>,
    pub(crate) client: bool,
    /// Where `r2d2` was written.
    pub(crate) r2d2: Option<Ident>,
    pub(crate) type_name: Option<Ident>,
    pub(crate) krate: TokenStream,
}

const KNOWN: &[&str] =
    &["max_age", "check", "check_idle", "reset", "on_close", "client", "r2d2", "type", "crate"];

impl Args {
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Args {
        let mut args = Args {
            max_age: None,
            check: None,
            check_idle: None,
            reset: None,
            on_close: None,
            client: false,
            r2d2: None,
            type_name: None,
            krate: quote!(::multicore),
        };
        let (mut idle, mut checks) = (None, false);
        for setting in options::read(tokens, KNOWN, errors) {
            match setting.name.to_string().as_str() {
                "max_age" => args.max_age = errors.note(setting.span_of_time("max_age = \"10m\"")),
                "check" => {
                    args.check = errors.note(function(&setting, "check = is_alive"));
                    checks = true;
                }
                "check_idle" => {
                    args.check_idle = errors.note(setting.span_of_time("check_idle = \"30s\""));
                    idle = Some(setting);
                }
                "reset" => args.reset = errors.note(function(&setting, "reset = roll_back")),
                "on_close" => args.on_close = errors.note(function(&setting, "on_close = quit")),
                "client" => args.client = errors.note(setting.flag("client")).is_some(),
                "r2d2" => args.r2d2 = errors.note(setting.flag("r2d2")).map(|()| setting.name.clone()),
                "type" => args.type_name = errors.note(setting.name_of_type("type = Db")),
                "crate" => args.krate = function::crate_path(Some(&setting), errors),
                _ => {}
            }
        }
        if let Some(idle) = idle
            && !checks
            && args.r2d2.is_none()
        {
            errors.push(messages::at(&idle.name, messages::IDLE_WITHOUT_CHECK));
        }
        args
    }
}

/// A function by its path, or a closure.
fn function(setting: &Setting, example: &str) -> syn::Result<Expr> {
    match setting.expression(example)? {
        expression @ (Expr::Path(_) | Expr::Closure(_)) => Ok(expression.clone()),
        _ => Err(setting.wrong_kind(example)),
    }
}
