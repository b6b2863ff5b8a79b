//! C functions for reduction operations.
