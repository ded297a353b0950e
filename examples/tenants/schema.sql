-- As a superuser: psql -v ON_ERROR_STOP=1 -f examples/tenants/schema.sql
CREATE DATABASE shop;
\connect shop

-- Who asks for the tenants' passwords, and the only question that it may ask. See docs/authentication.md.
CREATE ROLE pgtxn LOGIN PASSWORD 'change me';
CREATE SCHEMA pgtxn;
CREATE FUNCTION pgtxn.user_lookup(username name, OUT name, OUT text) RETURNS SETOF record
	LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
	AS 'SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END
	    FROM pg_authid WHERE rolname = $1 AND rolcanlogin AND NOT rolsuper';
REVOKE ALL ON FUNCTION pgtxn.user_lookup(name) FROM PUBLIC;
GRANT USAGE ON SCHEMA pgtxn TO pgtxn;
GRANT EXECUTE ON FUNCTION pgtxn.user_lookup(name) TO pgtxn;

-- What all tenants have in one table: each sees its own rows.
CREATE TABLE public.invoices (tenant name DEFAULT current_user, amount int);
ALTER TABLE public.invoices ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON public.invoices USING (tenant = current_user);

-- And for each tenant: a role, a schema, and a search_path that begins with it.
CREATE ROLE acme LOGIN PASSWORD 'roadrunner';
CREATE SCHEMA acme AUTHORIZATION acme;
ALTER ROLE acme SET search_path = acme, public;
GRANT SELECT, INSERT ON public.invoices TO acme;

CREATE ROLE globex LOGIN PASSWORD 'hammock';
CREATE SCHEMA globex AUTHORIZATION globex;
ALTER ROLE globex SET search_path = globex, public;
GRANT SELECT, INSERT ON public.invoices TO globex;
