//! Where this rank runs.
