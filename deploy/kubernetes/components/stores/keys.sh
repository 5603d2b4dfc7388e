#!/bin/sh
# Makes the database of the keys when PostgreSQL makes its data folder: its owner has nothing to do with the record, and the
# record's owner nothing with it.
set -eu
psql --set ON_ERROR_STOP=1 --set password="${R1_KEYS_PASSWORD:-$(cat "${R1_KEYS_PASSWORD_FILE:-/dev/null}")}" --username "$POSTGRES_USER" --dbname postgres <<'END'
CREATE ROLE keymaster LOGIN PASSWORD :'password';
CREATE DATABASE r1keys OWNER keymaster ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE r1keys FROM PUBLIC;
END
