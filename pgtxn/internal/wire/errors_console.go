package wire

// What the console says that is not right.

// NoVisitor turns a user away who has logged in.
func NoVisitor(user string) *Error {
	return fatal("42501", "user \"%s\" may not use the console of the connection pool", user).
		withHint("Name the user in admin_users or stats_users in the configuration of the connection pool.")
}

// AdminsOnly refuses a command to a user of stats_users.
func AdminsOnly(command string) *Error {
	return failure("42501", "%s is for users in admin_users", command)
}

// UnknownCommand says which command may have been meant, if meant is one.
func UnknownCommand(text, meant string) *Error {
	e := failure("42601", "there is no command \"%s\"", text)
	if meant != "" {
		return e.withHint("Did you mean %s? SHOW HELP lists all commands.", meant)
	}
	return e.withHint("This is the console of the connection pool. SHOW HELP lists its commands.")
}

// CommandUsage refuses a command with too few or too many words behind it.
func CommandUsage(usage string) *Error { return failure("42601", "the command is: %s", usage) }

// CommandFailed is for all that has no error of its own.
func CommandFailed(err error) *Error { return failure("XX000", "%s", err) }

// NoPool is for commands that name a database.
func NoPool(database string) *Error {
	return failure("3D000", "there is no pool of a database \"%s\"", database).
		withHint("SHOW DATABASES lists those that there are. KILL_CLIENT ends one session.")
}

// EmptyDatabase is for commands that would be for all pools without a name.
func EmptyDatabase() *Error {
	return failure("42601", "the name of the database is empty").withHint("Leave it out for all pools.")
}

// WrongPoolState says that pools are paused, or are not.
func WrongPoolState(what string) *Error { return failure("55000", "%s", what) }

// NoSession is for commands that name a session.
func NoSession(id string) *Error {
	return failure("42704", "there is no session %s, or it has ended", id).withHint("SHOW CLIENTS lists those that there are.")
}

// ReloadFailed says what could not be read.
func ReloadFailed(err error) *Error {
	return failure("F0000", "%s", err).withHint("What was read before stays in use.")
}

// NothingToSet refuses to SET an option.
func NothingToSet(name string) *Error {
	return failure("55P02", "\"%s\" can't be set here", name).
		withHint("Options are set in Caddy's configuration; caddy reload has them apply.")
}

// The extended protocol of the console, in PostgreSQL's words.

// InvalidMessage is for a message that is not as the protocol has it.
func InvalidMessage(err error) *Error { return failure("08P01", "invalid message: %s", err) }

// DuplicateStatement is for a Parse.
func DuplicateStatement(name string) *Error {
	return failure("42P05", "prepared statement \"%s\" already exists", name)
}

// NoSuchStatement is for a Bind or Describe.
func NoSuchStatement(name string) *Error {
	return failure("26000", "prepared statement \"%s\" does not exist", name)
}

// NoSuchPortal is for a Describe or Execute.
func NoSuchPortal(name string) *Error { return failure("34000", "portal \"%s\" does not exist", name) }

// SeveralStatements is for a Parse.
func SeveralStatements() *Error {
	return failure("42601", "cannot insert multiple commands into a prepared statement")
}

// NoParameters is for a Bind.
func NoParameters(given int) *Error {
	return failure("08P01", "bind message supplies %d parameters, but prepared statement requires 0", given)
}
