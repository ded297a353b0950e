// Package pagetest is the test of the page that the admin API serves: Caddy with the plugin, PostgreSQL and its clients are
// real, and so is the browser, Chromium without a screen. It is a module of its own for the sake of what drives that.
package pagetest
