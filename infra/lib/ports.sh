# Which ports this stack listens on: the well-known ones where they are free, else others, and the
# same ones again next time (ports.env).
# shellcheck shell=bash

declare -A PORTS=()
declare -A PREFERRED=(
  [gateway]=7100 [backend]=7101 [portal]=7102 [simulator]=7103 [smtp]=7104
  [postgres]=7105 [redis]=7106 [gateway_admin]=7110 [gateway2]=7120 [gateway2_admin]=7121
  [gateway3]=7130 [gateway3_admin]=7131 [gateway4]=7140 [gateway4_admin]=7141
)

is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

is_given() { local port; for port in "${PORTS[@]}"; do [ "$port" != "$1" ] || return 0; done; return 1; }

ports_load() {
  local name port
  [ -r "$VAR/ports.env" ] || return 0
  while IFS='=' read -r name port; do
    [[ -n ${PREFERRED[$name]:-} && $port =~ ^[0-9]+$ ]] && PORTS[$name]=$port
  done <"$VAR/ports.env"
}

ports_save() {
  local name
  for name in "${!PORTS[@]}"; do echo "$name=${PORTS[$name]}"; done | sort >"$VAR/ports.env.new"
  mv "$VAR/ports.env.new" "$VAR/ports.env"
}

# A remembered port is kept while our own program holds it or nobody does.
ports_choose() {
  ports_load
  local name owner port
  for name in "${!PREFERRED[@]}"; do
    owner=${name%_admin}
    [ "$name" != smtp ] || owner=simulator
    port=${PORTS[$name]:-}
    if [ -n "$port" ] && { is_free "$port" || [ "$(state "$owner")" = running ]; }; then continue; fi
    [ -z "$port" ] || warn "port $port of $name is taken by another program; choosing one more"
    unset "PORTS[$name]"
    port=${PREFERRED[$name]}
    while ! is_free "$port" || is_given "$port"; do port=$((port + 100)); done
    PORTS[$name]=$port
  done
  ports_save
}
