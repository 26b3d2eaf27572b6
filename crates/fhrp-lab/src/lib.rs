//! Network namespaces, hosts, probes, captures and peer daemons: the laboratory behind fhrpd lab and the namespace tests
