package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The queries of deploy/peoplesoft, the ones that the how-to shows and the simulator's answer with the same columns and
// prompts.
func TestTheQueriesForTheAdministratorAreTheOnesThatAreRead(t *testing.T) {
	howTo := deployed(t, "../docs/how-to/connect-peoplesoft.md")
	pages := deployed(t, "peoplesoft/queries.md")
	blocks := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(howTo, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d queries in connect-peoplesoft.md", len(blocks))
	}
	for i, name := range []string{"ml_employees", "ml_vendors"} {
		sql := deployed(t, "peoplesoft/"+name+".sql")
		got, want := columns(sql), columns(blocks[i][1])
		if len(got) < 10 || !slices.Equal(got, want) {
			t.Errorf("%s selects\n%v, connect-peoplesoft.md\n%v", name, got, want)
		}
		for _, prompt := range regexp.MustCompile(`(?m)^--   :\d (\w+)`).FindAllStringSubmatch(sql, -1) {
			if !strings.Contains(howTo, "`"+prompt[1]+"`") || !strings.Contains(pages, "`"+prompt[1]+"`") {
				t.Errorf("%s: prompt %s is not on both pages", name, prompt[1])
			}
		}
		for _, private := range []string{"NATIONAL_ID", "BIRTHDATE", "COMPRATE", "BANK_", "STD_ID_NUM"} {
			if slices.ContainsFunc(got, func(c string) bool { return strings.Contains(c, private) }) {
				t.Errorf("%s selects %s", name, private)
			}
		}
	}
}

// columns lists the names of a SELECT list without their record aliases.
func columns(sql string) (names []string) {
	list := regexp.MustCompile(`(?s)SELECT (.*?)\s+FROM`).FindStringSubmatch(sql)
	if list == nil {
		return nil
	}
	for item := range strings.SplitSeq(list[1], ",") {
		words := strings.Fields(item)
		name := words[len(words)-1]
		names = append(names, name[strings.Index(name, ".")+1:])
	}
	return names
}
