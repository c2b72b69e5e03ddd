//! The Redis of one test; see `redis_link::servers`.

pub use redis_link::Kind as RedisKind;
pub use redis_link::servers::Servers as RedisServer;
