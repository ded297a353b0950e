package wire

import (
	"strconv"
	"strings"
)

// switchesWithValue are the letters that take a value in postgres.c's getopt string.
const switchesWithValue = "BCDNSWcdfhkprtv-"

// flagSettings are the switches that set one variable to one value.
var flagSettings = map[byte]Setting{
	'e': {"datestyle", "euro"},
	'O': {"allow_system_table_mods", "true"},
	'P': {"ignore_system_indexes", "true"},
	's': {"log_statement_stats", "true"},
}

// valueSettings are the switches whose value is that of a variable.
var valueSettings = map[byte]string{
	'S': "work_mem",
	'W': "post_auth_delay",
}

// planSettings are the plan types that -f forbids; it looks at one letter (set_plan_disabling_options).
var planSettings = map[byte]string{
	's': "enable_seqscan",
	'i': "enable_indexscan",
	'o': "enable_indexonlyscan",
	'b': "enable_bitmapscan",
	't': "enable_tidscan",
	'n': "enable_nestloop",
	'm': "enable_mergejoin",
	'h': "enable_hashjoin",
}

// switchSettings returns what one switch sets, nil if it sets nothing that a client may set.
// Switches that only the postmaster takes (-B, -F, -h, -l, -N, …) are among those.
func switchSettings(letter byte, value string) []Setting {
	if s, ok := flagSettings[letter]; ok {
		return []Setting{s}
	}
	if name, ok := valueSettings[letter]; ok {
		return []Setting{{name, value}}
	}
	switch letter {
	case 'c', '-':
		// ParseLongOption (guc.c): a dash in the name stands for an underscore.
		if name, value, ok := strings.Cut(value, "="); ok && name != "" {
			return []Setting{{foldName(strings.ReplaceAll(name, "-", "_")), value}}
		}
	case 'd':
		return debugSettings(value)
	case 'f':
		if value != "" && planSettings[value[0]] != "" {
			return []Setting{{planSettings[value[0]], "false"}}
		}
	case 't':
		return statsSettings(value)
	}
	return nil
}

// debugSettings is set_debug_options. The variables that only the postmaster sets are left out.
func debugSettings(value string) []Setting {
	// atoi(3): digits as far as they go; a negative number does what 0 does.
	value = strings.TrimPrefix(strings.TrimLeft(value, whiteSpace), "+")
	level, _ := strconv.Atoi(value[:len(value)-len(strings.TrimLeft(value, "0123456789"))])
	if level <= 0 {
		return []Setting{{"log_min_messages", "notice"}}
	}
	settings := []Setting{{"log_min_messages", "debug" + strconv.Itoa(level)}}
	for i, s := range []Setting{
		{"log_statement", "all"},
		{"debug_print_parse", "true"},
		{"debug_print_plan", "true"},
		{"debug_print_rewritten", "true"},
	} {
		if level >= i+2 {
			settings = append(settings, s)
		}
	}
	return settings
}

// statsSettings is get_stats_option_name: it looks at no more than two letters.
func statsSettings(value string) []Setting {
	switch {
	case strings.HasPrefix(value, "pa"):
		return []Setting{{"log_parser_stats", "true"}}
	case strings.HasPrefix(value, "pl"):
		return []Setting{{"log_planner_stats", "true"}}
	case strings.HasPrefix(value, "e"):
		return []Setting{{"log_executor_stats", "true"}}
	}
	return nil
}
