package relay

import (
	"strings"
	"testing"
)

// A new client begins with what ALTER ROLE, ALTER DATABASE and the configuration
// say at that time, whatever the pool's backends began with.
func TestDefaultsChange(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		admin := database(t).connect(t)
		role := "defaults_" + p.database
		admin.must("CREATE ROLE " + role + " LOGIN")
		defer admin.must("DROP ROLE " + role)
		p.user = role
		const values = "SELECT current_setting('work_mem'), current_setting('DateStyle'), current_setting('my.x', true)"
		for i, change := range []struct{ alter, want, style string }{
			{"SELECT 1", "4MB|ISO, MDY|NULL", "ISO, MDY"},
			{"ALTER ROLE $role SET work_mem = '5MB'", "5MB|ISO, MDY|NULL", "ISO, MDY"},
			{"ALTER DATABASE $database SET DateStyle = German", "5MB|German, DMY|NULL", "German, DMY"},
			{"ALTER ROLE $role IN DATABASE $database SET DateStyle = SQL", "5MB|SQL, MDY|NULL", "SQL, MDY"},
			{"ALTER ROLE $role SET my.x = 'a, b'", "5MB|SQL, MDY|a, b", "SQL, MDY"},
			{"ALTER ROLE $role SET work_mem = '6MB'", "6MB|SQL, MDY|a, b", "SQL, MDY"},
			{"ALTER ROLE $role IN DATABASE $database RESET ALL", "6MB|German, DMY|a, b", "German, DMY"},
			{"ALTER DATABASE $database RESET DateStyle", "6MB|ISO, MDY|a, b", "ISO, MDY"},
			{"ALTER ROLE $role RESET ALL", "4MB|ISO, MDY|NULL", "ISO, MDY"},
		} {
			admin.must(strings.NewReplacer("$role", role, "$database", p.database).Replace(change.alter))
			for _, options := range [][]string{nil, {"application_name", "x"}} {
				c := p.connect(t, options...)
				if got := c.value(values); got != change.want {
					t.Errorf("%d, behind %s: %s, not %s", i, change.alter, got, change.want)
				}
				if got := c.reported["DateStyle"]; got != change.style {
					t.Errorf("%d, behind %s: told DateStyle is %s", i, change.alter, got)
				}
				c.must("SET work_mem = '9MB'; SET DateStyle = Postgres")
				c.must("RESET ALL")
				if got := c.value(values); got != change.want {
					t.Errorf("%d, behind RESET ALL: %s, not %s", i, got, change.want)
				}
				c.leave()
			}
		}
	})
}
