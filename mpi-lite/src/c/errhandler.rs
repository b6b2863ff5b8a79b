//! C functions for error handlers.
