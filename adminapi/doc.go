// Package adminapi is what this project's routes of Caddy's admin API have in common, and the commands that ask them.
package adminapi
