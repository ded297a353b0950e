package wire

import (
	"reflect"
	"testing"
)

// The results were compared with pg_settings of PostgreSQL 15, given the same PGOPTIONS.
func TestSplitOptions(t *testing.T) {
	type set = []Setting
	tests := []struct {
		options  string
		settings set
		unknown  []string
	}{
		{options: ""},
		{options: " \t\n\v\f\r"},
		{options: "--"},
		{options: "-c work_mem=5MB", settings: set{{"work_mem", "5MB"}}},
		{options: "-cwork_mem=5MB", settings: set{{"work_mem", "5MB"}}},
		{options: "--work-mem=5MB", settings: set{{"work_mem", "5MB"}}},
		{options: "-c Work-Mem=5-MB", settings: set{{"work_mem", "5-MB"}}},
		{options: "-c\tmy.a= \n -c my.b=c=d", settings: set{{"my.a", ""}, {"my.b", "c=d"}}},
		{options: `-c search_path=a,\ b`, settings: set{{"search_path", "a, b"}}},
		{options: `-c my.x=\\\1\ `, settings: set{{"my.x", `\1 `}}},
		{options: "-c my.x=a\\\nb", settings: set{{"my.x", "a\nb"}}},
		{options: `-c my.x='a b'`, settings: set{{"my.x", "'a"}}, unknown: []string{"b'"}},
		{options: "-c my.x=\xff\u00c4", settings: set{{"my.x", "\xff\u00c4"}}},
		{options: "-c MY.\u00c4=1", settings: set{{"my.\u00c4", "1"}}},

		// Switches that stand for a variable.
		{options: "-S 9999 -S8888", settings: set{{"work_mem", "9999"}, {"work_mem", "8888"}}},
		{options: "-W 0", settings: set{{"post_auth_delay", "0"}}},
		{options: "-e -P", settings: set{{"datestyle", "euro"}, {"ignore_system_indexes", "true"}}},
		{
			options:  "-sO -fs -f h -fnx",
			settings: set{{"log_statement_stats", "true"}, {"allow_system_table_mods", "true"}, {"enable_seqscan", "false"}, {"enable_hashjoin", "false"}, {"enable_nestloop", "false"}},
		},
		{options: "-sc my.z=4", settings: set{{"log_statement_stats", "true"}, {"my.z", "4"}}},
		{options: "-d0 -d -1 -d x", settings: set{{"log_min_messages", "notice"}, {"log_min_messages", "notice"}, {"log_min_messages", "notice"}}},
		{options: "-d +1x", settings: set{{"log_min_messages", "debug1"}}},
		{options: "-d 3", settings: set{{"log_min_messages", "debug3"}, {"log_statement", "all"}, {"debug_print_parse", "true"}}},
		{options: "-tpa -t pla -tex", settings: set{{"log_parser_stats", "true"}, {"log_planner_stats", "true"}, {"log_executor_stats", "true"}}},

		// The server ignores or refuses these. We go on: it is not for us to judge.
		{options: "-B 100 -F -c a.b=1", settings: set{{"a.b", "1"}}, unknown: []string{"-B100", "-F"}},
		{options: "-c work_mem", unknown: []string{"-cwork_mem"}},
		{options: "-c =4", unknown: []string{"-c=4"}},
		{options: "-c", unknown: []string{"-c"}},
		{options: "--work_mem", unknown: []string{"--work_mem"}},
		{options: "-t p -f x -f", unknown: []string{"-tp", "-fx", "-f"}},
		{options: "-z -\xff", unknown: []string{"-z", "-\xff"}},
		{options: "- x", unknown: []string{"-", "x"}},
		{options: "-- -c a.b=1", unknown: []string{"-c", "a.b=1"}},
		{options: `\`, unknown: []string{""}},
	}
	for _, tt := range tests {
		settings, unknown := SplitOptions(tt.options)
		if !reflect.DeepEqual(settings, tt.settings) || !reflect.DeepEqual(unknown, tt.unknown) {
			t.Errorf("%q:\n got %q, unknown %q\nwant %q, unknown %q", tt.options, settings, unknown, tt.settings, tt.unknown)
		}
	}
}
