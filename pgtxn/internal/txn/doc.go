// Package txn follows one session through its transactions, so that at any
// moment it can say what every variable is, without asking the server.
//
// A Machine is told what goes by in the two directions. What the client sends
// (Sent, EndQuery, Sync) is queued and changes nothing yet, since the server may
// refuse it. What the server answers (Completed, Failed, Ready) takes the head
// of the queue and makes it happen. The text says what was asked and the server
// says what happened: a tag such as ROLLBACK stands for three different things,
// so tags are not looked at.
//
// The state is one stack of frames. A frame is a name and the variables as they
// were when it was opened: at the bottom the transaction, above it one for each
// savepoint. ROLLBACK TO finds the newest frame of that name, forgets those
// above and takes its variables; an error takes those of the newest frame;
// ROLLBACK takes those of the bottom. As guc.Set is immutable, a frame costs a
// pointer however many variables are set.
//
// A message of several statements, or a pipeline up to its Sync, is a
// transaction too. Its frame is opened by the first answer and ends at
// ReadyForQuery; a BEGIN in between makes it a real one, and keeps it.
//
// The rules are PostgreSQL's (xact.c, guc.c), as measured in
// postgres-session-state.md; the story files in testdata tell them one by one,
// and testdata/effects.txt has the table of every status and statement.
//
// A Machine does no I/O and reads no clock. It belongs to one goroutine.
package txn
