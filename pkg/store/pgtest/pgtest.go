// Package pgtest gives tests a private Postgres: a cluster made from the binaries on this machine, on a Unix socket in a
// temporary folder, with a fresh database for every call. Several test binaries run side by side, as root and as anybody
// else. It is for tests only.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Env names the variable that points tests at a running server instead: a URL whose user may create databases.
const Env = "MLC_TEST_PG"

// Main runs m with one cluster for the whole test binary: `func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }`.
// Without it every call of URL starts a cluster of its own, which takes about a second. When the binaries are missing
// the tests run all the same, and URL skips.
func Main(m *testing.M) int {
	if os.Getenv(Env) != "" {
		return m.Run()
	}
	c, err := start()
	if err != nil {
		fmt.Fprintf(os.Stderr, "pgtest: %v\n", err) // URL tells it again, test by test
		return m.Run()
	}
	defer c.stop()
	if err := os.Setenv(Env, c.url("postgres")); err != nil {
		fmt.Fprintf(os.Stderr, "pgtest: %v\n", err)
		return 1
	}
	return m.Run()
}

// URL answers the address of an empty database, dropped at the end of the test. The test is skipped as NOT RUN when this
// machine has no Postgres.
func URL(t testing.TB) string {
	t.Helper()
	server := os.Getenv(Env)
	if server == "" {
		server = ownCluster(t)
	}
	name := "mlc_" + strings.ToLower(rand.Text()[:16])
	if err := create(server, name); err != nil {
		t.Fatalf("pgtest: create database: %v", err)
	}
	t.Cleanup(func() {
		if err := query(server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Logf("pgtest: drop database: %v", err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("pgtest: %s is not a URL", Env)
	}
	u.Path = "/" + name
	return u.String()
}

func ownCluster(t testing.TB) string {
	t.Helper()
	if _, err := binary("initdb"); err != nil {
		t.Skip("NOT RUN: no Postgres binaries")
	}
	c, err := start()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(c.stop)
	return c.url("postgres")
}

// create makes a database that sorts text like a customer's would, not by bytes, where the server can: queries that
// forget COLLATE "C" then fail the suite.
func create(server, name string) error {
	err := query(server, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'")
	if err == nil {
		return nil
	}
	return query(server, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'")
}

func query(server, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing hangs on it
	_, err = conn.Exec(ctx, sql)
	return err
}
