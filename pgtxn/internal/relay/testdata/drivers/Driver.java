// pgjdbc: see TestOtherDrivers. The first argument is the URL, with autosave=always and prepareThreshold=1.

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.TreeSet;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

public class Driver {
	static Connection conn;

	static String one(String text) throws SQLException {
		try (PreparedStatement s = conn.prepareStatement(text); ResultSet r = s.executeQuery()) {
			r.next();
			return r.getString(1);
		}
	}

	static void run(Connection c, String text) throws SQLException {
		try (Statement s = c.createStatement()) {
			s.execute(text);
		}
	}

	static void insert(int a) throws SQLException {
		try (PreparedStatement s = conn.prepareStatement("INSERT INTO t VALUES (?)")) {
			s.setInt(1, a);
			s.executeUpdate();
		}
	}

	static void heard() throws SQLException {
		PGConnection pg = conn.unwrap(PGConnection.class);
		for (PGNotification[] all = null; ; all = pg.getNotifications(100)) {
			if (all != null && all.length > 0) {
				System.out.println("heard of " + (all[0].getPID() == pg.getBackendPID() ? "itself " : "another ") + all[0].getParameter());
				return;
			}
		}
	}

	public static void main(String[] args) throws Exception {
		conn = DriverManager.getConnection(args[0]);
		run(conn, "SET work_mem = '7MB'");
		TreeSet<String> seen = new TreeSet<>();
		for (int i = 0; i < 20; i++) {
			seen.add(one("SHOW work_mem"));
		}
		System.out.println("set " + String.join(",", seen));

		int sum = 0;
		for (int i = 1; i <= 20; i++) {
			try (PreparedStatement s = conn.prepareStatement("SELECT ?::int")) {
				s.setInt(1, i);
				ResultSet r = s.executeQuery();
				r.next();
				sum += r.getInt(1);
			}
		}
		System.out.println("prepared " + sum);

		run(conn, "CREATE TABLE t (a int PRIMARY KEY)");
		conn.setAutoCommit(false);
		insert(1);
		try {
			insert(1); // autosave goes back to before it
		} catch (SQLException e) {
			insert(2);
		}
		conn.commit();
		System.out.println("rows " + one("SELECT string_agg(a::text, ',' ORDER BY a) FROM t"));

		run(conn, "SET work_mem = '9MB'");
		conn.rollback();
		conn.setAutoCommit(true);
		System.out.println("rolled back " + one("SHOW work_mem"));

		try (PreparedStatement s = conn.prepareStatement("SELECT 1/?::int")) {
			s.setInt(1, 0);
			s.executeQuery();
		} catch (SQLException e) {
			System.out.println("error " + e.getSQLState());
		}
		System.out.println("after the error " + one("SELECT 1"));

		run(conn, "TRUNCATE t");
		try (PreparedStatement s = conn.prepareStatement("INSERT INTO t VALUES (?)")) {
			for (int i = 1; i <= 100; i++) {
				s.setInt(1, i);
				s.addBatch();
			}
			s.executeBatch();
		}
		System.out.println("batch " + one("SELECT count(*) FROM t") + " " + one("SELECT sum(a) FROM t"));

		run(conn, "LISTEN a");
		run(conn, "NOTIFY a, 'hello'");
		heard();
		Connection other = DriverManager.getConnection(args[0]);
		run(other, "NOTIFY a, 'from another'");
		heard();
		run(conn, "UNLISTEN a");
		run(other, "NOTIFY a, 'to nobody'");
		other.close();
		one("SELECT 1");
		PGNotification[] more = conn.unwrap(PGConnection.class).getNotifications();
		System.out.println("heard nothing more " + (more == null ? 0 : more.length));

		run(conn, "RESET work_mem");
		System.out.println("back to " + one("SHOW work_mem"));
		conn.close();
	}
}
