//! Attributes cached on communicators and types.
