//! A connection, to a server or to all of a cluster; cheap to clone.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, Pipeline, RedisFuture, Value};
use std::fmt;
use std::time::Duration;

/// How long to wait for a connection.
pub const CONNECT: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub enum Way {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// What commands, pipelines and scripts are sent over.
#[derive(Clone)]
pub struct Connection {
    way: Way,
    replicas: u8,
}

impl Connection {
    pub(crate) const fn new(way: Way, replicas: u8) -> Self {
        Self { way, replicas }
    }

    /// How many replicas must have what a failover may not forget.
    #[must_use]
    pub const fn replicas(&self) -> u8 {
        self.replicas
    }

    /// Whether it finds its way by itself after a node was lost: a cluster's does, and one of its
    /// nodes that fails says nothing of the others.
    #[must_use]
    pub const fn heals(&self) -> bool {
        matches!(self.way, Way::Cluster(_))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.heals() { "cluster" } else { "server" };
        write!(f, "Connection({way}, replicas: {})", self.replicas)
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match &mut self.way {
            Way::Server(server) => server.req_packed_command(cmd),
            Way::Cluster(cluster) => cluster.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match &mut self.way {
            Way::Server(server) => server.req_packed_commands(pipeline, offset, count),
            Way::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match &self.way {
            Way::Server(server) => server.get_db(),
            Way::Cluster(cluster) => cluster.get_db(),
        }
    }
}
