// Package story holds the judge of the proxy: conversations with PostgreSQL written as text, with what the server answers, played
// on a server directly and through the proxy with the same expectations. The server is always asked first: a story that it does not
// confirm is wrong, whatever the proxy says. The stories themselves are in pgtxn/testdata/stories.
//
// # The format
//
//	# 2: a second savepoint of the same name shadows the first
//	SET my.x = 0                    -> SET I
//	BEGIN                           -> BEGIN T
//	SET application_name = 'a'      -> SET S(application_name=a) T
//	SHOW my.x                       -> [0] SHOW T
//	SELECT 1, NULL                  -> [1|NULL] SELECT 1 T
//	SELECT 1/0                      -> ERROR 22012 S(application_name=) E
//	ROLLBACK; ROLLBACK              -> ROLLBACK WARNING 25P01 ROLLBACK I
//
// A line "# N: title" begins a story; N is the numbered fact of the specification that it shows. Lines that begin with "--" are
// comments. Every other line is a statement, " -> ", and all that comes back until ReadyForQuery, in order: a row as [column|column],
// a tag as it is (EMPTY for EmptyQueryResponse), severity and SQLSTATE of an error or notice, S(name=value) for a ParameterStatus,
// and last the status of ReadyForQuery. ParameterStatus messages in a row are compared without regard to their order, which
// differs between versions of PostgreSQL. A statement that goes on in the next line ends in "\".
//
// A statement is sent as Query or as Parse, Bind, Describe, Execute, Sync, as the way of playing wants it. One with a ";" in it is a
// Query in every way. With psql's words at its end it is always in the extended protocol: "SELECT $1 \bind 41 'a b'" binds
// parameters, "SET my.x = 1 \parse p" makes a named prepared statement, "\bind_named p" runs it, "\close_prepared p" closes it.
//
// Several messages are sent in one write as a block. Its statements have each their own part of the answer, Sync is a line of its
// own, and what the server skips after an error is answered by "skipped". One with a ";" is a Query here too:
//
//	pipeline
//	  SET my.x = 5                  -> SET
//	  SELECT 1/0                    -> ERROR 22012
//	  SET my.x = 6                  -> skipped
//	  sync                          -> I
//
// What newer versions of PostgreSQL answer otherwise stands in an indented line behind the statement:
//
//	SET search_path = one           -> SET I
//	  since 18                      -> SET S(search_path=one) I
//
// Statements of further clients begin with the client's name: "other: BEGIN -> BEGIN T", "other: pipeline". Before the first
// statement a story may say which user it logs in as, what its startup message holds, what to run on the server beforehand, and why
// it can't share its backends:
//
//	user story_alice
//	startup
//	  options = -c work_mem=5MB
//	setup
//	  DROP TABLE IF EXISTS story_t
//	pins set_config
package story
