# Why a session keeps its backend.

## A pin is made when the statement is sent
q: LISTEN a; SELECT 1/0
pins
= LISTEN
c
e
z: I
pins
= LISTEN

## The reasons
q: CREATE TEMP TABLE t (a int)
c
z: I
q: SELECT pg_advisory_lock(1)
c
z: I
q: DECLARE c CURSOR WITH HOLD FOR SELECT 1
c
z: I
q: PREPARE p AS SELECT 1
c
z: I
q: LOAD 'auto_explain'
c
z: I
q: SELECT setseed(0.5)
c
z: I
q: SELECT set_config('v', '1', true)
c
z: I
pins
= temporary objects, session advisory lock, cursor WITH HOLD, SQL PREPARE, LOAD, setseed, set_config
q: DO $$ BEGIN END $$
c
z: I
pin: oversized statement
pin: replication
pins
= temporary objects, session advisory lock, cursor WITH HOLD, SQL PREPARE, LOAD, setseed, set_config, hidden changes, oversized statement, replication

## DISCARD ALL lifts all but replication
q: LISTEN a
c
z: I
pin: replication
pin: oversized statement
q: DISCARD ALL
c
z: I
pins
= replication

## but not what was sent behind it
q: DISCARD ALL
pin: oversized statement
q: LISTEN a
c
z: I
pins
= LISTEN, oversized statement
c
z: I
pins
= LISTEN, oversized statement

## A DISCARD ALL that fails lifts nothing
q: BEGIN; LISTEN a
c 2
z: T
q: DISCARD ALL
e
z: E
pins
= LISTEN

## What is skipped does not pin
x: SELECT 1/0
e
x: LISTEN a
sync
z: I
pins
= none

## Plain work does not pin, though a trigger may have changed variables
q: INSERT INTO t (a) VALUES (1)
c
z: I
pins
= none
