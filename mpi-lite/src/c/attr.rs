//! C functions for attributes.
