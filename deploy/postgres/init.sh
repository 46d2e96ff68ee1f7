#!/bin/sh
# Makes a role and a database for each service. For the image of Postgres: put it into /docker-entrypoint-initdb.d, and
# the passwords, a file for each service, into /etc/liuyan/passwords.
set -eu
for service in feed identity intake moderation notification routing stats; do
    password=$(cat "/etc/liuyan/passwords/$service")
    psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<SQL
create role "$service" login password '$password';
create database "$service" owner "$service" template template0 encoding 'UTF8' lc_ctype 'C.UTF-8' lc_collate 'C.UTF-8';
revoke connect on database "$service" from public;
SQL
done
