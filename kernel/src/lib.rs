//! Library OS that boots an MPI program as a virtual machine.
