//! `name = value` lists: of the attributes, and at the end of `par_ranges!` and `map_reduce!`.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, Lit, LitInt, LitStr, Path, Token, token};

use crate::messages::{self, at};

/// What `parse` makes of the arguments of a macro, or nothing and the mistake noted.
pub(crate) fn read_arguments<T>(
    input: TokenStream,
    errors: &mut Errors,
    parse: impl FnOnce(ParseStream<'_>, &mut Errors) -> syn::Result<T>,
) -> Option<T> {
    let parser = |input: ParseStream<'_>| {
        let result = parse(input, errors);
        if result.is_err() {
            // What is left over is no second mistake.
            let _: syn::Result<TokenStream> = input.parse();
        }
        result
    };
    parser.parse2(input).map_err(|error| errors.push(error)).ok()
}

/// All mistakes found so far; the first does not hide the others.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value, or nothing and the mistake noted.
    pub(crate) fn note<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn into_inner(self) -> Option<syn::Error> {
        self.0
    }

    /// All mistakes as one expression, whose type the compiler asks nothing about.
    pub(crate) fn to_expression(&self) -> TokenStream {
        let mut errors: Vec<_> = self.0.iter().flatten().map(|error| error.to_compile_error()).collect();
        let last = errors.pop();
        quote!({ #(#errors)* (#last) })
    }

    /// `compile_error!` for each mistake; nothing if there is none.
    pub(crate) fn to_tokens(&self) -> TokenStream {
        self.0.as_ref().map(syn::Error::to_compile_error).unwrap_or_default()
    }
}

/// One option: `name`, `name = value` or `name(list)`.
pub(crate) struct Setting {
    pub(crate) name: Ident,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    None,
    Expr(Expr),
    List(TokenStream),
}

impl Setting {
    fn parse(input: ParseStream<'_>) -> syn::Result<Setting> {
        let name = Ident::parse_any(input)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Value::Expr(input.parse()?)
        } else if input.peek(token::Paren) {
            let list;
            syn::parenthesized!(list in input);
            Value::List(list.parse()?)
        } else {
            Value::None
        };
        Ok(Setting { name, value })
    }

    pub(crate) fn wrong_kind(&self, example: &str) -> syn::Error {
        let message = messages::wrong_kind(&self.name.unraw().to_string(), example);
        match &self.value {
            Value::Expr(value) => at(value, message),
            _ => at(&self.name, message),
        }
    }

    /// A value of any type, for `par_ranges!`.
    pub(crate) fn expression(&self, example: &str) -> syn::Result<&Expr> {
        match &self.value {
            Value::Expr(value) => Ok(value),
            _ => Err(self.wrong_kind(example)),
        }
    }

    pub(crate) fn text(&self, example: &str) -> syn::Result<&LitStr> {
        match &self.value {
            Value::Expr(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => Ok(text),
            _ => Err(self.wrong_kind(example)),
        }
    }

    pub(crate) fn number(&self, example: &str) -> syn::Result<u32> {
        let literal: &LitInt = match &self.value {
            Value::Expr(Expr::Lit(ExprLit { lit: Lit::Int(number), .. })) => number,
            _ => return Err(self.wrong_kind(example)),
        };
        literal.base10_parse().map_err(|_| self.wrong_kind(example))
    }

    pub(crate) fn path(&self, example: &str) -> syn::Result<&Path> {
        match &self.value {
            Value::Expr(Expr::Path(path)) if path.qself.is_none() => Ok(&path.path),
            _ => Err(self.wrong_kind(example)),
        }
    }

    pub(crate) fn flag(&self, example: &str) -> syn::Result<()> {
        match self.value {
            Value::None => Ok(()),
            _ => Err(self.wrong_kind(example)),
        }
    }

    /// `type = Name`.
    pub(crate) fn name_of_type(&self, example: &str) -> syn::Result<Ident> {
        self.path(example)?.get_ident().cloned().ok_or_else(|| self.wrong_kind(example))
    }

    /// `"100ms"`, `"2s"`, `"1m"`, `"1h"`: a limit, which is not 0.
    pub(crate) fn duration(&self, example: &str) -> syn::Result<Duration> {
        match self.span_of_time(example) {
            Ok(Duration::ZERO) => Err(at(self.text(example)?, messages::DURATION_ZERO)),
            duration => duration,
        }
    }

    /// As [`duration`](Self::duration), and it may be 0.
    pub(crate) fn span_of_time(&self, example: &str) -> syn::Result<Duration> {
        let literal = self.text(example)?;
        let text = literal.value();
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let scale = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(at(literal, messages::DURATION)),
        };
        match number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale)) {
            Some(millis) => Ok(Duration::from_millis(millis)),
            None => Err(at(literal, messages::DURATION)),
        }
    }
}

/// Reads the options of an attribute. Unknown and repeated ones are noted and left out.
pub(crate) fn read(tokens: TokenStream, known: &[&str], errors: &mut Errors) -> Vec<Setting> {
    let parser = |input: ParseStream<'_>| Ok(read_from(input, known, errors));
    // The parser itself never fails, but on tokens that it leaves, and it leaves none.
    parser.parse2(tokens).unwrap_or_default()
}

/// As [`read`], from where a parser is.
pub(crate) fn read_from(input: ParseStream<'_>, known: &[&str], errors: &mut Errors) -> Vec<Setting> {
    let mut settings: Vec<Setting> = Vec::new();
    while !input.is_empty() {
        let at_name = input.fork();
        let result = Setting::parse(input).and_then(|setting| {
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
            Ok(setting)
        });
        match result {
            Ok(setting) => {
                let name = setting.name.unraw().to_string();
                if !known.contains(&name.as_str()) {
                    errors.push(at(&setting.name, messages::unknown_option(&name, known)));
                } else if settings.iter().any(|earlier| earlier.name == setting.name) {
                    errors.push(at(&setting.name, messages::option_twice(&name)));
                } else {
                    settings.push(setting);
                }
            }
            Err(error) => {
                let starts_with_name = Ident::parse_any(&at_name).is_ok();
                errors.push(if starts_with_name {
                    error
                } else {
                    syn::Error::new(at_name.span(), messages::not_an_option(known))
                });
                // What follows a broken option cannot be told from it.
                let _: syn::Result<TokenStream> = input.parse();
            }
        }
    }
    settings
}
