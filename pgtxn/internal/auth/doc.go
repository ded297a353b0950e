// Package auth proves identities: a client's to us, and ours to an upstream server.
//
// Both exchanges are values: bytes of a message go in, bytes of the next one come out. Server
// asks a client for SCRAM-SHA-256, as PostgreSQL does, and answers for a user who does not exist
// as for one who does. Client answers whatever PostgreSQL asks for. What is known of a password
// is a Secret; a user list is read by ParseUsers. None of the types prints what it guards.
//
// SCRAM is written here, after RFC 5802 and PostgreSQL's auth-scram.c and fe-auth-scram.c, and
// not taken from xdg-go/scram, against which the tests run it. That library hides the keys, and
// to log in upstream with no more than a verifier takes the ClientKey of the client's proof; it
// normalizes passwords in another order than PostgreSQL; it does not tell a malformed message
// from a wrong password.
package auth
