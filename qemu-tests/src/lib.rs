//! Boots real VMs: tests and benchmarks.
