# Our own programs: what they are told (settings), how they are built and started, and how one
# sees that each is healthy.
# shellcheck shell=bash disable=SC2034 # a command_ function answers in its caller's CMD

BUILD=${TOLLGATE_BUILD:-release}
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
case $BUILD in
  release | dist) BIN=$TARGET/$BUILD ;;
  none) BIN=$TARGET/release ;;
  dev) BIN=$TARGET/debug ;;
  *) die "TOLLGATE_BUILD is '$BUILD'" "it is one of: release dist dev none" ;;
esac

# Secrets are made once and stay; nobody else may read them.
secrets_make() {
  [ -s "$VAR/secrets.env" ] || (
    umask 077
    cat >"$VAR/secrets.env.new" <<ENV
TOLLGATE_MASTER_KEY=$(random_base64)
TOLLGATE_KEY_PEPPER=$(random_base64)
POSTGRES_PASSWORD=$(random_hex)
REDIS_PASSWORD=$(random_hex)
ENV
    mv "$VAR/secrets.env.new" "$VAR/secrets.env"
  )
  # shellcheck source=/dev/null
  . "$VAR/secrets.env"
}

random_base64() { head -c 32 /dev/urandom | base64 -w0; }
random_hex() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

# Everything the programs run with, resolved, in stack.env: a later `restart` and the tests read
# it there. A DATABASE_URL or REDIS_URL of the caller's wins over the stack's own.
settings_make() {
  secrets_make
  ports_choose
  local here=http://127.0.0.1
  local own_postgres="postgres://tollgate:$POSTGRES_PASSWORD@127.0.0.1:${PORTS[postgres]}/tollgate"
  local own_redis="redis://:$REDIS_PASSWORD@127.0.0.1:${PORTS[redis]}"
  (
    umask 077
    cat >"$VAR/stack.env.new" <<ENV
DATABASE_URL='${DATABASE_URL:-$own_postgres}'
REDIS_URL='${REDIS_URL:-$own_redis}'
TOLLGATE_MASTER_KEY='$TOLLGATE_MASTER_KEY'
TOLLGATE_KEY_PEPPER='$TOLLGATE_KEY_PEPPER'
TOLLGATE_API_LISTEN='127.0.0.1:${PORTS[backend]}'
TOLLGATE_GATEWAY_LISTEN='127.0.0.1:${PORTS[gateway]}'
TOLLGATE_GATEWAY_ADMIN_LISTEN='127.0.0.1:${PORTS[gateway_admin]}'
TOLLGATE_PORTAL_LISTEN='127.0.0.1:${PORTS[portal]}'
TOLLGATE_SIMULATOR_LISTEN='127.0.0.1:${PORTS[simulator]}'
TOLLGATE_SIMULATOR_SMTP_LISTEN='127.0.0.1:${PORTS[smtp]}'
TOLLGATE_API_URL='$here:${PORTS[backend]}'
TOLLGATE_GATEWAY_URL='$here:${PORTS[gateway]}'
TOLLGATE_GATEWAY2_URL='$here:${PORTS[gateway2]}'
TOLLGATE_GATEWAY3_URL='$here:${PORTS[gateway3]}'
TOLLGATE_GATEWAY4_URL='$here:${PORTS[gateway4]}'
TOLLGATE_PORTAL_URL='$here:${PORTS[portal]}'
TOLLGATE_SIMULATOR_URL='$here:${PORTS[simulator]}'
TOLLGATE_MAILBOX_URL='$here:${PORTS[simulator]}/mailbox'
TOLLGATE_SMTP_URL='smtp://127.0.0.1:${PORTS[smtp]}'
TOLLGATE_MAIL_FROM='Tollgate <no-reply@tollgate.localhost>'
TOLLGATE_GATEWAY_STATE='$VAR/gateway'
TOLLGATE_PORTAL_ASSETS='$ROOT/portal/dist'
TOLLGATE_LOG='${TOLLGATE_LOG:-info}'
TOLLGATE_GATEWAY_WORKERS='${TOLLGATE_GATEWAY_WORKERS:-$(nproc)}'
TOLLGATE_WEBHOOK_PRIVATE='true'
TOLLGATE_THROWAWAY='${TOLLGATE_THROWAWAY:-}'
ENV
    mv "$VAR/stack.env.new" "$VAR/stack.env"
  )
  settings_load
}

settings_load() {
  ports_load
  [ -r "$VAR/stack.env" ] || return 0
  # shellcheck source=/dev/null
  [ ! -r "$VAR/secrets.env" ] || . "$VAR/secrets.env"
  set -a
  # shellcheck source=/dev/null
  . "$VAR/stack.env"
  set +a
  STORES=()
  [[ $DATABASE_URL != *":${POSTGRES_PASSWORD}@"* ]] || STORES+=(postgres)
  [[ $REDIS_URL != *":${REDIS_PASSWORD}@"* ]] || STORES+=(redis)
}

build() {
  [ "$BUILD" != none ] || return 0
  local profile=(--profile "$BUILD")
  say "building the programs ($BUILD); the first time takes a while"
  # The queries were checked when they were written; no database is asked while building.
  SQLX_OFFLINE=true cargo build --locked "${profile[@]}" -p backend -p gateway -p portal-server \
    -p portal-build -p simulator -p loadtool 9>&- ||
    die "the build failed" "the compiler's words are above"
  # Told where: a cache that several checkouts share may have built it in another.
  "$BIN/portal-build" --portal "$ROOT/portal" 9>&- || die "the portal's browser part could not be built" "its words are above"
}

migrate() {
  "$BIN/tollgate-backend" migrate >>"$VAR/log/migrate.log" 2>&1 9>&- ||
    { tail -n 5 "$VAR/log/migrate.log" >&2; die "the migrations failed" "the whole log: $VAR/log/migrate.log"; }
  say "the database is up to date"
}

program_file() {
  case $1 in
    backend | worker | publisher) echo "$BIN/tollgate-backend" ;;
    gateway | gateway2 | gateway3 | gateway4) echo "$BIN/tollgate-gateway" ;;
    portal) echo "$BIN/tollgate-portal" ;;
    simulator) echo "$BIN/tollgate-simulator" ;;
    *) echo /dev/null ;;
  esac
}

command_backend() { CMD=("$BIN/tollgate-backend" serve); }
command_worker() { CMD=("$BIN/tollgate-backend" work); }
command_publisher() { CMD=("$BIN/tollgate-backend" publish); }
command_simulator() { CMD=("$BIN/tollgate-simulator"); }
command_portal() { CMD=("$BIN/tollgate-portal"); }
command_gateway() { CMD=("$BIN/tollgate-gateway"); }
command_gateway2() { one_more_gateway gateway2; }
command_gateway3() { one_more_gateway gateway3; }
command_gateway4() { one_more_gateway gateway4; }
one_more_gateway() {
  CMD=(env "TOLLGATE_GATEWAY_LISTEN=127.0.0.1:${PORTS[$1]}"
    "TOLLGATE_GATEWAY_ADMIN_LISTEN=127.0.0.1:${PORTS[$1_admin]}"
    "TOLLGATE_GATEWAY_STATE=$VAR/$1" "$BIN/tollgate-gateway")
}

answers() { curl -fsS -o /dev/null --max-time 2 "http://127.0.0.1:$1"; }

healthy_backend() { answers "${PORTS[backend]}/readyz"; }
healthy_simulator() { answers "${PORTS[simulator]}/_sim/stats"; }
healthy_portal() { answers "${PORTS[portal]}/livez"; }
healthy_gateway() { answers "${PORTS[gateway_admin]}/readyz"; }
healthy_gateway2() { answers "${PORTS[gateway2_admin]}/readyz"; }
healthy_gateway3() { answers "${PORTS[gateway3_admin]}/readyz"; }
healthy_gateway4() { answers "${PORTS[gateway4_admin]}/readyz"; }
# These two listen nowhere: they are healthy when they have lasted past reading their settings.
healthy_worker() { lasts worker; }
healthy_publisher() { lasts publisher; }

lasts() { # NAME: for half a second, in the kernel's hundredths
  local pid up
  pid=$(pid_of "$1")
  read -r up _ </proc/uptime
  [ -n "$pid" ] && [ $((${up/./} - $(start_time "$pid"))) -ge 50 ]
}

address() {
  case $1 in
    postgres | redis) echo "127.0.0.1:${PORTS[$1]:-}" ;;
    backend | portal | simulator | gateway | gateway2 | gateway3 | gateway4) echo "http://127.0.0.1:${PORTS[$1]:-}" ;;
  esac
}
