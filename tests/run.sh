#!/usr/bin/env bash
# Installs what the tests need where it is missing, builds once, runs every test project one after the other, and ends
# with one line: N passed, N failed, N skipped. A build that fails, a project without results and a run without tests
# count as failures.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly TIME_LIMIT=38m

end() { # passed failed skipped
  echo "$1 passed, $2 failed, $3 skipped"
  (( $2 == 0 && $1 > 0 ))
  exit
}

missing() {
  echo "$1" >&2
  end 0 1 0
}

command -v dotnet >/dev/null || missing "The .NET 10 SDK is missing: install it, so that 'dotnet' is on the path."
if ! { command -v node && command -v npm; } >/dev/null; then
  { (( EUID == 0 )) && command -v apt-get >/dev/null; } || missing "Node.js and npm are missing: install them (on Debian: apt-get install nodejs npm)."
  { apt-get update && apt-get install -y --no-install-recommends nodejs npm; } >&2 || missing "Node.js and npm could not be installed with apt-get."
fi

missing_servers=()
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing_servers+=(postgresql)
command -v redis-server >/dev/null || missing_servers+=(redis-server)
if (( ${#missing_servers[@]} > 0 )); then
  { (( EUID == 0 )) && command -v apt-get >/dev/null; } || missing "${missing_servers[*]} missing: install (on Debian: apt-get install ${missing_servers[*]})."
  # The tests start servers of their own: the packages' shall not run beside them.
  if [[ ! -e /etc/postgresql-common/createcluster.conf ]]; then
    mkdir -p /etc/postgresql-common && echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
  fi
  { apt-get update && RUNLEVEL=1 apt-get install -y --no-install-recommends "${missing_servers[@]}"; } >&2 || missing "${missing_servers[*]} could not be installed with apt-get."
fi

dotnet build R1Grains.sln -v quiet || missing "The build failed."

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
timeout --foreground "$TIME_LIMIT" dotnet test R1Grains.sln --no-build -m:1 --blame-hang --blame-hang-timeout 8m --blame-hang-dump-type none --logger trx --results-directory "$results"
status=$?
(( status == 124 )) && echo "The tests ran past $TIME_LIMIT and were stopped." >&2

counter() { # name: the sum of this counter over all result files
  grep -hoE '<Counters [^>]*' "$results"/*.trx 2>/dev/null | grep -oE " $1=\"[0-9]+\"" | tr -dc '0-9\n' | awk '{ sum += $1 } END { print sum + 0 }'
}

total=$(counter total)
executed=$(counter executed)
passed=$(counter passed)
failed=$(( executed - passed ))
silent=$(( $(ls -d tests/*/*.csproj | wc -l) - $(ls "$results"/*.trx 2>/dev/null | wc -l) ))
(( silent > 0 )) && echo "$silent test projects gave no results." >&2
(( failed += silent > 0 ? silent : 0 ))
(( failed == 0 && status != 0 )) && failed=1
end "$passed" "$failed" "$(( total - executed ))"
