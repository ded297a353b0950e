/*
 * Goes between isolationtester and libpq (LD_PRELOAD) when the tester runs through the proxy.
 *
 * The tester asks the server whether the backend of a session waits for that of another, by the process ids which it was
 * told when it connected. Those are the proxy's; the backend is another one in each transaction. So each session puts that
 * id in front of its application_name, which the proxy brings along to every backend, and the question is asked by it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;

int
PQbackendPID(const PGconn *conn)
{
	int			(*next)(const PGconn *) = dlsym(RTLD_NEXT, "PQbackendPID");
	PGresult   *(*exec)(const PGconn *, const char *) = dlsym(RTLD_NEXT, "PQexec");
	void		(*clear)(PGresult *) = dlsym(RTLD_NEXT, "PQclear");
	int			pid = next(conn);
	char		sql[200];

	snprintf(sql, sizeof sql, "SELECT set_config('application_name', '%d#' || current_setting('application_name'), false)", pid);
	clear(exec(conn, sql));
	return pid;
}

PGresult *
PQprepare(PGconn *conn, const char *name, const char *sql, int n, const unsigned int *types)
{
	PGresult   *(*next)(PGconn *, const char *, const char *, int, const unsigned int *) = dlsym(RTLD_NEXT, "PQprepare");

	if (strcmp(name, "isolationtester_waiting") == 0)
		sql = "SELECT count(*) > 0 FROM pg_stat_activity a WHERE state = 'active' AND starts_with(application_name, $1::text || '#') AND"
			" (pg_safe_snapshot_blocking_pids(pid) <> '{}' OR EXISTS (SELECT FROM pg_stat_activity b"
			" WHERE b.pid = ANY (pg_blocking_pids(a.pid)) AND application_name ~ '^[0-9]+#'))";
	return next(conn, name, sql, n, types);
}
