//! C functions of the communicator chapter.
