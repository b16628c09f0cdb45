package pgtest

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestEveryCallGivesAnEmptyDatabaseOfItsOwn(t *testing.T) {
	one, two := URL(t), URL(t)
	if one == two {
		t.Fatalf("the same database twice: %s", one)
	}
	for _, url := range []string{one, two} {
		if err := query(url, "CREATE TABLE mine (id int)"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAClusterIsStartedWithoutMain(t *testing.T) {
	t.Setenv(Env, "")
	if err := query(URL(t), "SELECT 1"); err != nil {
		t.Fatal(err)
	}
}
