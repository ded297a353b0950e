/*
 * Goes between isolationtester and libpq (LD_PRELOAD) when the tester runs through the proxy.
 *
 * The tester asks the server whether the backend of a session waits for that of another, by the process ids which it was
 * told when it connected. Those are the proxy's; the backend may be another one in each transaction. But the tester gives each
 * session an application_name, which the proxy brings along to every backend: so that is what is asked by instead.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;

static struct
{
	int			pid;
	char	   *name;
}			sessions[100];
static int	nsessions;

int
PQbackendPID(const PGconn *conn)
{
	int			(*next)(const PGconn *) = dlsym(RTLD_NEXT, "PQbackendPID");
	const char *(*status)(const PGconn *, const char *) = dlsym(RTLD_NEXT, "PQparameterStatus");
	int			pid = next(conn);

	sessions[nsessions].pid = pid;
	sessions[nsessions++].name = strdup(status(conn, "application_name"));
	return pid;
}

PGresult *
PQprepare(PGconn *conn, const char *name, const char *sql, int n, const unsigned int *types)
{
	PGresult   *(*next)(PGconn *, const char *, const char *, int, const unsigned int *) = dlsym(RTLD_NEXT, "PQprepare");

	if (strcmp(name, "isolationtester_waiting") == 0)
		sql = "SELECT count(*) > 0 FROM pg_stat_activity a WHERE state = 'active' AND application_name = $1::text AND"
			" (pg_safe_snapshot_blocking_pids(pid) <> '{}' OR EXISTS (SELECT FROM pg_stat_activity b"
			" WHERE b.pid = ANY (pg_blocking_pids(a.pid)) AND starts_with(application_name, 'isolation/')))";
	return next(conn, name, sql, n, types);
}

PGresult *
PQexecPrepared(PGconn *conn, const char *name, int n, const char *const *values, const int *lengths, const int *formats, int result)
{
	PGresult   *(*next)(PGconn *, const char *, int, const char *const *, const int *, const int *, int) = dlsym(RTLD_NEXT, "PQexecPrepared");

	if (strcmp(name, "isolationtester_waiting") == 0)
		for (int i = 0; i < nsessions; i++)
			if (sessions[i].pid == atoi(values[0]))
				return next(conn, name, 1, (const char *const *) &sessions[i].name, NULL, NULL, result);
	return next(conn, name, n, values, lengths, formats, result);
}
