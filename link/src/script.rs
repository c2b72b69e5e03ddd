//! Lua scripts, called by their hash. A node that does not know a script yet is sent its text with
//! the call: loading it beforehand would fail for as long as any node of a cluster is away.

use crate::connection::Connection;
use redis::aio::ConnectionLike;
use redis::{
    Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind, ToRedisArgs,
};

/// How long a write waits for replicas, in milliseconds. They are usually there in less than one.
const KEPT_WITHIN_MS: u64 = 200;

/// A script and its hash.
#[derive(Debug, Clone)]
pub struct Script {
    code: &'static str,
    hash: String,
}

impl Script {
    #[must_use]
    pub fn new(code: &'static str) -> Self {
        Self { code, hash: redis::Script::new(code).get_hash().to_owned() }
    }

    /// A call of it, to be given keys and arguments. All keys share a hash tag.
    #[must_use]
    pub const fn prepare_invoke(&self) -> Call<'_> {
        Call { script: self, keys: Vec::new(), args: Vec::new() }
    }
}

/// One call of a script.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    script: &'a Script,
    keys: Vec<Vec<u8>>,
    args: Vec<Vec<u8>>,
}

impl Call<'_> {
    pub fn key(&mut self, key: impl ToRedisArgs) -> &mut Self {
        key.write_redis_args(&mut self.keys);
        self
    }

    pub fn arg(&mut self, arg: impl ToRedisArgs) -> &mut Self {
        arg.write_redis_args(&mut self.args);
        self
    }

    /// Runs it and says what it returned.
    ///
    /// # Errors
    /// Redis cannot be reached, or the script failed.
    pub async fn invoke_async<T: FromRedisValue>(
        &self,
        connection: &mut impl ConnectionLike,
    ) -> RedisResult<T> {
        match self.command("EVALSHA", &self.script.hash).query_async(connection).await {
            Err(error) if is_unknown(&error) => {
                self.command("EVAL", self.script.code).query_async(connection).await
            }
            other => other,
        }
    }

    /// Runs it, and answers only when as many replicas as the address asks for have what it wrote:
    /// for what a failover must not forget.
    ///
    /// # Errors
    /// As [`Call::invoke_async`], or too few replicas were there in time. It has been run then, and
    /// may be forgotten or not.
    pub async fn invoke_kept<T: FromRedisValue>(
        &self,
        connection: &mut Connection,
    ) -> RedisResult<T> {
        if connection.replicas() == 0 {
            return self.invoke_async(connection).await;
        }
        let by_hash = self.command("EVALSHA", &self.script.hash);
        match kept(by_hash, connection).await {
            Err(error) if is_unknown(&error) => {
                kept(self.command("EVAL", self.script.code), connection).await
            }
            other => other,
        }
    }

    fn command(&self, verb: &str, script: &str) -> Cmd {
        let bytes = self.keys.iter().chain(&self.args).map(Vec::len).sum::<usize>();
        let count = 3 + self.keys.len() + self.args.len();
        let mut command = Cmd::with_capacity(count, bytes + script.len() + 64);
        command.arg(verb).arg(script).arg(self.keys.len()).arg(&self.keys).arg(&self.args);
        command
    }
}

/// `WAIT` counts what its own connection wrote, so it goes out with the call.
async fn kept<T: FromRedisValue>(call: Cmd, connection: &mut Connection) -> RedisResult<T> {
    let wanted = u64::from(connection.replicas());
    let mut both = Pipeline::with_capacity(2);
    both.add_command(call).cmd("WAIT").arg(wanted).arg(KEPT_WITHIN_MS);
    let (answer, replicas): (T, u64) = both.query_async(connection).await?;
    if replicas < wanted {
        return Err(RedisError::from((
            ErrorKind::Io,
            "too few replicas have what was written",
            format!("{replicas} of {wanted}"),
        )));
    }
    Ok(answer)
}

fn is_unknown(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
