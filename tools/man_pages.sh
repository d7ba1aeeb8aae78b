#!/usr/bin/env bash
# man_pages.sh BINARY FOLDER: a manual page for the program and one for each verb, made of their --help.
set -euo pipefail
binary=$1 folder=$2
mkdir -p "$folder"
page() {  # page NAME TITLE COMMAND
  help2man --no-info --section=1 --name="$2" --version-string="$("$binary" version)" --output="$folder/$1.1" "$3"
  gzip -9nf "$folder/$1.1"
}
page passerelle "application gateway that reads Azure's own documents" "$binary"
while read -r verb title; do
  page "passerelle-$verb" "$title" "$binary $verb"
done <<'T'
run carry traffic
init write the local file that a template needs
check say what is wrong with a configuration
explain say what becomes of a request, and why
what-if say what a configuration would do to the running gateway
tunnels show live tunnels
upgrade hand over to the binary now installed
backend a demo backend
T
