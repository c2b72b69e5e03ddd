# The demo: seeds it, makes the first call through the gateway, and tells how to go on.
# shellcheck shell=bash

DEMO=$VAR/demo.json

# It says which of the providers in the environment could not be offered, and why.
seed() {
  local said line
  said=$("$BIN/tollgate-backend" admin seed-demo --out "$DEMO" 2>>"$VAR/log/seed.log" 9>&-) ||
    { tail -n 5 "$VAR/log/seed.log" >&2; die "seeding the demo failed" "the whole log: $VAR/log/seed.log"; }
  while read -r line; do say "$line"; done <<<"$said"
}

# field NAME: the first string of that name in demo.json.
field() { tr -d '\n' <"$DEMO" | grep -o "\"$1\" *: *\"[^\"]*\"" | head -n 1 | cut -d'"' -f4; }

first_model() { tr -d '\n ' <"$DEMO" | grep -o '"models":\[[^]]*' | grep -o '"[^"]*"' | sed -n 2p | tr -d '"'; }

ask() {
  curl -sS --max-time 30 -w '\n%{http_code}' "$TOLLGATE_GATEWAY_URL/v1/chat/completions" \
    -H "authorization: Bearer $(field key)" -H 'content-type: application/json' \
    -d "{\"model\":\"$(first_model)\",\"messages\":[{\"role\":\"user\",\"content\":\"Say hello to Tollgate.\"}]}"
}

answered() { ANSWER=$(ask) && [ "${ANSWER##*$'\n'}" = 200 ]; }

# The key may still be on its way to the gateway. And after Redis was started again limits are closed
# until everyone that may have something in hand was heard of: seven seconds from the publisher's start.
# Longer only where a gateway was killed and is not started again, as gateway2 to gateway4 may be.
first_call() {
  local end=$((SECONDS + 10)) waits=
  until answered; do
    if [ "$SECONDS" -ge "$end" ]; then
      if [ -n "$waits" ] || [[ ${ANSWER:-} != *"cannot be checked now"* ]]; then
        die "the first call was not answered with 200 but: ${ANSWER:-nothing}" "look at it: infra/stack logs gateway"
      fi
      say "waiting up to a minute: limits are closed until it is sure what a gateway used that was killed and is not back"
      waits=1 end=$((SECONDS + 65))
    fi
    sleep 0.2
  done
  say "the first call through the gateway came back:"
  printf '\n%s\n\n' "${ANSWER%$'\n'*}"
}

tell() {
  cat <<TEXT
Tollgate is up.
  Portal     $TOLLGATE_PORTAL_URL
  Gateway    $TOLLGATE_GATEWAY_URL/v1
  API        $TOLLGATE_API_URL
  Mailbox    $TOLLGATE_MAILBOX_URL  (every mail of this installation lands here)
  Sign in    $(field email)  /  $(field password)   (operator; everybody else is in ${DEMO#"$ROOT"/})
Call a model:
  curl $TOLLGATE_GATEWAY_URL/v1/chat/completions -H 'content-type: application/json' \\
    -H 'authorization: Bearer $(field key)' \\
    -d '{"model":"$(first_model)","messages":[{"role":"user","content":"Hello"}]}'
Stop: make down    Logs: make logs    Again: make up
TEXT
}
