//! CI systems: pipeline runs as builds, and deployments where a system knows them.

mod jenkins;

pub use jenkins::KIND as JENKINS;
