# How the stack speaks, where its folder is, and the lock that keeps two runs apart.
# shellcheck shell=bash

VAR=${TOLLGATE_VAR:-var}
case $VAR in /*) ;; *) VAR=$ROOT/$VAR ;; esac

say() { printf '%4ds  %s\n' "$SECONDS" "$*"; }

warn() { printf '%4ds  ! %s\n' "$SECONDS" "$*" >&2; }

# die WHAT REMEDY...: says what is wrong and what to do about it, and ends.
die() {
  printf '\n%s\n' "error: $1" >&2
  shift
  printf '  %s\n' "$@" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# One run at a time in one folder. The kernel drops the lock with the process, so a killed run
# leaves nothing behind; what outlives a run is started without the descriptor.
take_lock() {
  mkdir -p "$VAR/log" "$VAR/run" "$VAR/bin"
  exec 9>"$VAR/lock"
  flock --nonblock 9 && return
  say "another run works in ${VAR#"$ROOT"/}; waiting for it"
  flock --timeout 1800 9 || die "the other run did not finish in 30 minutes" "look at it: infra/stack status"
}

# wait_for SECONDS COMMAND...: polls until the command succeeds.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}
