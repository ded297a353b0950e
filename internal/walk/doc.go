// Package walk says random things to PostgreSQL and to a proxy before it, and compares what they answer, statement by statement.
//
// [New] makes a story (package story) out of a seed: transactions, savepoints of few names in odd spellings, settings changed and
// undone in every form, errors, prepared statements and pipelines, said by one client. It knows no server and does no I/O: grammar.go
// has the statements, settings.go the variables, wrap.go the messages they travel in.
//
// [Game.Compare] plays such a story on the server, where whatever is answered is right, and then through a proxy, while other
// clients (company.go) change the same variables on the same backends while the walker is at rest. They too must see what they
// set and nothing else. [Shrink] drops from a story that differs what the difference does not need, and [Text] writes it as a
// file that package story plays, for the folder of stories.
//
// A custom setting that was once set on a backend stays defined there as ”; elsewhere it is NULL. Walks look at that, unless the
// pool leaves it as it is (Shared).
package walk
