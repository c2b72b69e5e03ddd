//! Who is the master: the Sentinels are asked all at once, and whoever one of them names must say
//! itself that it is the master.

use crate::address::Login;
use futures::stream::{FuturesUnordered, StreamExt as _};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisConnectionInfo,
    RedisError, RedisResult, Role,
};

#[derive(Clone)]
pub struct Sentinel {
    sentinels: Vec<ConnectionInfo>,
    /// The name that the Sentinels know the set by.
    master: String,
    /// Login and database of the servers.
    node: RedisConnectionInfo,
    tls: bool,
}

fn error(kind: ErrorKind, what: &'static str, detail: String) -> RedisError {
    RedisError::from((kind, what, detail))
}

impl Sentinel {
    pub fn new(
        sentinels: Vec<ConnectionInfo>,
        master: String,
        (user, password): Login,
        like: &ConnectionInfo,
        tls: bool,
    ) -> Self {
        let with_login = |node: ConnectionInfo| {
            let mut settings = node.redis_settings().clone();
            if let Some(user) = &user {
                settings = settings.set_username(user);
            }
            if let Some(password) = &password {
                settings = settings.set_password(password);
            }
            node.set_redis_settings(settings)
        };
        let sentinels = sentinels.into_iter().map(with_login).collect();
        Self { sentinels, master, node: like.redis_settings().clone(), tls }
    }

    pub fn nodes(&self) -> &[ConnectionInfo] {
        &self.sentinels
    }

    /// A connection to the master that a Sentinel names first.
    pub async fn connect(
        &self,
        settings: &AsyncConnectionConfig,
    ) -> RedisResult<MultiplexedConnection> {
        let mut asked: FuturesUnordered<_> =
            self.sentinels.iter().map(|sentinel| self.through(sentinel, settings)).collect();
        let mut why = None;
        while let Some(found) = asked.next().await {
            match found {
                Ok(connection) => return Ok(connection),
                Err(error) => why = Some(error),
            }
        }
        Err(why.unwrap_or_else(|| {
            RedisError::from((ErrorKind::EmptySentinelList, "no Sentinel is named"))
        }))
    }

    async fn through(
        &self,
        sentinel: &ConnectionInfo,
        settings: &AsyncConnectionConfig,
    ) -> RedisResult<MultiplexedConnection> {
        let client = Client::open(sentinel.clone())?;
        let mut asked = client.get_multiplexed_async_connection_with_config(settings).await?;
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        let Some((host, port)) = command.query_async::<Option<(String, u16)>>(&mut asked).await?
        else {
            let what = "the Sentinel knows no master of this name";
            return Err(error(ErrorKind::MasterNameNotFoundBySentinel, what, self.master.clone()));
        };
        let place = format!("{host}:{port}");
        let mut connection = Client::open(self.server(sentinel, host, port))?
            .get_multiplexed_async_connection_with_config(settings)
            .await?;
        match redis::cmd("ROLE").query_async::<Role>(&mut connection).await? {
            Role::Primary { .. } => Ok(connection),
            _ => Err(error(
                ErrorKind::MasterNameNotFoundBySentinel,
                "the server that the Sentinel names is not the master",
                place,
            )),
        }
    }

    fn server(&self, sentinel: &ConnectionInfo, host: String, port: u16) -> ConnectionInfo {
        let addr = if self.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        sentinel.clone().set_addr(addr).set_redis_settings(self.node.clone())
    }
}
