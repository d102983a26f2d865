#!/usr/bin/env bash
# Does what wisesim prints: takes the lines for a shell as they stand and runs them,
# over plain HTTP and over TLS with a token, to a PIN that a device has sealed and a
# challenge that is cleared. Needs Go, Node, npm and curl.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$work"' EXIT
go build -C "$root" -o "$work/wisesim" ./cmd/wisesim
cd "$work"
mkdir -p repository/examples tmp
export TMPDIR="$work/tmp"
cp -R "$root/examples/device-node" repository/examples # a copy: the lines install into it
rm -rf repository/examples/device-node/node_modules

# expect NUMBER PATTERN: so many lines of what the journey has shown fit.
expect() {
	local count
	count=$(tr -d '\r' <shown | grep -cE "$2" || true)
	[ "$count" = "$1" ] || { cat shown; echo "$count lines fit $2, want $1"; return 1; }
}

# begin FLAGS... starts a wisesim, and waits for what it prints.
begin() {
	echo "-- wisesim $*"
	rm -f printed
	./wisesim -addr 127.0.0.1:0 "$@" >printed &
	pid=$!
	for _ in $(seq 300); do
		! grep -qs '/v3/pay$' printed || return 0
		sleep 0.1
	done
	echo 'it has printed nothing'
	return 1
}

# end stops it, as a service is stopped.
end() {
	kill -TERM "$pid"
	wait "$pid" || { echo "wisesim ended with $?"; return 1; }
	pid=
}

# journey FLAGS... runs the lines of one wisesim.
journey() {
	begin -state state.json "$@"
	sed -n '/^For a shell/,$p' printed | grep '^  ' >lines
	(cd repository && bash -euo pipefail ../lines) >shown 2>errors || { cat lines shown errors; return 1; }
	expect 2 '"access_token":"'
	expect 1 '"refresh_token":"'
	expect 1 '^HTTP/[12.]+ 204( No Content)?'     # the PIN
	expect 1 '^HTTP/[12.]+ 403( Forbidden)?'      # the challenge
	expect 1 '^HTTP/[12.]+ 400( Bad Request)?'    # the wrong answer
	expect 2 '^HTTP/[12.]+ 200( OK)?'             # the right answer, and the call repeated
	expect 1 '^[Xx]-2fa-[Aa]pproval-[Rr]esult: APPROVED'
	[ "$(grep -lwE '0417|9999' shown errors || true)" = "" ]
	[ "$(ls -A repository)" = examples ]
	end
	[ "$(stat -c %a state.json)" = 600 ]
	grep -q '"registrationCodes"' state.json
	rm state.json
}

journey
journey -tls -expose localhost -prefix /gateway
begin
node repository/examples/device-node/demo.mjs "$(sed -n 's/^  WISE=//p' printed)"
end
