//! Compiler wrappers, image checks and symbolisation.
