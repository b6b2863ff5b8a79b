//! Collective operations over point-to-point messages.
