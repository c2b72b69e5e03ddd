# Starting and stopping one program. run/NAME.pid holds "pid start-time", so that a number the
# kernel has given to somebody else is never taken for ours; run/NAME.stamp says what it was
# started from, so that `up` restarts only what has changed.
# shellcheck shell=bash

ALL=(postgres redis backend worker publisher simulator gateway gateway2 gateway3 gateway4 portal)

# What may hold a provider's credential in the caller's environment: the only words in capitals there.
mapfile -t CREDENTIALS < <(grep -oE '"[A-Z][A-Z0-9_]+"' "$ROOT/contract/src/vendor.rs" | tr -d '"')

is_program() { local name; for name in "${ALL[@]}"; do [ "$name" != "$1" ] || return 0; done; return 1; }

start_time() { # of a pid, in the kernel's ticks: the 22nd field, counted after the name's bracket
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  [ "$1" != Z ] && echo "${20}"
}

# pid_of NAME: its pid while it runs, else nothing.
pid_of() {
  local pid began
  read -r pid began 2>/dev/null <"$VAR/run/$1.pid" || return 0
  [ -n "$began" ] && [ "$(start_time "$pid")" = "$began" ] && echo "$pid"
  return 0
}

state() { if [ -n "$(pid_of "$1")" ]; then echo running; else echo stopped; fi; }

# launch NAME COMMAND...: runs it in a session of its own. The child writes its pid itself before
# it becomes the program, so no moment exists at which it runs unrecorded. A provider's credential
# in the caller's environment is for the seeding alone; the database holds it from then on.
launch() {
  local name=$1
  shift
  rm -f "$VAR/run/$name.pid"
  # shellcheck disable=SC2016
  env "${CREDENTIALS[@]/#/--unset=}" setsid bash -c '
    stat=$(<"/proc/$$/stat"); fields=(${stat##*) })
    echo "$$ ${fields[19]}" >"$0.new" && mv "$0.new" "$0" && exec "$@"' "$VAR/run/$name.pid" "$@" \
    9>&- </dev/null >>"$VAR/log/$name.log" 2>&1 &
  disown
}

# start NAME: until it is healthy. Nothing happens when it already runs from the same program
# and settings.
start() {
  local name=$1 fresh
  local -a CMD=()
  "command_$name"
  fresh=$(stamp "$name" "${CMD[@]}")
  if [ "$(state "$name")" = running ]; then
    if [ "$fresh" = "$(cat "$VAR/run/$name.stamp" 2>/dev/null)" ]; then
      wait_for 30 "healthy_$name" && return
      warn "$name runs but does not answer; starting it again"
    else
      say "$name has changed; starting it again"
    fi
    stop "$name"
  fi
  [ -z "$(find "$VAR/log/$name.log" -size +50M 2>/dev/null)" ] ||
    mv "$VAR/log/$name.log" "$VAR/log/$name.log.1"
  local since
  touch "$VAR/log/$name.log"
  since=$(wc -c <"$VAR/log/$name.log")
  for _ in 1 2 3; do
    launch "$name" "${CMD[@]}"
    if wait_for 30 healthy_or_dead "$name" && [ "$(state "$name")" = running ]; then
      echo "$fresh" >"$VAR/run/$name.stamp"
      say "$name is up  $(address "$name")"
      return
    fi
    [ "$(state "$name")" != running ] || break
    sleep 1 # what it needs may still be leaving, as shared memory does after a kill of Postgres
  done
  stop "$name" >/dev/null
  tail -c "+$((since + 1))" "$VAR/log/$name.log" | tail -n 15 >&2
  die "$name did not come up" "the whole log: ${VAR#"$ROOT"/}/log/$name.log"
}

healthy_or_dead() {
  [ -s "$VAR/run/$1.pid" ] || return 1
  [ "$(state "$1")" = stopped ] || "healthy_$1"
}

# stamp NAME COMMAND...: changes when the program file, its arguments or its settings do.
stamp() {
  local name=$1
  shift
  {
    printf '%s\n' "$@"
    stat -Lc '%Y %s' "$(program_file "$name")"
    [ "$name" != portal ] || cat portal/dist/manifest.json
    [[ $name =~ ^(postgres|redis)$ ]] || cat "$VAR/stack.env"
  } | cksum
}

# stop NAME: asks, waits for its drain, and only then insists.
stop() {
  local name=$1 pid signal=TERM
  pid=$(pid_of "$name")
  if [ -n "$pid" ]; then
    [ "$name" != postgres ] || signal=INT # its "fast": ends sessions instead of waiting for them
    kill "-$signal" "$pid" 2>/dev/null || true
    if wait_for 40 gone "$name"; then
      say "$name is stopped"
    else
      warn "$name did not stop in 40 s; killing it"
      kill -KILL "$pid" 2>/dev/null || true
      wait_for 10 gone "$name" || die "$name (pid $pid) cannot be killed" "look at it: ps -fp $pid"
    fi
  fi
  rm -f "$VAR/run/$name.pid" "$VAR/run/$name.stamp"
}

gone() { [ -z "$(pid_of "$1")" ]; }

kill_hard() {
  local pid
  pid=$(pid_of "$1")
  [ -n "$pid" ] || die "$1 does not run" "infra/stack status"
  kill -KILL "$pid"
  wait_for 10 gone "$1"
  say "$1 (pid $pid) was killed"
}
