package peoplesoft

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ask is one query call, understood.
type ask struct {
	query, format string
	prompts       map[string]string
	from, to      *wall
	effFrom       string
	effTo         string
	after, key    string
	setID         string
	max           int // 0: no limit
	fields        []string
	jsonErrors    bool
}

// rawParam finds a parameter in the query string without decoding it: the commas of a list count only while
// they are not percent-encoded (peoplesoft.md 3.1).
func rawParam(rawQuery, name string) (string, bool) {
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// rawList splits at the literal commas, then decodes each item.
func rawList(raw string) ([]string, error) {
	items := strings.Split(raw, ",")
	for i, item := range items {
		text, err := url.QueryUnescape(item)
		if err != nil {
			return nil, err
		}
		items[i] = text
	}
	return items, nil
}

// readPrompts pairs the two positional lists.
func readPrompts(rawQuery string) (map[string]string, error) {
	prompts := map[string]string{}
	rawNames, has := rawParam(rawQuery, "prompt_uniquepromptname")
	rawValues, hasValues := rawParam(rawQuery, "prompt_fieldvalue")
	if !has && !hasValues {
		return prompts, nil
	}
	names, err := rawList(rawNames)
	if err != nil {
		return nil, err
	}
	values, err := rawList(rawValues)
	if err != nil {
		return nil, err
	}
	if len(names) != len(values) {
		return nil, fmt.Errorf("%d prompt names and %d prompt values", len(names), len(values))
	}
	for i, name := range names {
		prompts[name] = values[i]
	}
	return prompts, nil
}

// readAsk understands the parameters of an ExecuteQuery call. An empty prompt slot is no bound.
func (s *Sim) readAsk(query, format, rawQuery string) (ask, error) {
	a := ask{query: query, format: format, prompts: map[string]string{}}
	flag, _ := rawParam(rawQuery, "json_resp")
	a.jsonErrors = strings.EqualFold(flag, "true")
	prompts, err := readPrompts(rawQuery)
	if err != nil {
		return a, err
	}
	a.prompts = prompts
	if raw, _ := rawParam(rawQuery, "maxrows"); raw != "" {
		if a.max, err = strconv.Atoi(raw); err != nil || a.max < 0 {
			return a, fmt.Errorf("maxrows %q: not a number", raw)
		}
	}
	if raw, _ := rawParam(rawQuery, "filterfields"); raw != "" {
		if a.fields, err = rawList(raw); err != nil {
			return a, err
		}
	}
	for name, value := range prompts {
		if err := s.takePrompt(&a, name, strings.TrimSpace(value)); err != nil {
			return a, err
		}
	}
	return a, nil
}

// takePrompt puts one prompt in its place; names are case-sensitive and belong to one query.
func (s *Sim) takePrompt(a *ask, name, value string) error {
	people := a.query == s.opt.EmployeeQuery
	switch {
	case name == "FROM_DTTM":
		return setWall(&a.from, name, value, s.opt.Zone)
	case name == "TO_DTTM":
		return setWall(&a.to, name, value, s.opt.Zone)
	case people && name == "EFFDT_FROM":
		return setDay(&a.effFrom, name, value, s.opt.Zone)
	case people && name == "EFFDT_TO":
		return setDay(&a.effTo, name, value, s.opt.Zone)
	case people && name == "LAST_EMPLID", !people && name == "LAST_VENDOR_ID":
		a.after = value
	case people && name == "EMPLID", !people && name == "VENDOR_ID", name == "KEY":
		a.key = value
	case !people && name == "SETID":
		a.setID = value
	default:
		return fmt.Errorf("prompt %q: unknown for query %s", name, a.query)
	}
	return nil
}

func setWall(into **wall, name, value string, zone *time.Location) error {
	if value == "" {
		return nil
	}
	w, err := parseWall(value, zone)
	if err != nil {
		return fmt.Errorf("prompt %s: %w", name, err)
	}
	*into = &w
	return nil
}

// setDay takes a date, or the date of a date-time in the simulator's zone.
func setDay(into *string, name, value string, zone *time.Location) error {
	var w *wall
	if err := setWall(&w, name, value, zone); err != nil || w == nil {
		return err
	}
	*into = w.format(time.DateOnly, time.UTC)
	return nil
}
