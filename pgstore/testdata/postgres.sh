#!/usr/bin/env bash
# usage: postgres.sh COMMAND [ARGUMENT...]
#
# Runs the command with a PostgreSQL of its own, whose address is in
# PGSTORE_TEST_DATABASE_URL: in a temporary folder, on a Unix socket in it. The
# server is stopped and the folder removed when the command ends. Where
# PGSTORE_TEST_DATABASE_URL is set already, the command is run with that.
#
# Where PostgreSQL's programs are missing, root on Debian gets them installed.
set -euo pipefail
[ $# -gt 0 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2; }
[ -z "${PGSTORE_TEST_DATABASE_URL:-}" ] || exec "$@"

programs() {
	local found
	found=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb "$(command -v initdb || true)" | grep -v '[*]' | grep . | sort -V | tail -1)
	[ -n "$found" ] && dirname "$found"
}

if ! programs >/dev/null; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "postgres.sh: PostgreSQL's programs are missing. Install them (Debian: apt-get install postgresql)." >&2
		exit 1
	fi
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
fi
bin=$(programs)

# PostgreSQL refuses to run as root.
as=()
if [ "$(id -u)" = 0 ]; then
	as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi

dir=$(mktemp -d /tmp/pgstore.XXXXXX) # a short path, for the socket
stop() {
	(cd "$dir" && "${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m fast stop >/dev/null 2>&1) || true
	rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM
[ ${#as[@]} = 0 ] || chown postgres "$dir"
here=$PWD
cd "$dir"
"${as[@]}" "$bin/initdb" -D "$dir/data" -U postgres -A trust -N -E UTF8 >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -o "-k $dir -c listen_addresses= -c fsync=off" start >/dev/null || { cat "$dir/log" >&2; exit 1; }
cd "$here"

PGSTORE_TEST_DATABASE_URL="postgres://postgres@/postgres?host=$dir" "$@"
