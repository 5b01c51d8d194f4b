//! All that generated code may name.
