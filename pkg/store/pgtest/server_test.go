package pgtest

import "testing"

func TestAServerThatIsKilledComesBackWithWhatWasCommitted(t *testing.T) {
	s := Own(t)
	if err := query(s.URL(), "create table kept (n int)"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.Kill()
		if err := query(s.URL(), "select 1"); err == nil {
			t.Fatal("a killed server answers")
		}
		s.Start(t)
		if err := query(s.URL(), "insert into kept values (1)"); err != nil {
			t.Fatal(err)
		}
	}
}
