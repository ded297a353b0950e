package story

import (
	"regexp"
	"slices"
	"strings"
)

// foreign holds, for the settings that stories change, what the other clients of a way of playing set them to: one value for each
// of them, in the server's own spelling, such as no story uses. A setting with no values is only looked at.
var foreign = map[string][3]string{
	"application_name":              {"neighbour 1", "neighbour 2", "neighbour 3"},
	"client_encoding":               {"LATIN1", "WIN1252", "LATIN9"},
	"client_min_messages":           {"warning", "error", "log"},
	"datestyle":                     {"German, DMY", "Postgres, YMD", "SQL, YMD"},
	"default_transaction_isolation": {"serializable", "repeatable read", "read uncommitted"},
	"default_transaction_read_only": {"on", "on", "on"},
	"enable_sort":                   {"off", "off", "off"},
	"extra_float_digits":            {"-1", "-2", "-3"},
	"intervalstyle":                 {"sql_standard", "iso_8601", "postgres_verbose"},
	"lock_timeout":                  {"61111ms", "62222ms", "63333ms"},
	"role":                          {},
	"search_path":                   {"neighbour1", "neighbour2", "neighbour3"},
	"session_authorization":         {},
	"standard_conforming_strings":   {"off", "off", "off"},
	"statement_timeout":             {"71111ms", "72222ms", "73333ms"},
	"timezone":                      {"Pacific/Chatham", "Asia/Kathmandu", "Australia/Eucla"},
	"work_mem":                      {"7111kB", "7222kB", "7333kB"},
}

// spelled maps what SET calls a setting to its name.
var spelled = map[string]string{
	"time zone":               "timezone",
	"names":                   "client_encoding",
	"schema":                  "search_path",
	"session authorization":   "session_authorization",
	"session characteristics": "default_transaction_isolation",
}

var customName = regexp.MustCompile(`\bmy\.[a-z_]+\b`)

// variables lists the settings that a text is about, in order: those known to foreign, and all of the form my.x.
func variables(text string) []string {
	text = strings.ToLower(text)
	names := customName.FindAllString(text, -1)
	for name := range foreign {
		if strings.Contains(text, name) {
			names = append(names, name)
		}
	}
	for spelling, name := range spelled {
		if strings.Contains(text, spelling) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// own is what the other client number who (0, 1, 2) sets each of the settings to.
func own(names []string, who int) []Option {
	var out []Option
	for _, n := range names {
		v := foreign[n][who]
		if strings.HasPrefix(n, "my.") {
			v = `it's "` + foreign["application_name"][who] + `"`
		}
		if v != "" {
			out = append(out, Option{n, v})
		}
	}
	return out
}

// look is the query for the settings' values; one never set is NULL.
func look(names []string) string {
	if len(names) == 0 {
		return "SELECT 1"
	}
	var asks []string
	for _, n := range names {
		asks = append(asks, "current_setting('"+n+"', true)")
	}
	return "SELECT " + strings.Join(asks, ", ")
}

func quoted(value string) string {
	return "'" + strings.ReplaceAll(value, "'", "''") + "'"
}
