# The stack's own Postgres and Redis. They are not used, and not started, where DATABASE_URL or
# REDIS_URL name others.
# shellcheck shell=bash

PGDATA=$VAR/pg/data

# Postgres refuses to run as root. Then it runs as the user postgres, allowed to walk through
# folders that are root's own, as a checkout in root's home is, and to nothing more.
UNPRIVILEGED=()
# shellcheck disable=SC2054 # these commas are setpriv's
[ "$(id -u)" != 0 ] || UNPRIVILEGED=(setpriv --reuid=postgres --regid=postgres --init-groups
  --inh-caps=-all,+dac_read_search --ambient-caps=+dac_read_search --)

# A folder that is not finished has another name, so a killed initdb is simply made again.
cluster_make() {
  local bin
  bin=$(postgres_bin)
  [ -n "$bin" ] || die "Postgres is not installed" "apt-get install postgresql"
  [ ! -d "$PGDATA" ] || return 0
  say "making a Postgres cluster in ${PGDATA#"$ROOT"/}"
  rm -rf "$VAR/pg/new"
  mkdir -p "$VAR/pg/new"
  if [ "$(id -u)" = 0 ]; then
    getent passwd postgres >/dev/null || useradd --system --no-create-home --shell /usr/sbin/nologin postgres
    chown postgres: "$VAR/pg" "$VAR/pg/new"
  fi
  (umask 077 && echo "$POSTGRES_PASSWORD" >"$VAR/pg/password")
  [ "$(id -u)" != 0 ] || chown postgres: "$VAR/pg/password"
  "${UNPRIVILEGED[@]}" "$bin/initdb" -D "$VAR/pg/new" -U postgres --pwfile="$VAR/pg/password" \
    --auth=scram-sha-256 -E UTF8 --locale=C.UTF-8 --no-sync >"$VAR/log/initdb.log" 2>&1 9>&- ||
    { tail -n 5 "$VAR/log/initdb.log" >&2; die "initdb failed" "the whole log: $VAR/log/initdb.log"; }
  rm -f "$VAR/pg/password"
  mv "$VAR/pg/new" "$PGDATA"
}

command_postgres() {
  cluster_make
  CMD=("${UNPRIVILEGED[@]}" "$(postgres_bin)/postgres" -D "$PGDATA" -p "${PORTS[postgres]}"
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300)
  # Data that nobody will miss when the machine dies. A kill of the program must lose nothing even
  # so: what was committed is with the kernel, hence synchronous_commit stays on.
  [ -z "${TOLLGATE_THROWAWAY:-}" ] ||
    CMD+=(-c fsync=off -c full_page_writes=off)
}

postgres_psql() { # as the cluster's superuser, which no program of ours ever is
  PGPASSWORD=$POSTGRES_PASSWORD "$(postgres_bin)/psql" -h 127.0.0.1 -p "${PORTS[postgres]}" \
    -U postgres -d postgres -v ON_ERROR_STOP=1 -Atq "$@"
}

healthy_postgres() { postgres_psql -c 'select 1'; }

# The login of our programs: it makes the roles it switches to, and databases for tests; nothing
# it does escapes row-level security.
database_make() {
  [ "$(postgres_psql -c "select 1 from pg_roles where rolname = 'tollgate'")" = 1 ] ||
    postgres_psql -c "create role tollgate login createrole createdb password '$POSTGRES_PASSWORD'"
  [ "$(postgres_psql -c "select 1 from pg_database where datname = 'tollgate'")" = 1 ] ||
    postgres_psql -c 'create database tollgate owner tollgate'
}

command_redis() {
  mkdir -p "$VAR/redis"
  (
    umask 077
    cat >"$VAR/redis/redis.conf" <<CONF
bind 127.0.0.1
port ${PORTS[redis]}
dir $VAR/redis
requirepass $REDIS_PASSWORD
appendonly yes
save ""
maxmemory-policy noeviction
CONF
  )
  CMD=("$VAR/bin/redis-server" "$VAR/redis/redis.conf")
}

healthy_redis() {
  [ "$(REDISCLI_AUTH=$REDIS_PASSWORD redis-cli -p "${PORTS[redis]}" ping)" = PONG ]
}
