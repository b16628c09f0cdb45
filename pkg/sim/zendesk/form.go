package zendesk

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// form reads the known keys of one record of a request and collects complaints and ignored keys.
type form struct {
	in      fields
	bad     problems
	ignored []string
	limit   int // longest text, <= 0 none
}

func (f *form) sent(key string) bool { _, sent := f.in[key]; return sent }

func (f *form) refuse(key string) { f.bad.add(key, title(key)+": is invalid") }

// text reads a string or number; null is "".
func (f *form) text(key string) (v string, sent bool) {
	raw, sent := f.in[key]
	if !sent || string(raw) == "null" {
		return "", sent
	}
	if json.Unmarshal(raw, &v) != nil {
		if _, err := strconv.ParseFloat(string(raw), 64); err != nil {
			f.refuse(key)
			return "", false
		}
		v = string(raw)
	}
	if f.limit > 0 && len([]rune(v)) > f.limit && key != "details" && key != "notes" && key != "signature" {
		f.bad.add(key, title(key)+": is too long (maximum is "+strconv.Itoa(f.limit)+" characters)")
		return "", false
	}
	return v, true
}

// texts sets a nullable text; "" stays "" and null is null.
func (f *form) optional(key string, dst **string) {
	if v, sent := f.text(key); sent {
		*dst = nil
		if string(f.in[key]) != "null" {
			*dst = &v
		}
	}
}

func (f *form) plain(key string, dst *string) {
	if v, sent := f.text(key); sent && v != "" {
		*dst = v
	}
}

func (f *form) flag(key string, dst *bool) (sent bool) {
	raw, sent := f.in[key]
	if !sent || string(raw) == "null" {
		return false
	}
	switch strings.Trim(string(raw), `"`) {
	case "true":
		*dst = true
	case "false":
		*dst = false
	default:
		f.refuse(key)
		return false
	}
	return true
}

// number sets a nullable id that comes as a number or as digits in a string.
func (f *form) number(key string, dst **int64) (sent bool) {
	raw, sent := f.in[key]
	if !sent {
		return false
	}
	if string(raw) == "null" {
		*dst = nil
		return true
	}
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	if err != nil {
		f.refuse(key)
		return false
	}
	*dst = &n
	return true
}

// tags reads a list, or words in one string, as a set in lower case.
func (f *form) tags(key string) (tags []string, sent bool) {
	raw, sent := f.in[key]
	if !sent {
		return nil, false
	}
	if json.Unmarshal(raw, &tags) != nil {
		var words string
		if json.Unmarshal(raw, &words) != nil {
			f.refuse(key)
			return nil, false
		}
		tags = strings.Fields(strings.ReplaceAll(words, ",", " "))
	}
	for i, t := range tags {
		tags[i] = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(t), " ", "_"))
	}
	slices.Sort(tags)
	return slices.Compact(tags), true
}

// ignore notes the keys that nobody may write: they are skipped and named in X-Zendesk-API-Warn (1.2).
func (f *form) ignore(writable string) {
	for _, key := range slices.Sorted(maps.Keys(f.in)) {
		if !strings.Contains(writable, " "+key+" ") {
			f.ignored = append(f.ignored, key)
		}
	}
}

// title turns external_id into "External id", as in Zendesk's messages.
func title(key string) string {
	t := strings.ReplaceAll(key, "_", " ")
	if t == "" {
		return t
	}
	return strings.ToUpper(t[:1]) + t[1:]
}

func (c *call) warn(f *form) {
	if len(f.ignored) > 0 {
		c.header.Set("X-Zendesk-API-Warn", "Removed restricted keys "+strconv.Quote(strings.Join(f.ignored, ", "))+" from parameters")
	}
}
