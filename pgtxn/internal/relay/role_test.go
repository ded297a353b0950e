package relay

import "testing"

// A role that was dropped and made again is another one, though a backend still has
// the old one set under that name: who set the new one must not meet that.
func TestRoleMadeAgain(t *testing.T) {
	db := database(t)
	p := db.behind(t, 2)
	old, holder, owner := p.connect(t), p.connect(t), p.connect(t)
	const role = "role_made_again"
	holder.must("DROP ROLE IF EXISTS " + role)
	holder.must("CREATE ROLE " + role)

	holder.must("BEGIN")
	old.must("SET ROLE " + role) // on the other backend, which keeps it
	holder.must("COMMIT")
	old.must("BEGIN")
	holder.must("DROP ROLE " + role)
	holder.must("CREATE ROLE " + role)
	owner.must("SET ROLE " + role) // on the backend of the holder
	old.must("ROLLBACK")
	holder.must("BEGIN")
	if got := owner.ask("SELECT current_user"); got != "D "+role+", C SELECT 1, Z I" {
		t.Errorf("the new role's user is %s", got)
	}
	holder.must("ROLLBACK; DROP ROLE " + role)
}
