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
# until they are counted: some seconds, a minute where a gateway of before does not come back.
first_call() {
  local end=$((SECONDS + 90))
  until answered; do
    [ "$SECONDS" -lt "$end" ] ||
      die "the first call was not answered with 200 but: ${ANSWER:-nothing}" "look at it: infra/stack logs gateway"
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
