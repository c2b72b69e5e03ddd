//! `REDIS_URL`: one server, Sentinel or Cluster, with or without TLS; and what is wrong with a text
//! that is none of them. No message repeats a password.

use crate::connection::{CONNECT, Connection, Way};
use crate::sentinel::Sentinel;
use redis::cluster::ClusterClient;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisResult,
};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use url::{Url, form_urlencoded};

/// The port of a server or a node, and that of a Sentinel.
const PORTS: (u16, u16) = (6_379, 26_379);
/// The most replicas that a write can wait for.
const REPLICAS_MAX: u8 = 5;
/// A node of a cluster that does not answer is asked this often before the call fails.
const CLUSTER_RETRIES: u32 = 3;

/// What stands at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Server,
    Sentinel,
    Cluster,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Server, Self::Sentinel, Self::Cluster];
}

/// Where Redis is, as `REDIS_URL` says it:
/// - `redis://[user:password@]host[:port][/database]`
/// - `redis+sentinel://[user:password@]host[:port],host[:port]…/master[/database]`
/// - `redis+cluster://[user:password@]host[:port],host[:port]…`
///
/// `rediss` in place of `redis` is TLS, to Sentinels too; the authorities are the system's, or those
/// in the file that `SSL_CERT_FILE` names. Options: `replicas`, how many replicas must have a write
/// that a failover may not forget (1 under Sentinel and Cluster, else 0); `sentinel_user` and
/// `sentinel_password`.
#[derive(Clone)]
pub struct Address {
    form: Form,
    replicas: u8,
}

#[derive(Clone)]
enum Form {
    Server(ConnectionInfo),
    Sentinel(Sentinel),
    Cluster(Vec<ConnectionInfo>),
}

/// What is wrong with an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    #[error(
        "it does not begin with redis://, redis+sentinel:// or redis+cluster:// (with TLS: rediss://, rediss+sentinel://, rediss+cluster://)"
    )]
    Scheme,
    #[error("an at sign, slash or question mark in user or password must be percent-encoded")]
    Login,
    #[error("it names no host")]
    NoHost,
    #[error("{0:?} is not a host with a port")]
    Host(String),
    #[error("redis:// takes one host; several are for redis+sentinel:// or redis+cluster://")]
    Several,
    #[error(
        "it does not name the master: redis+sentinel://host:26379,host:26379/MASTER, as `sentinel monitor MASTER …` does"
    )]
    NoMaster,
    #[error("{0:?} is not the number of a database")]
    Database(String),
    #[error("a cluster has no databases and no masters to name; leave out {0:?}")]
    ClusterPath(String),
    #[error("there is no option {0:?}; there are replicas, sentinel_user and sentinel_password")]
    Option(String),
    #[error("replicas is {0:?}; it is a number from 0 to {REPLICAS_MAX}")]
    Replicas(String),
    #[error("{0}")]
    Other(String),
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(BadAddress::Scheme)?;
        let (kind, tls) = match scheme {
            "redis" => (Kind::Server, false),
            "rediss" => (Kind::Server, true),
            "redis+sentinel" => (Kind::Sentinel, false),
            "rediss+sentinel" => (Kind::Sentinel, true),
            "redis+cluster" => (Kind::Cluster, false),
            "rediss+cluster" => (Kind::Cluster, true),
            _ => return Err(BadAddress::Scheme),
        };
        let parts = Parts::of(rest)?;
        let options = Options::of(parts.query)?;
        let scheme = if tls { "rediss" } else { "redis" };
        let ports = if kind == Kind::Sentinel { PORTS.1 } else { PORTS.0 };
        let mut nodes = Vec::new();
        for host in parts.hosts.split(',') {
            nodes.push(node(scheme, host, ports)?);
        }
        let form = match (kind, nodes.as_slice()) {
            (Kind::Server, [one]) => {
                Form::Server(parts.signed_in(one, database(parts.path)?, scheme)?)
            }
            (Kind::Server, _) => return Err(BadAddress::Several),
            (Kind::Sentinel, _) => {
                let (master, rest) = parts.path.split_once('/').unwrap_or((parts.path, ""));
                if master.is_empty() {
                    return Err(BadAddress::NoMaster);
                }
                let [first, ..] = nodes.as_slice() else { return Err(BadAddress::NoHost) };
                let like = parts.signed_in(first, database(rest)?, scheme)?;
                Form::Sentinel(Sentinel::new(nodes, master.to_owned(), options.login, &like, tls))
            }
            (Kind::Cluster, _) if !parts.path.is_empty() => {
                return Err(BadAddress::ClusterPath(parts.path.to_owned()));
            }
            (Kind::Cluster, _) => {
                let nodes = nodes.iter().map(|node| parts.signed_in(node, 0, scheme));
                Form::Cluster(nodes.collect::<Result<_, _>>()?)
            }
        };
        let replicas = options.replicas.unwrap_or(u8::from(kind != Kind::Server));
        Ok(Self { form, replicas })
    }
}

/// An address cut where its parts meet.
struct Parts<'a> {
    login: Option<&'a str>,
    hosts: &'a str,
    path: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(rest: &'a str) -> Result<Self, BadAddress> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if path.contains('@') || (query.contains('@') && !authority.contains('@')) {
            return Err(BadAddress::Login);
        }
        let (login, hosts) = match authority.split_once('@') {
            Some((login, hosts)) => (Some(login), hosts),
            None => (None, authority),
        };
        if hosts.contains('@') {
            return Err(BadAddress::Login);
        }
        if hosts.is_empty() {
            return Err(BadAddress::NoHost);
        }
        Ok(Self { login, hosts, path: path.trim_end_matches('/'), query })
    }

    /// A node with the login and the database of the address.
    fn signed_in(
        &self,
        node: &ConnectionInfo,
        database: i64,
        scheme: &str,
    ) -> Result<ConnectionInfo, BadAddress> {
        let mut settings = match self.login {
            None => node.redis_settings().clone(),
            // Through a whole address, for the percent-encoding.
            Some(login) => Url::parse(&format!("{scheme}://{login}@host"))
                .map_err(|_| BadAddress::Login)?
                .into_connection_info()
                .map_err(|error| BadAddress::Other(error.to_string()))?
                .redis_settings()
                .clone(),
        };
        settings = settings.set_db(database);
        Ok(node.clone().set_redis_settings(settings))
    }
}

/// `host[:port]` as a node without a login.
fn node(scheme: &str, host: &str, port: u16) -> Result<ConnectionInfo, BadAddress> {
    let bad = || BadAddress::Host(host.to_owned());
    if host.is_empty() {
        return Err(BadAddress::NoHost);
    }
    let mut url = Url::parse(&format!("{scheme}://{host}")).map_err(|_| bad())?;
    if url.port().is_none() {
        url.set_port(Some(port)).map_err(|()| bad())?;
    }
    if !url.path().is_empty() || url.fragment().is_some() || url.port() == Some(0) {
        return Err(bad());
    }
    url.into_connection_info().map_err(|_| bad())
}

fn database(path: &str) -> Result<i64, BadAddress> {
    match path {
        "" => Ok(0),
        path => {
            path.parse::<u16>().map(i64::from).map_err(|_| BadAddress::Database(path.to_owned()))
        }
    }
}

/// User and password of the Sentinels.
pub type Login = (Option<String>, Option<String>);

#[derive(Default)]
struct Options {
    replicas: Option<u8>,
    login: Login,
}

impl Options {
    fn of(query: &str) -> Result<Self, BadAddress> {
        let mut options = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "replicas" => {
                    let count = value.parse().ok().filter(|count| *count <= REPLICAS_MAX);
                    options.replicas =
                        Some(count.ok_or_else(|| BadAddress::Replicas(value.into_owned()))?);
                }
                "sentinel_user" => options.login.0 = Some(value.into_owned()),
                "sentinel_password" => options.login.1 = Some(value.into_owned()),
                _ => return Err(BadAddress::Option(name.into_owned())),
            }
        }
        Ok(options)
    }
}

impl Address {
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self.form {
            Form::Server(_) => Kind::Server,
            Form::Sentinel(_) => Kind::Sentinel,
            Form::Cluster(_) => Kind::Cluster,
        }
    }

    /// A connection to whoever is the master now; of a cluster, to all of them. An answer that
    /// takes longer than `answer_within` is a failure.
    ///
    /// # Errors
    /// Nobody there can be reached, or nobody of them is the master.
    pub async fn connect(&self, answer_within: Duration) -> RedisResult<Connection> {
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(answer_within));
        let way = match &self.form {
            Form::Server(node) => {
                let client = Client::open(node.clone())?;
                Way::Server(client.get_multiplexed_async_connection_with_config(&settings).await?)
            }
            Form::Sentinel(sentinel) => Way::Server(sentinel.connect(&settings).await?),
            Form::Cluster(nodes) => {
                let client = ClusterClient::builder(nodes.clone())
                    .connection_timeout(CONNECT)
                    .response_timeout(answer_within)
                    .overall_response_timeout(Some(answer_within))
                    .retries(CLUSTER_RETRIES)
                    .min_retry_wait(10)
                    .max_retry_wait(100)
                    .build()?;
                Way::Cluster(client.get_async_connection().await?)
            }
        };
        Ok(Connection::new(way, self.replicas))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |node: &ConnectionInfo| match node.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                format!("{host}:{port}")
            }
            _ => "a socket".to_owned(),
        };
        let places: Vec<String> = match &self.form {
            Form::Server(node) => vec![place(node)],
            Form::Sentinel(sentinel) => sentinel.nodes().iter().map(place).collect(),
            Form::Cluster(nodes) => nodes.iter().map(place).collect(),
        };
        write!(f, "{:?}({})", self.kind(), places.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, BadAddress> {
        text.parse()
    }

    #[test]
    fn each_form_is_read_and_shows_no_password() {
        for (text, kind, shown, replicas) in [
            ("redis://h", Kind::Server, "Server(h:6379)", 0),
            ("redis://:p%40ss@h:1/3", Kind::Server, "Server(h:1)", 0),
            ("redis://u:secret@[::1]:7?replicas=2", Kind::Server, "Server(::1:7)", 2),
            ("rediss://h:6380", Kind::Server, "Server(h:6380)", 0),
            (
                "redis+sentinel://u:secret@a,b:5/main/2?sentinel_password=hush",
                Kind::Sentinel,
                "Sentinel(a:26379, b:5)",
                1,
            ),
            ("rediss+cluster://:secret@a:1,b:2,c", Kind::Cluster, "Cluster(a:1, b:2, c:6379)", 1),
            ("redis+cluster://a/?replicas=0", Kind::Cluster, "Cluster(a:6379)", 0),
        ] {
            let address = parse(text).unwrap();
            assert_eq!((address.kind(), address.replicas), (kind, replicas), "{text}");
            assert_eq!(format!("{address:?}"), shown, "{text}");
        }
        let Form::Server(node) = parse("redis://u:p%40ss@h/3").unwrap().form else { panic!() };
        let settings = node.redis_settings();
        assert_eq!((settings.username(), settings.password()), (Some("u"), Some("p@ss")));
        assert_eq!(settings.db(), 3);
    }

    #[test]
    fn a_wrong_address_is_told_what_is_wrong_without_its_password() {
        for (text, says) in [
            ("", BadAddress::Scheme),
            ("localhost:6379", BadAddress::Scheme),
            ("http://h", BadAddress::Scheme),
            ("redis://", BadAddress::NoHost),
            ("redis+cluster://a,,b", BadAddress::NoHost),
            ("redis://h:port", BadAddress::Host("h:port".into())),
            ("redis://h:0", BadAddress::Host("h:0".into())),
            ("redis://h:70000", BadAddress::Host("h:70000".into())),
            ("redis://:pa/ss@h", BadAddress::Login),
            ("redis://:pa?ss@h", BadAddress::Login),
            ("redis://:pa@ss@h", BadAddress::Login),
            ("redis://a,b", BadAddress::Several),
            ("redis://h/main", BadAddress::Database("main".into())),
            ("redis+sentinel://h", BadAddress::NoMaster),
            ("redis+sentinel://h/", BadAddress::NoMaster),
            ("redis+sentinel://h/main/x", BadAddress::Database("x".into())),
            ("redis+cluster://h/1", BadAddress::ClusterPath("1".into())),
            ("redis://h?timeout=3", BadAddress::Option("timeout".into())),
            ("redis+cluster://h?replicas=many", BadAddress::Replicas("many".into())),
            ("redis+cluster://h?replicas=6", BadAddress::Replicas("6".into())),
        ] {
            assert_eq!(parse(text).unwrap_err(), says, "{text}");
        }
    }
}
