#!/usr/bin/env bash
# A cluster of three silos with PostgreSQL and Redis on this machine, on loopback only. See --help.
set -euo pipefail
# Keys, passwords and what was said are for the owner alone.
umask 077

readonly SHIFT=${R1_LOCAL_SHIFT:-0} SILOS=(1 2 3)
readonly START_SECONDS_MAX=300 STOP_SECONDS_MAX=60
# The host waits 30 s for running turns and 10 s for its services.
readonly SILO_STOP_SECONDS_MAX=60
readonly DONE=0 FAILED=1 USAGE=2 NOT_RUNNING=3

[[ $SHIFT =~ ^[0-9]{1,4}$ ]] || { echo "local.sh: R1_LOCAL_SHIFT is '$SHIFT': write a number up to 9999, which every port is raised by." >&2; exit "$USAGE"; }
readonly POSTGRES_PORT=$((55432 + SHIFT)) REDIS_PORT=$((56379 + SHIFT))
readonly GRPC_PORTS=(0 $((5081 + SHIFT)) $((5082 + SHIFT)) $((5083 + SHIFT)))
readonly SILO_PORTS=(0 $((11111 + SHIFT)) $((11112 + SHIFT)) $((11113 + SHIFT)))

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly HERE REPOSITORY=${HERE%/*}
readonly STORES=$HERE/kubernetes/components/stores
LOCAL=$(realpath -m -- "${R1_LOCAL:-$REPOSITORY/data/local}")
readonly LOCAL APP=$LOCAL/app SECRETS=$LOCAL/secrets.env ROOT_KEY=$LOCAL/record.root
# One word per silo, or one for all.
read -r -a ROLES <<<"${R1_LOCAL_ROLES:-gateway,conversation,inference}"

help() {
  cat <<'END'
Usage: deploy/local.sh up | down | status

  up       starts what is not running: PostgreSQL, Redis and three silos, each with every role; waits until all serve
  down     stops what "up" started, silos first; what it wrote stays
  status   one line per part

Listens on 127.0.0.1 only: PostgreSQL 55432, Redis 56379, gRPC 5081 5082 5083, among silos 11111 11112 11113.

  R1_LOCAL         folder for data, keys, passwords and logs (default: data/local in the repository); remove it to start anew
  R1_LOCAL_ROLES   roles, one word per silo or one for all (default: gateway,conversation,inference),
                   e.g. 'gateway gateway,conversation conversation,inference'
  R1_LOCAL_SHIFT   a number that is added to every port, for a second cluster beside the first (with another R1_LOCAL)
  R1__...          every other setting of the host goes to all three. Unless set, a silo has one thread for its model and
                   512 MiB for keys and values (R1__Engine__Threads, R1__Engine__KvMebibytes).

PostgreSQL, Redis and curl are installed with apt-get if they are missing and you are root. The host is built from this
repository while no silo runs.

Exit codes: 0 done, for status: all parts serve   1 failed   2 wrong usage   3 status: something does not serve
END
}

say() { printf '%s\n' "$*"; }
fail() {
  printf 'local.sh: %s\n' "$*" >&2
  exit "$FAILED"
}

# --- processes: "pid start-time", because a pid alone may be another process by tomorrow ---------------------------------

# Prints when the process started, in the kernel's ticks; nothing if there is none, or only its corpse.
started_at() { # pid
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  # The name in parentheses may contain spaces; after it come the state (1st) and the start time (20th).
  read -r -a stat <<<"${stat##*) }"
  [[ ${stat[0]} != [ZX] ]] && printf '%s' "${stat[19]}"
}

remember() { # part pid
  local start
  start=$(started_at "$2") || return 1
  printf '%s %s\n' "$2" "$start" >"$LOCAL/$1.pid"
}

# Prints the pid of a part that runs.
pid_of() { # part
  local pid start
  [[ -r $LOCAL/$1.pid ]] && read -r pid start <"$LOCAL/$1.pid" && [[ $(started_at "$pid") == "$start" ]] && printf '%s' "$pid"
}

# --- who answers ------------------------------------------------------------------------------------------------------------

listens() { # port
  { : <"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null
}

# Somebody else may answer where a part should.
owns() { # pid port
  local inodes
  inodes=$(awk -v port="$(printf ':%04X' "$2")" '$4 == "0A" && substr($2, length($2) - 4) == port { printf "%s%s", sep, $10; sep = "|" }' /proc/net/tcp /proc/net/tcp6 2>/dev/null || true)
  [[ -n $inodes ]] && find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null | grep -qE "^socket:\\[($inodes)\\]\$"
}

# grpc.health.v1 by hand: an empty request in, five bytes of frame and the field status = 1 (SERVING) out.
serves() { # gRPC port
  [[ $(printf '\0\0\0\0\0' | curl --silent --max-time 2 --noproxy '*' --http2-prior-knowledge --data-binary @- \
    --header 'content-type: application/grpc' --header 'te: trailers' \
    "http://127.0.0.1:$1/grpc.health.v1.Health/Check" 2>/dev/null | od -An -tx1 | tr -d ' \n') == 00000000020801 ]]
}

postgres_answers() { "$(postgres_bin)/pg_isready" --quiet --host=127.0.0.1 --port="$POSTGRES_PORT" --username=r1grains --dbname=r1grains; }

redis_answers() { [[ $(REDISCLI_AUTH=$REDIS_PASSWORD redis-cli -h 127.0.0.1 -p "$REDIS_PORT" ping 2>/dev/null) == PONG ]]; }

# Waits until a part answers; says why if it does not.
wait_for() { # part port command...
  local part=$1 port=$2 deadline=$((SECONDS + START_SECONDS_MAX)) pid
  shift 2
  until pid=$(pid_of "$part") && owns "$pid" "$port" && "$@"; do
    if ! pid=$(pid_of "$part"); then
      tail -n 5 "$LOCAL/$part.log" >&2 || true
      fail "$part ended while it started; the log is $LOCAL/$part.log. What runs can be stopped with: deploy/local.sh down"
    fi
    (( SECONDS < deadline )) || fail "$part (pid $pid) does not answer after $START_SECONDS_MAX s; the log is $LOCAL/$part.log. What runs can be stopped with: deploy/local.sh down"
    sleep 0.2
  done
}

refuse_taken() { # port, for what
  local holder=""
  listens "$1" || return 0
  if command -v ss >/dev/null; then holder=$(ss -Hltnp "sport = :$1" 2>/dev/null | grep -o 'users:.*' | head -n 1 || true); fi
  fail "port $1 of 127.0.0.1, for $2, is taken${holder:+ by $holder}. It was not started by this script in $LOCAL: stop it first."
}

# --- what has to be there ---------------------------------------------------------------------------------------------------

postgres_bin() {
  local folders=(/usr/lib/postgresql/*/bin /usr/pgsql-*/bin) sorted
  mapfile -t sorted < <(printf '%s\n' "${folders[@]}" | sort -rV)
  for folder in "${sorted[@]}"; do
    [[ -x $folder/initdb ]] && printf '%s' "$folder" && return
  done
  dirname "$(command -v initdb)" 2>/dev/null
}

install_missing() {
  local packages=()
  postgres_bin >/dev/null || packages+=(postgresql)
  command -v redis-server >/dev/null && command -v redis-cli >/dev/null || packages+=(redis-server)
  command -v curl >/dev/null || packages+=(curl)
  command -v dotnet >/dev/null || fail "the .NET 10 SDK is missing: install it, so that 'dotnet' is on the path."
  (( ${#packages[@]} > 0 )) || return 0
  { (( EUID == 0 )) && command -v apt-get >/dev/null; } ||
    fail "missing: ${packages[*]}. Install them (on Debian: sudo apt-get install ${packages[*]}) and run this again."
  say "installing ${packages[*]}"
  (
    umask 022
    export DEBIAN_FRONTEND=noninteractive
    apt-get update && apt-get install -y --no-install-recommends "${packages[@]}"
  ) >"$LOCAL/install.log" 2>&1 || fail "${packages[*]} could not be installed; the log is $LOCAL/install.log."
}

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

make_secrets() {
  if [[ ! -s $ROOT_KEY ]]; then
    head -c 32 /dev/urandom | base64 >"$ROOT_KEY.new"
    mv "$ROOT_KEY.new" "$ROOT_KEY"
  fi
  [[ -s $SECRETS ]] && return
  printf 'POSTGRES_PASSWORD=%s\nPOSTGRES_ADMIN_PASSWORD=%s\nREDIS_PASSWORD=%s\n' "$(random)" "$(random)" "$(random)" >"$SECRETS.new"
  mv "$SECRETS.new" "$SECRETS"
}

# --- the parts --------------------------------------------------------------------------------------------------------------

# PostgreSQL refuses to run as root. This replaces itself by what it runs, so pids stay true.
AS_POSTGRES=()
if (( EUID == 0 )); then AS_POSTGRES=(setpriv --reuid=postgres --regid=postgres --init-groups --); fi
readonly AS_POSTGRES

sql() { # database: statements come on standard input
  PGPASSWORD=$POSTGRES_ADMIN_PASSWORD psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 \
    --host=127.0.0.1 --port="$POSTGRES_PORT" --username=postgres --dbname="$1"
}

start_postgres() {
  local bin data=$LOCAL/postgresql version
  bin=$(postgres_bin)
  mkdir -p "$data"
  if (( EUID == 0 )); then
    chown postgres: "$data"
    "${AS_POSTGRES[@]}" test -w "$data" || fail "the user postgres cannot enter $LOCAL, because a folder above it is closed to others: name another one, e.g. R1_LOCAL=/var/tmp/r1grains."
  fi
  chmod 700 "$data"
  if [[ ! -e $data/PG_VERSION ]]; then
    install -m 600 /dev/null "$LOCAL/initdb.password"
    printf '%s\n' "$POSTGRES_ADMIN_PASSWORD" >"$LOCAL/initdb.password"
    if (( EUID == 0 )); then chown postgres: "$LOCAL/initdb.password"; fi
    "${AS_POSTGRES[@]}" "$bin/initdb" --pgdata="$data" --username=postgres --pwfile="$LOCAL/initdb.password" \
      --auth=scram-sha-256 --data-checksums --encoding=UTF8 --locale=C.UTF-8 >"$LOCAL/initdb.log" 2>&1 ||
      fail "PostgreSQL's data folder could not be made; the log is $LOCAL/initdb.log."
    rm -f "$LOCAL/initdb.password"
  fi
  version=$(<"$data/PG_VERSION")
  [[ $("$bin/postgres" --version) == *" $version."* ]] ||
    fail "$data was made by PostgreSQL $version, and here is $("$bin/postgres" --version): bring it over with pg_upgrade, or take another R1_LOCAL."
  # The settings of production, but for what this machine differs in. It has no socket: two clusters would meet there.
  # A copy of the settings, because the user postgres may not be able to read the repository.
  install -m 644 "$STORES/postgresql.conf" "$LOCAL/postgresql.conf"
  setsid "${AS_POSTGRES[@]}" "$bin/postgres" -D "$data" -c config_file="$LOCAL/postgresql.conf" \
    -c listen_addresses=127.0.0.1 -c port="$POSTGRES_PORT" -c unix_socket_directories= -c shared_buffers=128MB \
    </dev/null >>"$LOCAL/postgresql.log" 2>&1 &
  remember postgresql $! || fail "PostgreSQL did not start; the log is $LOCAL/postgresql.log."
}

make_database() {
  sql postgres <<<"SELECT 1 FROM pg_roles WHERE rolname = 'r1grains'" | grep -q 1 ||
    sql postgres <<<"CREATE ROLE r1grains LOGIN PASSWORD '$POSTGRES_PASSWORD'"
  sql postgres <<<"SELECT 1 FROM pg_database WHERE datname = 'r1grains'" | grep -q 1 ||
    sql postgres <<<"CREATE DATABASE r1grains OWNER r1grains"
  sql r1grains <"$STORES/roles.sql"
}

start_redis() {
  mkdir -p "$LOCAL/redis"
  printf '%s\n' "include \"$STORES/redis.conf\"" "bind 127.0.0.1" "port $REDIS_PORT" "dir \"$LOCAL/redis\"" "daemonize no" \
    "requirepass $REDIS_PASSWORD" >"$LOCAL/redis.conf"
  setsid redis-server "$LOCAL/redis.conf" </dev/null >>"$LOCAL/redis.log" 2>&1 &
  remember redis $! || fail "Redis did not start; the log is $LOCAL/redis.log."
}

build_host() {
  local silo
  for silo in "${SILOS[@]}"; do
    # A file that a process runs from must not change under it.
    if pid_of "silo-$silo" >/dev/null; then return; fi
  done
  say "building the host"
  dotnet publish "$REPOSITORY/src/R1Grains/R1Grains.csproj" -c Release -o "$APP" -v quiet >"$LOCAL/build.log" 2>&1 ||
    { tail -n 5 "$LOCAL/build.log" >&2; fail "the host could not be built; the log is $LOCAL/build.log."; }
}

roles_of() { # silo
  (( ${#ROLES[@]} == 1 )) && printf '%s' "${ROLES[0]}" || printf '%s' "${ROLES[$1 - 1]}"
}

start_silo() { # silo
  local name=silo-$1
  mkdir -p "$LOCAL/$name"
  (
    R1__Roles=$(roles_of "$1")
    export R1__Roles R1__Silo__Name=$name R1__Silo__Listen=127.0.0.1:${SILO_PORTS[$1]}
    export R1__Cluster=${R1__Cluster:-r1grains} R1__Listen=127.0.0.1:${GRPC_PORTS[$1]} R1__Data=$LOCAL/$name
    export R1__Record__Key=${R1__Record__Key:-$LOCAL/record.key}
    export R1__Record__Keys=${R1__Record__Keys:-$LOCAL/keys} R1__Record__RootKey=${R1__Record__RootKey:-$(<"$ROOT_KEY")}
    export R1__Engine__Threads=${R1__Engine__Threads:-1} R1__Engine__KvMebibytes=${R1__Engine__KvMebibytes:-512}
    export ConnectionStrings__Postgres="Host=127.0.0.1;Port=$POSTGRES_PORT;Database=r1grains;Username=r1grains;Password=$POSTGRES_PASSWORD;Maximum Pool Size=20"
    export ConnectionStrings__Redis="127.0.0.1:$REDIS_PORT,password=$REDIS_PASSWORD"
    # ONNX Runtime would report its use to its maker.
    export ORT_DISABLE_TELEMETRY=1
    # One scrape port for three processes would be taken by the first.
    unset R1__Metrics
    exec setsid dotnet "$APP/R1Grains.dll" </dev/null >>"$LOCAL/$name.log" 2>&1
  ) &
  remember "$name" $! || fail "$name did not start; the log is $LOCAL/$name.log."
}

# Parts that are stopped together are asked together, before any is waited for.
stop_parts() { # signal seconds part...
  local signal=$1 seconds=$2 part pid
  local -A asked=()
  shift 2
  for part in "$@"; do
    if pid=$(pid_of "$part"); then
      kill -s "$signal" "$pid" 2>/dev/null || true
      asked[$part]=$pid
    else
      rm -f "$LOCAL/$part.pid"
    fi
  done
  local deadline=$((SECONDS + seconds))
  for part in "$@"; do
    [[ -v asked[$part] ]] || continue
    while pid_of "$part" >/dev/null; do
      (( SECONDS < deadline )) || fail "$part (pid ${asked[$part]}) has not stopped within $seconds s; the log is $LOCAL/$part.log."
      sleep 0.1
    done
    rm -f "$LOCAL/$part.pid"
    say "stopped $part (pid ${asked[$part]})"
  done
}

# --- commands ---------------------------------------------------------------------------------------------------------------

load_secrets() {
  # shellcheck source=/dev/null
  source "$SECRETS"
}

check_roles() {
  local word role
  (( ${#ROLES[@]} == 1 || ${#ROLES[@]} == ${#SILOS[@]} )) ||
    { say "local.sh: R1_LOCAL_ROLES has ${#ROLES[@]} words: write one for all silos, or ${#SILOS[@]}." >&2; exit "$USAGE"; }
  for word in "${ROLES[@]}"; do
    for role in ${word//,/ }; do
      [[ $role == @(gateway|conversation|inference) ]] ||
        { say "local.sh: R1_LOCAL_ROLES has the role '$role': there are gateway, conversation and inference." >&2; exit "$USAGE"; }
    done
  done
}

check_ports() {
  local silo
  pid_of postgresql >/dev/null || refuse_taken "$POSTGRES_PORT" PostgreSQL
  pid_of redis >/dev/null || refuse_taken "$REDIS_PORT" Redis
  for silo in "${SILOS[@]}"; do
    if pid_of "silo-$silo" >/dev/null; then continue; fi
    refuse_taken "${GRPC_PORTS[$silo]}" "gRPC of silo-$silo"
    refuse_taken "${SILO_PORTS[$silo]}" "silo-$silo among silos"
  done
}

up() {
  local silo servers=""
  check_roles
  # The user postgres has to pass through.
  (umask 066 && mkdir -p "$LOCAL") || fail "the folder $LOCAL cannot be made: name another one with R1_LOCAL."
  check_ports
  install_missing
  make_secrets
  load_secrets
  build_host
  pid_of postgresql >/dev/null || start_postgres
  pid_of redis >/dev/null || start_redis
  wait_for postgresql "$POSTGRES_PORT" postgres_answers
  make_database
  wait_for redis "$REDIS_PORT" redis_answers
  check_ports
  # Together: each of them loads a model, and none waits for another.
  for silo in "${SILOS[@]}"; do pid_of "silo-$silo" >/dev/null || start_silo "$silo"; done
  for silo in "${SILOS[@]}"; do wait_for "silo-$silo" "${GRPC_PORTS[$silo]}" serves "${GRPC_PORTS[$silo]}"; done
  status
  for silo in "${SILOS[@]}"; do
    [[ ,$(roles_of "$silo"), == *,gateway,* ]] && servers+=${servers:+,}http://127.0.0.1:${GRPC_PORTS[$silo]}
  done
  say "next       dotnet run --project src/R1Grains.Cli -- chat --server ${servers:-(no silo has the role gateway)}"
  say "stop       deploy/local.sh down"
}

down() {
  stop_parts TERM "$SILO_STOP_SECONDS_MAX" "${SILOS[@]/#/silo-}"
  stop_parts TERM "$STOP_SECONDS_MAX" redis
  # SIGINT is PostgreSQL's fast shutdown: it ends sessions instead of waiting for them.
  stop_parts INT "$STOP_SECONDS_MAX" postgresql
}

status() {
  local all=$DONE silo
  [[ -s $SECRETS ]] && load_secrets
  line postgresql "$POSTGRES_PORT" "" postgres_answers || all=$NOT_RUNNING
  line redis "$REDIS_PORT" "" redis_answers || all=$NOT_RUNNING
  for silo in "${SILOS[@]}"; do
    line "silo-$silo" "${GRPC_PORTS[$silo]}" http:// serves "${GRPC_PORTS[$silo]}" || all=$NOT_RUNNING
  done
  return "$all"
}

line() { # part port scheme command...
  local part=$1 port=$2 address=${3}127.0.0.1:$2 pid state=stopped
  shift 3
  if pid=$(pid_of "$part"); then
    if owns "$pid" "$port" && "$@"; then state=serving; else state="not serving"; fi
  fi
  printf '%-10s %-22s %-12s %s\n' "$part" "$address" "$state" "${pid:+pid $pid}" | sed 's/ *$//'
  [[ $state == serving ]]
}

case "${1:-}" in
  up | down | status)
    (( $# == 1 )) || { help >&2; exit "$USAGE"; }
    "$1"
    ;;
  -h | --help | help) help ;;
  *)
    help >&2
    exit "$USAGE"
    ;;
esac
