//! MPI request objects.
