//! Host daemon: ivshmem server, soft RDMA engine, protection domains and keys.
