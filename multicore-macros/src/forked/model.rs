//! A forked function, checked.

use syn::{ItemFn, ReturnType, Type};

use super::args::Args;
use crate::apart::Function;
use crate::messages::{self, at};
use crate::options::Errors;

pub(crate) struct Forked {
    pub(crate) args: Args,
    pub(crate) function: Function,
}

impl Forked {
    pub(crate) fn of(args: Args, item: ItemFn, errors: &mut Errors) -> Option<Forked> {
        if let ReturnType::Type(_, ty) = &item.sig.output
            && let Type::Reference(reference) = &**ty
        {
            errors.push(at(reference, messages::FORKED_REFERENCE));
            return None;
        }
        let function = Function::of("forked", item, errors)?;
        Some(Forked { args, function })
    }
}
