# Virtual environments of the tests outside, each made once.
# shellcheck shell=bash

# environment FOLDER REQUIREMENTS [UV ARGUMENT…]: made again when what it needs changes. INTERPRETER says
# which interpreter it is made from.
environment() {
  cmp -s "$2" "$1.installed" && return
  rm -rf "${1:?}"
  "${INTERPRETER:-python3}" -m venv "$1"
  # uv resolves in seconds what pip takes minutes for.
  "$1/bin/pip" install --quiet --disable-pip-version-check uv
  "$1/bin/uv" pip install --quiet --python "$1/bin/python" "${@:3}" -r "$2"
  cp "$2" "$1.installed"
}
