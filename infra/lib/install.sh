# What must be on the machine, and how it gets there. Everything installed is named first; no
# service is started and no database cluster is made by what is installed here.
# shellcheck shell=bash

PATH=$PATH:$HOME/.cargo/bin:/usr/sbin:/sbin
WASM=wasm32-unknown-unknown

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -- "$@"; fi
}

can_be_root() {
  [ "$(id -u)" = 0 ] && return
  have sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }
}

# Debian keeps server binaries out of PATH.
postgres_bin() {
  local dir
  for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5 -rn) \
    "$(pg_config --bindir 2>/dev/null || true)"; do
    [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] && echo "$dir" && return
  done
  if have initdb; then dirname "$(readlink -f "$(command -v initdb)")"; fi
}

# redis-tools holds the server too (one binary, named by its argv[0]) and brings no service.
redis_server() {
  command -v redis-server || command -v redis-check-rdb || command -v valkey-server ||
    command -v valkey-check-rdb
}

# apt_missing PACKAGE...: of these, the ones not installed.
apt_missing() {
  local package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

# apt_install PACKAGE...: installs, with services kept off and no Postgres cluster created.
apt_install() {
  local remedy="install them by hand, then run this again: apt-get install $*"
  have apt-get || die "missing on this machine: $*" "this is not Debian or Ubuntu;" "$remedy"
  can_be_root || die "missing on this machine: $*" "without root or sudo they cannot be installed here;" "$remedy"
  say "installing: $*"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=300)
  as_root "${apt[@]}" update 9>&- >"$VAR/log/apt.log" 2>&1 ||
    warn "apt-get update failed (see var/log/apt.log); trying with the lists that are here"
  services_off
  local ok=0
  as_root "${apt[@]}" install --no-install-recommends "$@" 9>&- >>"$VAR/log/apt.log" 2>&1 || ok=1
  services_as_before
  [ $ok = 0 ] || { tail -n 5 "$VAR/log/apt.log" >&2; die "apt-get could not install: $*" "see $VAR/log/apt.log;" "$remedy"; }
}

OURS='made by tollgate while it installs'

services_off() {
  if ! [ -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\n# %s\nexit 101\n' "$OURS" | as_root tee /usr/sbin/policy-rc.d >/dev/null
    as_root chmod 755 /usr/sbin/policy-rc.d
  fi
  as_root mkdir -p /etc/postgresql-common/createcluster.d
  printf '# %s\ncreate_main_cluster = false\n' "$OURS" |
    as_root tee /etc/postgresql-common/createcluster.d/tollgate.conf >/dev/null
}

# Also clears what a run killed in the middle of an installation left.
services_as_before() {
  if grep -qs "$OURS" /usr/sbin/policy-rc.d; then as_root rm -f /usr/sbin/policy-rc.d; fi
  if [ -e /etc/postgresql-common/createcluster.d/tollgate.conf ]; then
    as_root rm -f /etc/postgresql-common/createcluster.d/tollgate.conf
  fi
}

install_rust() {
  have cargo || die "there is no Rust toolchain" \
    "install one from https://rustup.rs: curl https://sh.rustup.rs -sSf | sh -s -- -y"
  cargo --version >"$VAR/log/rust.log" 2>&1 9>&- || {
    cat "$VAR/log/rust.log" >&2
    die "cargo does not start" "with rustup: rustup toolchain install" \
      "offline with another toolchain of at least 1.95: export RUSTUP_TOOLCHAIN=<its name>"
  }
  [ -d "$(rustc --print sysroot)/lib/rustlib/$WASM" ] && return
  have rustup || die "the Rust target $WASM is missing" \
    "the portal's browser code is compiled for it; install it with rustup (https://rustup.rs)," \
    "or from your distribution: apt-get install libstd-rust-dev-wasm32"
  say "installing: Rust target $WASM"
  rustup target add "$WASM" 9>&- ||
    die "rustup could not add $WASM" "check the network, then: rustup target add $WASM"
}

# The linker the workspace asks for. Where it cannot be had the default one does, slower.
link_without_mold() {
  have mold && return
  warn "mold is not here: linking with the system's linker, which takes longer"
  export RUSTFLAGS="-C link-arg=-Wl,--as-needed"
}

packages_for_running() {
  have cc || echo gcc libc6-dev
  have curl || echo curl ca-certificates
  have setpriv || echo util-linux
  have npm || { have node && echo npm; } || echo nodejs npm
  have mold || { apt-cache show mold >/dev/null 2>&1 && echo mold; }
  [ -n "${DATABASE_URL:-}" ] || [ -n "$(postgres_bin)" ] || echo postgresql postgresql-client
  [ -n "${REDIS_URL:-}" ] || { [ -n "$(redis_server)" ] && have redis-cli; } || echo redis-tools
}

install_for_running() {
  services_as_before
  local packages
  mapfile -t packages < <(packages_for_running | tr ' ' '\n')
  [ ${#packages[@]} = 0 ] || apt_install "${packages[@]}"
  install_rust
  link_without_mold
  node_recent
  redis_in_path
}

# The portal's style tools want Node.js 20. Distributions that have an older one get a newer one
# beside it, inside var/, through npm.
NODE_DIR=$ROOT/var/tools/node
node_recent() {
  local arch=x64
  [ "$(uname -m)" != aarch64 ] || arch=arm64
  PATH=$NODE_DIR/node_modules/node-linux-$arch/bin:$PATH
  [ "$(node -p 'parseInt(process.versions.node)' 2>/dev/null || echo 0)" -ge 20 ] && return
  say "installing: Node.js 22 in ${NODE_DIR#"$ROOT"/} (the system has $(node -v 2>/dev/null || echo none))"
  npm install --prefix "$NODE_DIR" --no-audit --no-fund --loglevel error "node-linux-$arch@22" 9>&- ||
    die "npm could not install Node.js 22" "install Node.js 20 or newer by hand, from https://nodejs.org"
}

# Tests start a Redis of their own by its name. The link names the file itself: what is found may
# be this very link, or one like it in the var/ of a stack that called this one.
redis_in_path() {
  local server
  server=$(redis_server) || return 0
  ln -sfn "$(readlink -f "$server")" "$VAR/bin/redis-server"
  PATH=$VAR/bin:$PATH
}

# install_for PURPOSE: what only tests or only the benchmark need.
install_for() {
  local packages=()
  case $1 in
    test)
      [ -n "$(postgres_bin)" ] || packages+=(postgresql postgresql-client)
      { [ -n "$(redis_server)" ] && have redis-cli; } || packages+=(redis-tools)
      have chromium || have chromium-browser || have google-chrome || packages+=(chromium)
      python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3 python3-venv)
      ;;
    check)
      have shellcheck || packages+=(shellcheck)
      ;;
    bench)
      have nginx || packages+=(nginx)
      have python3 || packages+=(python3)
      ;;
  esac
  [ ${#packages[@]} = 0 ] || apt_install "${packages[@]}"
  redis_in_path
}
