#!/bin/sh
# Run once by the image of PostgreSQL, over its own socket, before anybody can connect: makes the login of R1Grains, its
# database and the roles of the record. The superuser has no password afterwards: over the network nobody is one.
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=password="$POSTGRES_PASSWORD" --username="$POSTGRES_USER" --dbname=postgres <<'END'
CREATE ROLE r1grains LOGIN PASSWORD :'password';
CREATE DATABASE r1grains OWNER r1grains;
ALTER ROLE CURRENT_USER PASSWORD NULL;
\connect r1grains
\i /etc/r1grains/roles.sql
END
