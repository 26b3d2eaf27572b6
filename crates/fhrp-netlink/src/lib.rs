//! Linux backend: virtual MACs and addresses through netlink, frames through packet sockets
